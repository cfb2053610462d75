"""The child process in which guessit runs."""

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest

from scrobbler.identify import ChildGuesser, Guess, GuessError, MemoryGuessCache, clipped

pytestmark = pytest.mark.anyio


def script(tmp_path: Path, body: str) -> tuple[str, ...]:
    """Write a stand-in for the child."""
    file = tmp_path / "child.py"
    file.write_text(f"import sys, os, time\nfor line in sys.stdin:\n{body}")
    return (sys.executable, str(file))


ANSWER = '    print(\'{"guess": {"title": "x"}}\', flush=True)\n'


def gone(pid: int) -> bool:
    """Say whether a process has ended and was collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_real_child_answers_and_leaves_nothing() -> None:
    """The real child answers for guessit, is asked once per path, is never imported here, and is gone after close."""
    guesser = ChildGuesser(timeout_s=30)
    assert guesser.pid is None
    first = await guesser.guess("/m/Movie.Name.2010.mkv")
    assert first is not None
    assert (first.type, first.title, first.year) == ("movie", "Movie Name", 2010)
    pid = guesser.pid
    assert pid is not None
    assert await guesser.guess("/m/Movie.Name.2010.mkv") is first
    assert "guessit" not in sys.modules
    await guesser.close()
    assert gone(pid)
    with pytest.raises(GuessError, match="the daemon stops"):
        await guesser.guess("/m/other.mkv")


async def test_idle_child_leaves_and_comes_back() -> None:
    """After a while without questions the child ends by itself; the next question starts another."""
    guesser = ChildGuesser(idle_s=0.05, timeout_s=30)
    await guesser.guess("a.mkv")
    pid = guesser.pid
    assert pid is not None
    async with asyncio.timeout(10):
        while not gone(pid):  # noqa: ASYNC110 — the end of a foreign process is seen by looking
            await asyncio.sleep(0.01)
    assert await guesser.guess("b.mkv") is not None
    await guesser.close()


async def test_killed_child_is_replaced() -> None:
    """A child that was killed between two questions is started again within the same question."""
    guesser = ChildGuesser(timeout_s=30)
    await guesser.guess("a.mkv")
    assert guesser.pid is not None
    os.kill(guesser.pid, 9)
    assert await guesser.guess("b.mkv") is not None
    await guesser.close()


async def test_crashing_child(tmp_path: Path) -> None:
    """A file on which the child dies gives one clear reason, and the next file is read."""
    body = "    if 'bad' in line:\n        os._exit(3)\n" + ANSWER
    guesser = ChildGuesser(command=script(tmp_path, body))
    with pytest.raises(GuessError, match="ended without an answer"):
        await guesser.guess("bad.mkv")
    assert await guesser.guess("good.mkv") == Guess(title="x")
    with pytest.raises(GuessError, match="ended without an answer"):
        await guesser.guess("bad.mkv")
    assert await guesser.guess("better.mkv") == Guess(title="x")
    await guesser.close()


async def test_slow_child(tmp_path: Path) -> None:
    """A file that takes too long is given up, and the child with it, so that no late answer meets the next question."""
    body = "    if 'bad' in line:\n        time.sleep(60)\n" + ANSWER
    guesser = ChildGuesser(command=script(tmp_path, body), timeout_s=2)
    assert await guesser.guess("good.mkv") == Guess(title="x")
    pid = guesser.pid
    with pytest.raises(GuessError, match="within 2 s"):
        await guesser.guess("bad.mkv")
    assert pid is not None
    assert gone(pid)
    assert await guesser.guess("other.mkv") == Guess(title="x")
    await guesser.close()


async def test_cancelled_question(tmp_path: Path) -> None:
    """A question that is cancelled takes its child along."""
    guesser = ChildGuesser(command=script(tmp_path, "    time.sleep(60)\n"))
    question = asyncio.create_task(guesser.guess("a.mkv"))
    async with asyncio.timeout(10):
        while guesser.pid is None:  # noqa: ASYNC110 — the child's start is seen by looking
            await asyncio.sleep(0.01)
    pid = guesser.pid
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
    assert gone(pid)
    await guesser.close()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("    print('nonsense', flush=True)\n", "unknown shape"),
        ('    print(\'{"error": "guessit is not installed"}\', flush=True)\n', "guessit is not installed"),
        ("    print('x' * 200_000, flush=True)\n", "ended without an answer"),
    ],
)
async def test_bad_answers(tmp_path: Path, body: str, reason: str) -> None:
    """An answer that makes no sense is one clear reason."""
    guesser = ChildGuesser(command=script(tmp_path, body))
    with pytest.raises(GuessError, match=reason):
        await guesser.guess("a.mkv")
    await guesser.close()


async def test_no_such_program() -> None:
    """A child that cannot be started is one clear reason."""
    guesser = ChildGuesser(command=("/nowhere/python",))
    with pytest.raises(GuessError, match="cannot be started: No such file"):
        await guesser.guess("a.mkv")
    await guesser.close()


async def test_child_sees_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child's environment holds none of the daemon's secrets."""
    monkeypatch.setenv("PLEX_TOKEN", "abc")
    body = "    import json\n    print(json.dumps({'guess': {'title': os.environ.get('PLEX_TOKEN', 'none')}}), flush=True)\n"
    guesser = ChildGuesser(command=script(tmp_path, body))
    assert await guesser.guess("a.mkv") == Guess(title="none")
    await guesser.close()


async def test_names_that_are_not_utf8_reach_guessit() -> None:
    """A name with bytes that were not UTF-8 is read like any other."""
    guesser = ChildGuesser(timeout_s=30)
    guess = await guesser.guess(b"Am\xe9lie.2001.mkv".decode("utf-8", "surrogateescape"))
    assert guess is not None
    assert guess.title == "Amélie"
    await guesser.close()


async def test_cache_is_asked_first(tmp_path: Path) -> None:
    """A guess that was kept needs no child at all."""
    cache = MemoryGuessCache()
    cache.put("a.mkv", Guess(title="kept"))
    guesser = ChildGuesser(cache, command=script(tmp_path, ANSWER))
    assert await guesser.guess("a.mkv") == Guess(title="kept")
    assert guesser.pid is None
    assert await guesser.guess("b.mkv") == Guess(title="x")
    assert cache.get("b.mkv") == Guess(title="x")
    await guesser.close()


def test_cache_is_bounded() -> None:
    """The memory forgets what was not used for longest."""
    cache = MemoryGuessCache(size=2)
    for name in ("a", "b"):
        cache.put(name, Guess(title=name))
    assert cache.get("a") is not None
    cache.put("c", Guess(title="c"))
    assert (cache.get("a") is None, cache.get("b") is None, cache.get("c") is None) == (False, True, False)


def test_guessit_sees_four_components_at_most() -> None:
    """The private part of a path goes nowhere."""
    assert clipped("/home/alice/secret/TV/Show/Season 1/a.mkv") == "TV/Show/Season 1/a.mkv"


def test_guesses_can_be_stored() -> None:
    """A guess survives JSON, so that a database can keep it."""
    guess = Guess(type="episode", title="é", season=(1,), episode=(1, 2), other=("Sample",))
    assert msgspec.json.decode(msgspec.json.encode(guess), type=Guess) == guess
