"""History and the story of a play (rule 17)."""

import sqlite3
from pathlib import Path

import pytest

from scrobbler.api import Episode, Ids, Movie, Show, Work
from scrobbler.store import outbox, reading
from scrobbler.store.database import StorageError
from scrobbler.store.explain import why
from tests.status.world import EPISODE, MOVIE, World, full_house, start

pytestmark = pytest.mark.anyio


async def test_every_play_has_a_named_outcome(world: World):
    """Each way in which a play can end is said in the words of rule 17, newest first."""
    made = await full_house(world)
    found = {one.id: one for one in await world.history()}
    said = {outcome: (found[play].kind, found[play].outcome) for outcome, play in made.items()}
    assert said == {
        "watched": ("watched", "watched"),
        "saved": ("saved", "saved at 30 %"),
        "refused": ("refused", "refused (Simkl says no)"),
        "waiting": ("waiting", "waiting (to be sent)"),
        "too old": ("too old", "too old"),
        "review": ("review", "needs review (nothing in its name tells what it is)"),
        "ignored": ("ignored", "ignored (its path is excluded)"),
        "playing": ("playing", "playing now"),
    }
    numbers = [int(one[1:]) for one in found]
    assert numbers == sorted(numbers, reverse=True)


async def test_what_a_play_waits_for_is_said(world: World):
    """The reason that holds an account's deliveries up is part of the outcome."""
    made = await full_house(world)
    plays = await world.database.read(
        lambda connection: reading.history(connection, 50, waiting={"bob": "not linked", "alice": "Simkl is away"})
    )
    found = {one.id: one.outcome for one in plays}
    assert found[made["waiting"]] == "waiting (not linked)"
    assert found[made["watched"]] == "watched"


async def test_paging(world: World):
    """A page ends where the next begins."""
    await full_house(world)
    everything = await world.history()
    first = await world.history(3)
    rest = await world.history(50, first[-1].id)
    assert [*first, *rest] == everything


async def test_paused_and_merged(world: World):
    """A paused play is called paused; a second report of a play names the play it belongs to."""
    playing = await start(world, "x", MOVIE, 9)
    guest = await start(world, "y", MOVIE, 9, player="other")
    await world.hear("pause", "x", 40)
    await world.hear("pause", "y", 40, player="other")
    found = {one.id: one for one in await world.history()}
    assert found[playing].outcome == "paused"
    assert found[guest].kind == "merged"
    assert found[guest].outcome == f"merged into {playing}"


async def test_a_file_with_two_episodes(world: World):
    """Parts that ended differently are told apart; what needs people comes first."""
    double = Episode(show=Show(title="Double"), season=1, number=1, last_number=2)
    await world.hear("play", "z", 0)
    play = max(world.state.plays)
    await world.identify(double, 7)
    for minutes in (55, 65):
        world.clock.tick(600 if minutes == 65 else 3300)
        await world.hear("progress", "z", minutes)
    await world.hear("stop", "z", 65)

    def settle(connection: sqlite3.Connection) -> None:
        rows = {row.fact.part: row for row in outbox.due(connection, "alice")}
        outbox.settle(connection, rows[0].id, "settled", "watched", 1)
        outbox.settle(connection, rows[1].id, "settled", "saved at 30 %", 1)

    await world.database.write(settle)
    found = next(one for one in await world.history() if one.id == play)
    assert found.kind == "watched"
    assert found.outcome == "episode 1: watched; episode 2: saved at 30 %"


async def test_undecided(world: World):
    """What needs a decision is what could not be recognised or was refused, and nothing else."""
    made = await full_house(world)
    found = await world.database.read(reading.undecided)
    assert {one.id for one in found} == {made["review"], made["refused"]}


async def test_the_story_holds_the_whole_chain(world: World):
    """`why` tells what the player said, the verdict and the request, in the order of time."""
    made = await full_house(world)
    story = await world.database.read(lambda connection: why(connection, made["watched"]))
    assert story is not None
    text = "\n".join(line.text for line in story.lines)
    for words in (
        "alice",
        "mpv: play heard",
        "identified: by its name",
        "95 %",
        "done: watched",
    ):
        assert words in text
    assert [one.utc_ms for one in story.lines] == sorted(one.utc_ms for one in story.lines)
    assert story.play.outcome == "watched"


