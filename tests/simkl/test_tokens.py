"""The token file and who may write it."""

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from msgspec.structs import replace

from scrobbler.api.testkit import FakeClock, settle
from scrobbler.simkl import tokens
from scrobbler.simkl.errors import NotLinked
from scrobbler.simkl.token_store import Grants
from scrobbler.simkl.tokens import Token, TokenFileError
from tests.simkl.rig import CLIENT_ID, run

TOKEN = Token(generation="V2", client_id=CLIENT_ID, access="secret-at", refresh="secret-rt", account_id=5, name="Alice")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.anyio
async def test_the_file_is_for_its_owner_alone(tmp_path: Path):
    """The file is 0600 in a 0700 folder, whatever the umask."""
    before = os.umask(0)
    try:
        grants = Grants(tmp_path / "a" / "state" / "tokens.json", FakeClock())
        await grants.store("alice", TOKEN)
    finally:
        os.umask(before)
    assert mode(grants.path) == 0o600
    assert mode(grants.path.parent) == 0o700
    assert sorted(each.name for each in grants.path.parent.iterdir()) == [".tokens.json.lock", "tokens.json"]
    assert Grants(grants.path, FakeClock()).get("alice") == TOKEN


def test_no_token_shows_itself():
    """Printing a token, as a log or a traceback would, shows no secret."""
    assert "secret" not in repr(TOKEN).replace("secrets hidden", "")
    assert "secret" not in str({"token": TOKEN}).replace("secrets hidden", "")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "damaged"),
        (b"[]", "damaged"),
        (b"\xff\xfe", "damaged"),
        (b"", "damaged"),
        (b'{"version": 1, "accounts": {"a": {"generation": "V9"}}}', "damaged"),
        (b'{"version": 2, "people": []}', "newer scrobbler"),
    ],
)
def test_a_bad_file_gives_one_sentence(tmp_path: Path, content: bytes, says: str):
    """A damaged file and one from the future are told apart, each in one sentence with the path."""
    path = tmp_path / "tokens.json"
    path.write_bytes(content)
    with pytest.raises(TokenFileError) as caught:
        Grants(path, FakeClock())
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.anyio
async def test_a_damaged_file_is_never_written_over(tmp_path: Path):
    """Damage that happens while we run is said once, changes nothing in memory, and stays to be looked at."""
    grants = Grants(tmp_path / "tokens.json", FakeClock())
    await grants.store("alice", TOKEN)
    grants.path.write_bytes(b"{ half")
    with structlog.testing.capture_logs() as lines:
        assert not grants.reload_if_changed()
        assert not grants.reload_if_changed()
    assert [line["event"] for line in lines] == ["token file not read"]
    assert grants.get("alice") == TOKEN
    with pytest.raises(TokenFileError):
        await grants.store("bob", TOKEN)
    assert grants.path.read_bytes() == b"{ half"


@pytest.mark.anyio
async def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """When the disk is full the old file stays whole, and the error is one sentence."""
    grants = Grants(tmp_path / "tokens.json", FakeClock())
    await grants.store("alice", TOKEN)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TokenFileError, match="No space left"):
        await grants.store("bob", TOKEN)
    assert tokens.load(grants.path) == {"alice": TOKEN}
    assert grants.get("bob") is None


@pytest.mark.anyio
async def test_a_renewed_token_survives_a_full_disk_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The old token is dead once traded, so the new one is used even where it cannot be written."""
    grants = Grants(tmp_path / "tokens.json", FakeClock())
    await grants.store("alice", TOKEN)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    async def trade(old: Token) -> Token:
        return replace(old, access="new-at")

    monkeypatch.setattr(os, "fsync", full)
    assert (await grants.renew("alice", TOKEN, trade)).access == "new-at"
    assert grants.usable("alice", CLIENT_ID).access == "new-at"


@pytest.mark.anyio
async def test_two_processes_do_not_lose_each_others_links(tmp_path: Path):
    """What `scrobbler auth` writes beside a running daemon is kept by the daemon's next write, and noticed."""
    daemon = Grants(tmp_path / "tokens.json", FakeClock())
    command = Grants(tmp_path / "tokens.json", FakeClock())
    await command.store("bob", replace(TOKEN, access="bob-at"))
    assert daemon.get("bob") is None
    await daemon.store("alice", TOKEN)
    assert set(tokens.load(daemon.path)) == {"alice", "bob"}
    assert command.reload_if_changed()
    assert not command.reload_if_changed()
    assert command.get("alice") == TOKEN


@pytest.mark.anyio
async def test_a_grant_is_renewed_once(tmp_path: Path):
    """Ten callers with the same dead token make one trade, and all get its result."""
    grants = Grants(tmp_path / "tokens.json", FakeClock())
    await grants.store("alice", TOKEN)
    trades = []

    async def trade(old: Token) -> Token:
        trades.append(old)
        await asyncio.sleep(0)
        return replace(old, access="new-at")

    renewed = await asyncio.gather(*(grants.renew("alice", TOKEN, trade) for _ in range(10)))
    assert len(trades) == 1
    assert {token.access for token in renewed} == {"new-at"}


@pytest.mark.anyio
async def test_a_process_waits_for_the_one_that_renews(tmp_path: Path):
    """While another process renews, ours waits, and then takes the other's token instead of killing it."""
    clock = FakeClock()
    grants = Grants(tmp_path / "tokens.json", clock)
    await grants.store("alice", TOKEN)
    other = os.open(tmp_path / ".tokens.json.lock", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)

    async def trade(old: Token) -> Token:
        raise AssertionError("the other process has renewed it")

    ours = asyncio.ensure_future(run(clock, grants.renew("alice", TOKEN, trade)))
    await settle()
    assert not ours.done()
    tokens.save(grants.path, {"alice": replace(TOKEN, access="theirs")})
    os.close(other)
    assert (await ours).access == "theirs"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("token", "client_id", "says"),
    [
        (None, CLIENT_ID, "not linked"),
        (TOKEN, "another-client", "another client_id"),
        (replace(TOKEN, parked="the link was withdrawn at Simkl"), CLIENT_ID, "withdrawn"),
    ],
)
async def test_an_unusable_token_says_why(tmp_path: Path, token: Any, client_id: str, says: str):
    """No token, one of another app, and a parked one: each has its own reason, naming the account."""
    grants = Grants(tmp_path / "tokens.json", FakeClock())
    if token is not None:
        await grants.store("alice", token)
    with pytest.raises(NotLinked, match=says) as caught:
        grants.usable("alice", client_id)
    assert "alice" in caught.value.reason


@pytest.mark.anyio
async def test_parking_keeps_the_token_and_spares_a_newer_one(tmp_path: Path):
    """Parking deletes nothing; a token that was renewed meanwhile is not parked; unlinking takes it out of the file."""
    grants = Grants(tmp_path / "tokens.json", FakeClock())
    await grants.store("alice", TOKEN)
    await grants.park("alice", "older-at", "nothing")
    assert grants.linked("alice", CLIENT_ID)
    await grants.park("alice", "secret-at", "withdrawn")
    assert tokens.load(grants.path)["alice"] == replace(TOKEN, parked="withdrawn")
    await grants.forget("alice")
    assert b"secret" not in grants.path.read_bytes()
