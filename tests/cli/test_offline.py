"""The commands without a daemon (contract.md 1.3)."""

import asyncio
import json
import stat
from pathlib import Path

import pytest

from scrobbler.cli.common import table
from scrobbler.control.lock import StateLock
from scrobbler.simkl.tokens import Token, save
from tests.cli.kit import Home
from tests.status.world import World, full_house, open_world


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a place in which nothing was recorded yet."""
    return Home(tmp_path)


async def _fill(home: Home) -> dict[str, str]:
    home.state_dir.mkdir(mode=0o700)
    world: World = await open_world(home.state_dir / "scrobbler.db")
    made = await full_house(world)
    await world.database.close()
    return made


@pytest.fixture
def full_home(home: Home) -> tuple[Home, dict[str, str]]:
    """Give a place with plays of every outcome."""
    return home, asyncio.run(_fill(home))


def test_the_first_day(home: Home):
    """Before the first start every command answers, and makes nothing that it need not make."""
    assert home.run("history").out == "no plays yet\n"
    assert home.run("review").out == "nothing needs a decision\n"
    status = home.run("status")
    assert status.code == 0
    assert "no daemon runs" in status.out
    assert "scrobbler auth alice" in status.out
    assert home.run("why", "p1").code == 1
    assert not home.state_dir.exists()


def test_history(full_home: tuple[Home, dict[str, str]]):
    """History shows plays in aligned columns, newest first, and the same as JSON."""
    home, made = full_home
    done = home.run("history")
    lines = done.out.splitlines()
    assert done.code == 0
    assert len(lines) == len(made)
    assert lines[0].startswith(made["playing"])
    assert len({line.index("alice") for line in lines if "alice" in line}) == 1
    assert "waiting (not linked: account 'bob' is not linked to Simkl)" in done.out
    values = json.loads(home.run("history", "--json", "-n", "3").out)
    assert [one["id"] for one in values] == [line.split()[0] for line in lines[:3]]
    older = json.loads(home.run("history", "--json", "--before", values[-1]["id"]).out)
    assert older[0]["id"] == lines[3].split()[0]


def test_columns_hold_for_every_script():
    """What takes two columns on a terminal for each character is counted so."""
    assert table([["\u5343\u3068", "x"], ["abcd", "y"], ["e\u0301", "z"]]) == "\u5343\u3068  x\nabcd  y\ne\u0301     z"


def test_titles_cannot_steer_the_terminal():
    """Control characters in a title, which any file may have, become blanks; letters of all alphabets stay."""
    assert table([["p1", "evil\x1b[2J\x07\n\u202e", "アニメ é"]]) == "p1  evil [2J     アニメ é"


def test_why(full_home: tuple[Home, dict[str, str]]):
    """`why` tells the chain, takes the id with or without its letter, and refuses what is none."""
    home, made = full_home
    done = home.run("why", made["watched"])
    assert done.code == 0
    assert "Sintel (2010), alice: watched" in done.out
    assert "https://simkl.com/movies/53992/sintel" in done.out
    assert "reached 95 %" in done.out
    assert home.run("why", made["watched"][1:]).out == done.out
    assert json.loads(home.run("why", made["watched"], "--json").out)["play"]["id"] == made["watched"]
    assert home.run("why", "p999").code == 1
    assert home.run("why", "sintel").code == 2


def test_review_and_retry(full_home: tuple[Home, dict[str, str]]):
    """What was refused is listed, can be sent again, and then waits."""
    home, made = full_home
    review = home.run("review")
    assert made["refused"] in review.out
    assert made["review"] in review.out
    assert made["watched"] not in review.out
    done = home.run("retry", made["refused"])
    assert (done.code, done.out) == (0, "1 fact is sent again when the daemon runs again\n")
    assert home.run("retry", made["refused"]).code == 1
    values = json.loads(home.run("history", "--json").out)
    assert next(one for one in values if one["id"] == made["refused"])["kind"] == "waiting"


def test_status_json(full_home: tuple[Home, dict[str, str]]):
    """The report has the same shape without a daemon, and says that none runs."""
    home, _ = full_home
    values = json.loads(home.run("status", "--json").out)
    assert values["running"] is False
    assert [one["account"] for one in values["queue"]] == ["bob"]
    assert {one["state"] for one in values["sources"]} == {"not running"}


def test_pause_and_resume(home: Home):
    """Private mode is kept for the daemon to find; it can be ended for one account."""
    assert home.run("pause", "2h").out.startswith("private until ")
    assert home.run("resume", "--account", "alice").out == "recording again: alice\n"
    accounts = {one["name"]: one for one in json.loads(home.run("status", "--json").out)["accounts"]}
    assert accounts["alice"]["paused_until_utc_ms"] is None
    assert accounts["bob"]["paused_until_utc_ms"] > 0
    assert home.run("pause", "--account", "bob").out == "private until you resume: bob\n"
    assert stat.S_IMODE(home.state_dir.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["pause", "soon"], "must be a duration"),
        (["pause", "0"], "longer than nothing"),
        (["pause", "--account", "carol"], "configured are alice, bob"),
        (["resume", "--account", "carol"], "configured are alice, bob"),
        (["fix", "p1"], "--movie"),
        (["fix", "p1", "--movie", "X", "--show", "Y"], "either"),
        (["fix", "p1", "--movie", "X", "--episode", "1"], "a film has no"),
        (["fix", "p1", "--show", "X"], "needs --episode"),
        (["fix", "p1", "--movie", "X", "--imdb", "0111161"], "tt0111161"),
        (["fix", "p1", "--movie", "X", "--imdb", "tt\uff11\uff12\uff13\uff14\uff15"], "tt0111161"),
        (["fix", "p1", "--movie", " "], "--movie needs a title"),
        (["fix", "p1", "--show", "", "--episode", "1"], "--show needs a title"),
        (["fix", "p1", "--movie", "X", "--tmdb", "abc"], "must be a number"),
        (["test", "cellar"], "configured are scripts, room"),
    ],
)
def test_mistakes(home: Home, args: list[str], words: str):
    """Each mistake is said with what is allowed, and exit code 2."""
    done = home.run(*args)
    assert done.code == 2
    assert words in done.err


@pytest.mark.parametrize("args", [["fix", "p1", "--movie", "X"], ["test", "scripts"]])
def test_what_needs_the_daemon_says_so(home: Home, args: list[str]):
    """A command that cannot do without the daemon says that, with exit code 1."""
    done = home.run(*args)
    assert done.code == 1
    assert "daemon" in done.err


def test_the_owner_is_respected(home: Home):
    """While another process owns the state directory without answering, a change is refused by its name."""
    with StateLock(home.state_dir):
        done = home.run("pause")
    assert done.code == 1
    assert "is in use by process" in done.err


@pytest.mark.parametrize(
    "args",
    [
        ["status"],
        ["history"],
        ["why", "p1"],
        ["review"],
        ["retry"],
        ["pause"],
        ["resume"],
        ["doctor"],
        ["test", "room"],
    ],
)
def test_the_folder_of_another_user(home: Home, args: list[str]):
    """Where another user owns the state, each command says so, and as whom to run it."""
    home.state_dir.mkdir(mode=0o000)
    try:
        done = home.run(*args, stranger=True)
    finally:
        home.state_dir.chmod(0o700)
    assert done.code == 1
    assert "run this command as the user of the daemon" in done.err
    assert str(home.state_dir) in done.err
    assert "inside scrobbler" not in done.err


def test_doctor_tries_the_state_directory(home: Home):
    """A state directory that cannot be made is said by doctor as such, with what to do."""
    home.state_dir.parent.chmod(0o500)
    try:
        done = home.run("doctor", stranger=True)
    finally:
        home.state_dir.parent.chmod(0o700)
    assert done.code == 1
    assert f"BAD   state directory: {home.state_dir} cannot be used" in done.out
    assert "choose another `state_dir`" in done.out


def test_an_unknown_play_is_said(full_home: tuple[Home, dict[str, str]]):
    """A play that does not exist is told apart from one of which nothing was refused."""
    home, made = full_home
    assert "there is no play p999" in home.run("retry", "p999").err
    assert "nothing that could be sent again" in home.run("retry", made["playing"]).err


def test_the_sandbox_has_a_place_of_its_own(home: Home):
    """What `run --sandbox` recorded is found where nothing else was recorded."""
    asyncio.run(_fill_sandbox(home))
    token = Token(
        generation="V2", client_id="sandbox", access="a", expires_utc_ms=2**53, scope="", name="Ann", linked_utc_ms=1
    )
    save(home.state_dir / "sandbox" / "tokens.json", {"alice": token})
    assert "Sintel" in home.run("history").out
    assert "linked as Ann" in home.run("status").out
    # The example of `make run` has no client_id, and needs none there.
    home.config.write_text(home.config.read_text().replace('"abc"', '"your-client-id"'))
    assert "accounts: not tried" in home.run("doctor").out


async def _fill_sandbox(home: Home) -> None:
    (home.state_dir / "sandbox").mkdir(parents=True, mode=0o700)
    world = await open_world(home.state_dir / "sandbox" / "scrobbler.db")
    await full_house(world)
    await world.database.close()


def test_doctor(home: Home):
    """Doctor shows every hook's address, names what is not linked with what to do, and ends with 3 for links alone."""
    done = home.run("doctor")
    assert done.code == 3
    assert "scrobbler auth alice" in done.out
    secrets = json.loads((home.state_dir / "secrets.json").read_text())["secrets"]
    assert f"/hooks/scripts/{secrets['scripts']}" in done.out
    assert stat.S_IMODE((home.state_dir / "secrets.json").stat().st_mode) == 0o600
    home.state_dir.chmod(0o755)
    again = home.run("doctor")
    assert again.code == 1
    assert f"chmod 700 {home.state_dir}" in again.out
    assert secrets["scripts"] in again.out


def test_watching_a_player_without_a_daemon(home: Home):
    """`test` watches a listener by itself and says so."""
    with home.follow("test", "room") as process:
        assert process.stderr is not None
        assert "watching room without a daemon" in process.stderr.readline()
