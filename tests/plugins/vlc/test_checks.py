"""The self-check says for each state of VLC what to change where."""

import pytest

from scrobbler.api import CheckResult
from scrobbler.api.testkit import Recorder
from scrobbler_plugins.vlc import client
from scrobbler_plugins.vlc.options import Options
from scrobbler_plugins.vlc.plugin import Plugin
from tests.plugins.vlc.kit import NOT_FOUND, PASSWORD, FakeVlc, fake_vlc, said, stopped

pytestmark = pytest.mark.anyio


async def examined(vlc: FakeVlc, password: str = PASSWORD) -> CheckResult:
    """Return the one line that the self-check has."""
    options = Options(type="vlc", account="alice", url=f"http://127.0.0.1:{vlc.port}", password=password)
    (result,) = await Plugin(options, Recorder().context).check()
    assert password not in result.what + result.advice
    return result


async def test_a_vlc_that_answers() -> None:
    """Version and what it does are named; nothing is to be done."""
    async with fake_vlc() as vlc:
        for status, doing in ((stopped(), "plays nothing"), (said(), "it plays"), (said("paused"), "is paused")):
            vlc.status = status
            result = await examined(vlc)
            assert (result.good, result.advice) == (True, "")
            assert "VLC 3.0.24 Vetinari answers" in result.what
            assert doing in result.what


async def test_a_vlc_that_is_off() -> None:
    """Off is no fault; how to turn the interface on is said for those who have it open."""
    async with fake_vlc() as vlc:
        pass
    result = await examined(vlc)
    assert result.good
    assert "no VLC is running" in result.what
    assert "tick Web" in result.advice


@pytest.mark.parametrize(
    ("code", "body", "what", "advice"),
    [
        (401, NOT_FOUND, "does not accept this `password`", "Write VLC's own password"),
        (403, b"", "no `http-password`", "set the HTTP password"),
        (404, NOT_FOUND, "no `http-password`", "set the HTTP password"),
        (404, b"nginx", "not VLC (HTTP 404)", "--http-port"),
        (302, b"", "not VLC (HTTP 302)", "--http-port"),
        (503, b"", "HTTP 503", "Check host and port"),
    ],
)
async def test_a_vlc_that_does_not_let_us_in(code: int, body: bytes, what: str, advice: str) -> None:
    """Each refusal has its reason and its remedy."""
    async with fake_vlc() as vlc:
        vlc.code, vlc.body = code, body
        result = await examined(vlc)
    assert not result.good
    assert what in result.what
    assert advice in result.advice


async def test_something_else_that_answers() -> None:
    """What answers well and is no VLC is told."""
    async with fake_vlc() as vlc:
        vlc.status = b"<h1>hello</h1>"
        result = await examined(vlc)
    assert not result.good
    assert "what answers is not VLC" in result.what
    assert "--http-port" in result.advice


async def test_a_vlc_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A VLC that hangs is told after some seconds."""
    monkeypatch.setattr(client, "ANSWER_S", 0.1)
    async with fake_vlc() as vlc:
        vlc.stall = True
        result = await examined(vlc)
    assert not result.good
    assert "does not answer" in result.what