async def test_no_story_without_a_play(world: World):
    """An id that nobody has is None."""
    assert await world.database.read(lambda connection: why(connection, "p99")) is None


@pytest.mark.parametrize(
    ("work", "link"),
    [
        (MOVIE, "https://simkl.com/movies/53992/sintel"),
        (EPISODE, ""),
        (Episode(show=Show(title="Mr. X", ids=Ids(simkl=5))), "https://simkl.com/tv/5/mr-x"),
        (Episode(show=Show(title="アニメ", ids=Ids(simkl=5, mal="1"))), "https://simkl.com/anime/5"),
        (None, ""),
    ],
)
async def test_links(world: World, work: Work | None, link: str):
    """A title leads to its own page at Simkl where its id there is known."""
    assert await world.database.read(lambda connection: reading.link_of(connection, None, work)) == link


async def test_a_link_learnt_from_simkl(world: World):
    """An id that Simkl's reply taught us makes a link as well."""

    def learn(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO aliases (scheme, value, work_id) VALUES ('show:simkl', '4711/1/2', 8)")

    await world.database.write(learn)
    link = await world.database.read(lambda connection: reading.link_of(connection, 8, EPISODE))
    assert link == "https://simkl.com/tv/4711/pioneer-one"


async def test_counts_and_queue(world: World):
    """The totals agree with what happened."""
    await full_house(world)
    counts = await world.database.read(reading.counts)
    assert counts.plays == {"alice": 7, "bob": 1}
    assert counts.outbox[("watched", "due")] == 1
    assert counts.attempts == {("stop", "done"): 3, ("stop", "refused"): 1}
    (bob,) = await world.database.read(reading.queued)
    assert (bob.account, bob.due) == ("bob", 1)


async def test_the_store_beside_a_daemon(world: World, tmp_path: Path):
    """The command line reads while the daemon writes, and cannot change anything."""
    await world.play("a", MOVIE, 1, 95)
    with reading.open_reading(tmp_path / "scrobbler.db") as connection:
        assert len(reading.history(connection, 5)) == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM plays")


async def test_a_store_that_cannot_be_read(tmp_path: Path):
    """No store, a foreign file and another version are each one sentence."""
    path = tmp_path / "scrobbler.db"
    with pytest.raises(StorageError, match="nothing was recorded"), reading.open_reading(path):
        pass
    path.write_text("this is no database, whatever its name says" * 50)
    with pytest.raises(StorageError, match="cannot be read"), reading.open_reading(path):
        pass
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StorageError, match="a newer scrobblerd"), reading.open_reading(path):
        pass


async def test_after_a_crash(world: World, tmp_path: Path):
    """What a killed daemon left in its log is read all the same."""
    await world.play("a", Movie(title="Kept"), 1, 95)
    copy = tmp_path / "crashed"
    copy.mkdir()
    for suffix in ("", "-wal"):
        source = tmp_path / f"scrobbler.db{suffix}"
        (copy / source.name).write_bytes(source.read_bytes())
    with reading.open_reading(copy / "scrobbler.db") as connection:
        assert [one.title for one in reading.history(connection, 5)] == ["Kept"]


async def test_the_story_tells_of_a_request_whose_fate_is_unknown(world: World):
    """A request that failed or got no answer is part of the chain; a good one is told by its journal line alone."""
    made = await full_house(world)

    def send(connection: sqlite3.Connection) -> None:
        open_one = outbox.begin_attempt(connection, "alice", "stop", made["watched"], [], 1)
        good = outbox.begin_attempt(connection, "alice", "pause", made["watched"], [], 2)
        outbox.end_attempt(connection, good, "pause", 3)
        assert open_one != good

    await world.database.write(send)
    story = await world.database.read(lambda connection: why(connection, made["watched"]))
    assert story is not None
    texts = [line.text for line in story.lines if "sent to Simkl" in line.text]
    assert texts == ["stop sent to Simkl: its answer is awaited"]
