"""What the house makes of a log: news are shown, what was missed becomes history and never a start (issue: log files)."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from scrobbler.api import PlayerEvent
from scrobbler.plays.model import Fact, Heard, SourceTraits
from scrobbler_plugins.logfile import Plugin
from scrobbler_plugins.logfile.book import Book
from scrobbler_plugins.logfile.parse import Said
from tests.plays.kit import ALICE, FILM, MINUTE, House

LENGTH_MS = 100 * MINUTE
_DECLARED = Plugin.traits
TRAITS = SourceTraits(
    ticks=_DECLARED.ticks,
    quiet_ms=int(_DECLARED.quiet_s * 1000),
    close_ms=int(_DECLARED.close_s * 1000),
    richness=_DECLARED.richness,
)


class Evening:
    """A house that hears one log."""

    def __init__(self) -> None:
        self.house = House(traits=TRAITS, length_ms=LENGTH_MS)
        self.book = Book()
        self.shown: list[str] = []

    def said(self, kind: str, minute: float | None = None, *, ago: float | None = None, measured: bool = True) -> Said:
        return Said(
            kind=kind,  # type: ignore[arg-type]
            player="tv",
            item_key="film",
            item=FILM,
            position_ms=None if minute is None else int(minute * MINUTE),
            duration_ms=LENGTH_MS if measured else None,
            at_ms=self.house.utc_ms - int((ago or 0) * MINUTE),
        )

    def hear(self, events: Iterable[PlayerEvent]) -> None:
        for event in events:
            given = replace(event, item=FILM)
            self.house.give(Heard(source="log", traits=TRAITS, accounts=(ALICE,), event=given))
            now_playing = self.house.state.now_playing.get("alice")
            self.shown.append(now_playing.mode if now_playing else "nothing")

    def past(self, kind: str, minute: float | None, ago: float, *, measured: bool = True) -> None:
        self.hear(self.book.past(self.said(kind, minute, ago=ago, measured=measured), self.house.utc_ms))

    def news(self, kind: str, minute: float | None, *, measured: bool = True) -> None:
        self.hear(self.book.news(self.said(kind, minute, measured=measured), self.house.utc_ms))

    def caught_up(self) -> None:
        self.hear(self.book.caught_up(self.house.utc_ms))

    @property
    def facts(self) -> list[tuple[str, bool, float]]:
        """What is owed: the kind, whether it is live, and how many minutes ago it was."""
        return [
            (one.kind, one.live, round((self.house.utc_ms - one.at_utc_ms) / MINUTE))
            for one in self.house.effects
            if isinstance(one, Fact)
        ]


def test_a_missed_play_is_history() -> None:
    """Start and stop were written while we were away: a watch with the time of its stop, and nothing was shown."""
    evening = Evening()
    evening.past("play", 0, 200)
    evening.past("stop", 95, 100)
    evening.caught_up()
    assert evening.facts == [("watched", False, 100)]
    assert set(evening.shown) == {"nothing"}


def test_a_missed_play_that_was_left_is_no_watch() -> None:
    """What was stopped half-way is no watch."""
    evening = Evening()
    evening.past("play", 0, 200)
    evening.past("stop", 50, 150)
    assert [kind for kind, _, _ in evening.facts] == ["left"]


def test_a_missed_skip_is_no_watch() -> None:
    """A film of a hundred minutes that ended near its end after four was not watched."""
    evening = Evening()
    evening.past("play", 0, 60)
    evening.past("stop", 99, 56)
    assert [kind for kind, _, _ in evening.facts] == ["left"]


def test_a_play_that_goes_on_over_a_restart() -> None:
    """Its beginning was missed, its end is seen: what was watched before we came counts."""
    evening = Evening()
    evening.past("play", 0, 85)
    evening.past("progress", 84, 1)
    evening.caught_up()
    assert set(evening.shown) == {"nothing"}
    evening.house.wait(MINUTE // 2)
    evening.news("progress", 85.5)
    evening.house.wait(5 * MINUTE)
    evening.news("stop", 90)
    assert evening.facts == [("watched", True, 0)]


@pytest.mark.parametrize(("open_for", "kind"), [(98, "watched"), (130, "watched"), (3, "left")])
def test_a_stop_alone_whose_beginning_the_server_tells(open_for: float, kind: str) -> None:
    """Jellyfin's log before 12.0 has stops alone: it was watched if it was open for long enough, and else skipped to its end."""
    evening = Evening()
    (stop,) = evening.book.news(evening.said("stop", 97, ago=0), evening.house.utc_ms)
    began = datetime.fromtimestamp(evening.house.utc_ms / 1000 - open_for * 60, UTC)
    evening.hear([replace(stop, kind="play", position_ms=None, at=began), stop])
    assert evening.facts == [(kind, True, 0)]
    assert "playing" not in evening.shown


