"""What `scrobbler doctor` says about logs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scrobbler.api import CheckResult
from scrobbler.api.testkit import FakeClock
from tests.plugins.logfile.kit import AccountPolicy, stamp

pytestmark = pytest.mark.anyio


def policy(path: Path | str) -> AccountPolicy:
    return AccountPolicy(path, clock=FakeClock(datetime(2026, 3, 4, 20, 0, tzinfo=UTC)))


async def examined(one: AccountPolicy) -> list[CheckResult]:
    return list(await one.start().check())


async def test_good(tmp_path: Path) -> None:
    """A file with lines that are understood is counted."""
    path = tmp_path / "x.log"
    one = policy(path)
    path.write_text(f"{stamp(one.clock, 10)} start a.mkv\nnoise\n")
    (result,) = await examined(one)
    assert result.good
    assert result.what == f"{path}: 2 lines, 1 of them tell of plays"


async def test_not_there_yet(tmp_path: Path) -> None:
    """A file or a pattern without a file is no fault, and said."""
    (result,) = await examined(policy(tmp_path / "a" / "x.log"))
    assert result.good
    assert "there is no such file yet (its folder does not exist)" in result.what
    (result,) = await examined(policy(f"{tmp_path}/*.log"))
    assert result.what.endswith("no file matches yet")
    (result,) = await examined(policy(f"{tmp_path}/logs/*.log"))
    assert result.what.endswith("no file matches yet (its folder does not exist)")
    (tmp_path / "y.log").touch()
    (result,) = await examined(policy(tmp_path / "y.log"))
    assert "nothing is written in it yet" in result.what


async def test_nothing_understood(tmp_path: Path) -> None:
    """A log without a line about plays gets advice."""
    path = tmp_path / "x.log"
    path.write_text("noise\n" * 5)
    (result,) = await examined(policy(path))
    assert "5 lines, none of them tells of a play" in result.what
    assert "scrobbler test" in result.advice


async def test_slow_pattern(tmp_path: Path) -> None:
    """A pattern that takes too long for a line is named, and doctor comes to its end."""
    path = tmp_path / "x.log"
    path.write_text("word " * 390 + "\n")
    slow = r"(?P<time>.*) (?P<user>.*) (?P<event>.*) (?P<file>.*) (?P<position>.*)/(?P<duration>.*)"
    (result,) = await examined(AccountPolicy(path, pattern=slow))
    assert not result.good
    assert "takes too long for a line" in result.what


async def test_wrong_zone(tmp_path: Path) -> None:
    """A play in the future means a wrong time zone."""
    path = tmp_path / "x.log"
    one = policy(path)
    path.write_text(f"{stamp(one.clock, -120)} start a.mkv\n")
    (result,) = await examined(one)
    assert not result.good
    assert "timezone" in result.advice


async def test_not_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read is a fault, with what to do."""
    path = tmp_path / "x.log"
    path.write_text("x\n")

    def refuse(_path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("scrobbler_plugins.logfile.checks.open_member", refuse)
    (result,) = await examined(policy(path))
    assert not result.good
    assert "the right to read it" in result.advice
