"""The door: who watches, and may it count."""

from typing import Any

import pytest

from scrobbler.api import Episode, File, Filter, Item, Movie, PlayerEvent, Show, SourceOptions, Traits, User
from scrobbler.api.events import SKIP_WORDS
from scrobbler.intake.filters import lets_in, matches
from scrobbler.intake.intake import Refused, Rules, SourceIntake
from scrobbler.intake.users import UserMap
from scrobbler.plays.model import AccountPolicy, Heard

TRAITS = Traits(ticks=True, knows_users=True, quiet_s=60, close_s=1800, richness=60)
ACCOUNTS = {name: AccountPolicy(account=name) for name in ("alice", "bob")}
FILM = Movie(title="Sintel")


def door(rules: dict[str, Any] | None = None, **options: Any) -> SourceIntake:
    """Open a source's door."""
    return SourceIntake("tv", SourceOptions(type="test", **options), TRAITS, Rules(accounts=ACCOUNTS, **(rules or {})))


def event(item: Item = FILM, **more: Any) -> PlayerEvent:
    """Let the player begin."""
    return PlayerEvent(**{"kind": "play", "player": "tv", "item_key": "1", "item": item, **more})


def who(intake: SourceIntake, user: User | None, hidden: frozenset[str] = frozenset()) -> list[str] | str:
    """Say who is taken to watch, or why nobody is."""
    answer = intake.admit(event(user=user), hidden)
    return answer.reason if isinstance(answer, Refused) else [one.account for one in answer.accounts]


UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
USERS = {
    "Alice": "alice",
    "Bob K": ["bob"],
    "Parents": ["alice", "bob", "alice"],
    "Guests": [],
    UUID: "bob",
    "42": "alice",
}


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (User(name="Alice"), ["alice"]),
        (User(name="  aLICE "), ["alice"]),
        (User(name="BOB K"), ["bob"]),
        (User(name="Parents"), ["alice", "bob"]),
        (User(id="42"), ["alice"]),
        (User(id="42", name="Bob K"), ["alice"]),
        (User(id="43", name="Bob K"), ["bob"]),
        (User(id=UUID), ["bob"]),
        (User(id=UUID.replace("-", "").upper()), ["bob"]),
        (User(name="Guests"), "a user who is mapped to nobody"),
        (User(name="Carol"), "nobody's: its user is not under `users`"),
        (User(id="7"), "nobody's: its user is not under `users`"),
        (User(name="Bob-K"), "nobody's: its user is not under `users`"),
    ],
)
def test_users(user: User, expected: list[str] | str) -> None:
    """A user is found by id first, then by name, without case; ids also without dashes; an empty list is nobody."""
    assert who(door(users=USERS), user) == expected


def test_an_id_written_without_dashes() -> None:
    """The configuration may name an id without the dashes that the server uses."""
    assert UserMap({UUID.replace("-", ""): "bob"}).accounts(User(id=UUID)) == ("bob",)


def test_the_rest() -> None:
    """`*` stands for who is not named, whether or not the source says who it is."""
    intake = door(users={"Alice": "alice", "*": "bob"})
    assert who(intake, User(name="Alice")) == ["alice"]
    assert who(intake, User(name="Carol")) == ["bob"]
    assert who(intake, None) == ["bob"]


def test_nobody_said_who_watches() -> None:
    """A source with users that names none, and no `*`: the event is refused, nobody is guessed."""
    assert who(door(users={"Alice": "alice"}), None) == "nobody's: it names no user, and `users` has no `*`"


def test_the_account_of_a_source() -> None:
    """A source without users is the account's, or the accounts', whoever it names."""
    assert who(door(account="alice"), None) == ["alice"]
    assert who(door(account=["alice", "bob"]), User(name="Carol")) == ["alice", "bob"]


def test_an_account_that_is_not_there_yet() -> None:
    """A source that was changed to a new account waits for the restart that brings it, without an error."""
    assert who(door(account="carol"), None) == "its account counts after a restart of the daemon"
    assert who(door(account=["carol", "bob"]), None) == ["bob"]


def test_unmapped_users_are_worth_one_line() -> None:
    """The same user gives the same word for "said already"; another user another; no title is in it."""
    intake = door(users={"Alice": "alice"})
    answers = [intake.admit(event(user=User(id=one, name="Carol"))) for one in ("7", "7", "8")]
    assert [one.once for one in answers if isinstance(one, Refused)] == ["user:7", "user:7", "user:8"]
    assert not any("Sintel" in repr(one) for one in answers)