def test_a_missed_natural_end() -> None:
    """A log without positions: open long enough, and run to its end."""
    evening = Evening()
    evening.house.length_ms = None
    evening.past("play", None, 200, measured=False)
    evening.past("end", None, 110, measured=False)
    assert evening.facts == [("watched", False, 110)]


def test_a_natural_end_before_our_eyes() -> None:
    """The same as it happens is a watch of now."""
    evening = Evening()
    evening.news("play", None, measured=False)
    evening.house.wait(95 * MINUTE)
    evening.news("end", None, measured=False)
    assert evening.facts == [("watched", True, 0)]


def test_skipped_to_a_natural_end() -> None:
    """Three minutes are no film, whatever the log calls its end."""
    evening = Evening()
    evening.news("play", None, measured=False)
    evening.house.wait(3 * MINUTE)
    evening.news("end", None, measured=False)
    assert [kind for kind, _, _ in evening.facts if kind == "watched"] == []


def test_a_verdict_alone_is_a_whole_play() -> None:
    """An access log tells of a play when it is over: history, closed at once."""
    evening = Evening()
    verdict = evening.said("watched", None, ago=11)
    evening.hear(evening.book.news(verdict, evening.house.utc_ms))
    assert evening.facts == [("watched", False, 11)]
    assert not [one for one in evening.house.state.sessions.values() if one.open]


def test_watched_twice_over_is_told_once() -> None:
    """The server's verdict and the stop of the same missed play are one watch."""
    evening = Evening()
    evening.past("play", 0, 200)
    evening.past("progress", 90, 110)
    evening.past("watched", None, 109)
    evening.past("stop", 97, 100)
    evening.caught_up()
    assert [kind for kind, _, _ in evening.facts] == ["watched"]


def test_a_play_that_was_known_before_we_left() -> None:
    """It began before our eyes, ended while we were away: judged where it ended."""
    evening = Evening()
    evening.news("play", 0)
    evening.house.wait(10 * MINUTE)
    evening.news("progress", 10)
    evening.house.lose_contact()
    evening.house.sleep_through(200 * MINUTE)
    evening.shown.clear()
    evening.past("progress", 50, 170)
    evening.past("stop", 96, 120)
    evening.caught_up()
    assert evening.facts[-1][0] == "watched"
    assert "playing" not in evening.shown


def test_replaced_while_we_were_away() -> None:
    """The next item took its place without a stop: it ended where it was last heard."""
    evening = Evening()
    evening.past("play", 0, 200)
    evening.past("progress", 93, 105)
    other = replace(evening.said("play", 0, ago=104), item_key="other")
    evening.hear(evening.book.past(other, evening.house.utc_ms))
    assert evening.facts == [("watched", False, 105)]


def test_what_is_open_outlives_a_restart() -> None:
    """Open plays are written down and taken up again; what cannot be read is forgotten."""
    evening = Evening()
    evening.past("play", 0, 200)
    again = Book()
    again.load(evening.book.dump())
    assert again.pages == evening.book.pages
    again.load('{"open": 5}')
    again.load("nonsense")
    assert again.pages == evening.book.pages


def test_what_began_long_ago_is_over() -> None:
    """A start without an end, half a day old, begins nothing."""
    evening = Evening()
    evening.past("play", 0, 13 * 60)
    evening.caught_up()
    assert evening.shown == []
    assert evening.book.pages.open == {}
