"""Notices to systemd, private mode, and the log."""

import io
import json
import logging
import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from scrobbler.api.testkit import FakeClock
from scrobbler.config.models import Log
from scrobbler.daemon import logs
from scrobbler.daemon.notify import Notifier
from scrobbler.daemon.privacy import KEY, Privacy
from scrobbler.store import play_state
from scrobbler.store.database import FILE_NAME, Database


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A socket as systemd's, by path or in the abstract namespace; gives its address as the environment names it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@scrobbler-{uuid.uuid4().hex}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0", 1))
        listener.settimeout(5)
        yield name, listener


def test_notices_arrive(systemd: tuple[str, socket.socket]) -> None:
    """READY, STOPPING and WATCHDOG arrive as sd_notify(3) wants them, several in one datagram."""
    name, listener = systemd
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.send("READY=1", "STATUS=version 1")
    notifier.send("WATCHDOG=1")
    notifier.send("STOPPING=1")
    assert [listener.recv(1000) for _ in range(3)] == [b"READY=1\nSTATUS=version 1", b"WATCHDOG=1", b"STOPPING=1"]


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens-here", "/" + "x" * 300])
def test_without_systemd_nothing_happens(address: str) -> None:
    """No address, or nobody behind it, is no error."""
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.send("READY=1")
    assert notifier.watchdog_s is None


@pytest.mark.parametrize(
    ("env", "every"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_watchdog(env: dict[str, str], every: float | None) -> None:
    """Half of what systemd waits, if it is us whom it watches."""
    assert Notifier({"NOTIFY_SOCKET": "/run/x", **env}).watchdog_s == every


@pytest.mark.anyio
async def test_private_mode_survives_a_restart(tmp_path: Path) -> None:
    """What was hidden is hidden after a restart, and ends at its time."""
    clock = FakeClock()
    database = Database(tmp_path / FILE_NAME)
    await database.open()
    privacy = Privacy(database, clock)
    await privacy.load()
    assert privacy.hidden() == frozenset()
    end = clock.now().utc_ms + 3_600_000
    await privacy.hide("alice", end)
    await privacy.hide("bob", end + 1)
    again = Privacy(database, clock)
    await again.load()
    assert again.hidden() == {"alice", "bob"}
    assert again.until("alice") == end
    await again.show("bob")
    assert again.until("bob") is None
    clock.tick(3600)
    assert again.hidden() == frozenset()
    assert again.until("alice") is None
    await database.close()


@pytest.mark.anyio
async def test_unreadable_pauses_are_none(tmp_path: Path) -> None:
    """A value that cannot be read does not keep the daemon from starting."""
    database = Database(tmp_path / FILE_NAME)
    await database.open()
    await database.write(lambda connection: play_state.set_meta(connection, KEY, "{broken"))
    privacy = Privacy(database, FakeClock())
    await privacy.load()
    assert privacy.hidden() == frozenset()
    await database.close()


SECRET = "Qm7xK2vB9dL4wN8s"
LEAKS = [
    f"GET /library?X-Plex-Token={SECRET}&type=1",
    f"X-Plex-Token: {SECRET}",
    f"POST /hooks/attic-plex/{SECRET} HTTP/1.1",
    f'"POST /hooks/attic-plex/{SECRET}?a=b"',
    f"http://user:{SECRET}@server:8096/x",
    f"http://:{SECRET}@server/x",
    f"Authorization: Bearer {SECRET}",
    f"Authorization: Basic {SECRET}==",
    f"bearer {SECRET}",
    f"token simkl_at_{SECRET}",
    f"simkl_rt_{SECRET}",
    f"api_key={SECRET}",
    f"?apikey={SECRET}&x=1",
    f'{{"access_token": "{SECRET}", "n": 1}}',
    f"{{'refresh_token': '{SECRET}'}}",
    f"client_secret={SECRET}",
    f"password: {SECRET}",
    f"device_code={SECRET}",
    f"a secret: {SECRET}, and more",
]


@pytest.mark.parametrize("text", LEAKS)
def test_secrets_in_texts_are_masked(text: str) -> None:
    """No secret passes inside a text, wherever it stands; the rest of the line stays readable."""
    masked = logs.redact_text(text)
    assert SECRET not in masked
    assert logs.MASK in masked


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "http://server:8096/System/Info",
        "/hooks/attic-plex",
        "the token of alice was refused",
        "12:30:45",
    ],
)
def test_harmless_texts_are_left_alone(text: str) -> None:
    """What is no secret is not masked."""
    assert logs.redact_text(text) == text


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """A log of JSON lines, and the old configuration back afterwards."""
    stream, before = io.StringIO(), structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    logs.configure(Log(level="info", format="json"), stream)
    yield stream
    structlog.configure(**before)
    root.handlers, root.level = handlers, level


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    """Read the log."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_secrets_in_values_are_masked(log: io.StringIO) -> None:
    """Keys that name a secret lose their value, also inside lists and mappings, as do texts and exceptions."""
    try:
        int(f"http://u:{SECRET}@host")
    except ValueError:
        structlog.get_logger("x").exception(
            "it failed",
            token=SECRET,
            hook_secret=SECRET,
            nested={"password": SECRET, "url": f"?token={SECRET}"},
            several=[f"api_key={SECRET}", {"api_key": SECRET}],
            thing=Path(f"/hooks/a/{SECRET}"),
            count=3,
        )
    assert SECRET not in log.getvalue()
    (line,) = lines(log)
    assert line["count"] == 3
    assert line["token"] == logs.MASK
    assert "ValueError" in str(line["exception"])


def test_json_lines(log: io.StringIO) -> None:
    """One line an event, with its time in UTC, its level and its values as they are."""
    structlog.get_logger("x").info("hällo", account="alice")
    structlog.get_logger("x").debug("not this one")
    (line,) = lines(log)
    assert (line["event"], line["level"], line["account"]) == ("hällo", "info", "alice")
    assert str(line["timestamp"]).endswith("Z")


def test_the_level_changes_while_it_runs(log: io.StringIO) -> None:
    """`log.level` is live."""
    logs.set_level("debug")
    structlog.get_logger("x").debug("now")
    logs.set_level("error")
    structlog.get_logger("x").warning("not now")
    assert [line["event"] for line in lines(log)] == ["now"]


def test_libraries_log_through_us(log: io.StringIO) -> None:
    """A library's warning is one line of ours, with its exception, masked; its chatter is not."""
    logging.getLogger("httpx").info("GET /?token=%s", SECRET)
    try:
        Path("/nowhere/at/all").read_bytes()
    except OSError:
        logging.getLogger("asyncio").exception("Task failed, bearer %s", SECRET)
    (line,) = lines(log)
    assert line["logger"] == "asyncio"
    assert "FileNotFoundError" in str(line["exception"])
    assert SECRET not in log.getvalue()


def test_console() -> None:
    """On request, or on a terminal, the log is for people: words, no JSON."""
    stream, before = io.StringIO(), structlog.get_config()
    logs.configure(Log(level="info", format="console"), stream)
    structlog.get_logger("x").info("hello", account="alice", token=SECRET)
    structlog.configure(**before)
    logging.getLogger().handlers = []
    text = stream.getvalue()
    assert "hello" in text
    assert "account=alice" in text
    assert "{" not in text
    assert SECRET not in text