def test_private_mode() -> None:
    """Who is hidden is not recorded; the other in front of the same player is."""
    intake = door(account=["alice", "bob"])
    assert who(intake, None, frozenset({"alice"})) == ["bob"]
    assert who(intake, None, frozenset({"alice", "bob"})) == "private mode"


def test_marks_have_their_own_switch() -> None:
    """Rule 15: marking by hand counts only where the source says so."""
    mark = event(kind="marked")
    refused = door(account="alice").admit(mark)
    assert isinstance(refused, Refused)
    assert "`marks: true` changes that" in refused.reason
    assert isinstance(door(account="alice", marks=True).admit(mark), Heard)


@pytest.mark.parametrize("skip", SKIP_WORDS)
def test_what_is_no_play_is_named(skip: Any) -> None:
    """Rule 14: each reason of a plugin has its words, and the play is kept as ignored."""
    answer = door(account="alice").admit(event(skip=skip))
    assert isinstance(answer, Heard)
    assert answer.ignored == SKIP_WORDS[skip]


@pytest.mark.parametrize(
    ("path", "counts"),
    [("/media/films/a.mkv", True), ("/MEDIA/b.mkv", True), ("/home/a.mkv", False), ("/media/private/c.mkv", False)],
)
def test_paths(path: str, counts: bool) -> None:  # noqa: FBT001 - a column of the table
    """What lies outside `paths` is refused: nothing of it is stored, not even its name."""
    intake = door(account="alice", paths=Filter(include=("/media/*",), exclude=("*/private/*",)))
    answer = intake.admit(event(File(path=path)))
    assert isinstance(answer, Heard) is counts
    assert intake.outside(path) is not counts


def test_ignored_paths_and_titles() -> None:
    """`ignore` keeps the play, with the reason; patterns fit whole values without regard to case."""
    intake = door({"ignore_paths": ("*/Trailers/*",), "ignore_titles": ("sin*", "Firefly")}, account="alice")
    episode = Episode(show=Show(title="FIREFLY"), season=1, number=1)
    found = [intake.admit(event(one)) for one in (File(path="/m/trailers/x.mkv"), FILM, episode, Movie(title="Big"))]
    assert [one.ignored for one in found if isinstance(one, Heard)] == [
        "its path is excluded",
        "title Sintel is on the ignore list",
        "title FIREFLY is on the ignore list",
        "",
    ]


def test_libraries() -> None:
    """A library that is not included, or is excluded, is named; an unknown one is let in."""
    intake = door(account="alice", libraries=Filter(include=("Movies", "TV*"), exclude=("tv kids",)))
    verdicts = {
        name: intake.why_not(FILM, path=None, library=name) for name in ("movies", "TV Shows", "TV Kids", "Home", None)
    }
    assert [name for name, reason in verdicts.items() if reason] == ["TV Kids", "Home"]
    assert verdicts["Home"] == "library Home is not among those that count here"


def test_the_habits_of_a_source_go_along() -> None:
    """Deadlines are in milliseconds, and the shortest length that counts comes with the event."""
    answer = door({"shorter_than_ms": 1234}, account="alice").admit(event())
    assert isinstance(answer, Heard)
    assert (answer.source, answer.traits.quiet_ms, answer.traits.close_ms) == ("tv", 60_000, 1_800_000)
    assert answer.shorter_than_ms == 1234


def test_exclusion_wins() -> None:
    """`exclude` wins over `include`; without `include` everything else is in."""
    both = Filter(include=("*a*",), exclude=("*ab*",))
    assert lets_in(both, "xa")
    assert not lets_in(both, "xab")
    assert lets_in(Filter(exclude=("b",)), "a")
    assert matches("[HorribleSubs] x", ("[[]horriblesubs]*",))


@pytest.mark.parametrize(
    ("options", "said", "undecided"),
    [
        ({}, {}, ""),
        ({"libraries": Filter(include=("Films",))}, {}, "library"),
        ({"libraries": Filter(exclude=("Kids",))}, {}, "library"),
        ({"libraries": Filter(exclude=("Kids",))}, {"library": "Films"}, ""),
        ({"paths": Filter(include=("/media/*",))}, {}, "path"),
        ({"paths": Filter(exclude=("/private/*",))}, {}, "path"),
        ({"paths": Filter(include=("/media/*",))}, {"item": File(path="/media/a.mkv")}, ""),
    ],
)
def test_what_a_filter_lacks(options: dict[str, Any], said: dict[str, Any], undecided: str) -> None:
    """An event that does not say what a filter of its source needs is let in, and carries what is not known."""
    heard = door(account="alice", **options).admit(event(**said))
    assert isinstance(heard, Heard)
    assert heard.undecided == undecided
