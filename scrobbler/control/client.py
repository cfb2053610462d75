"""The command line's side of the control socket. Plain blocking sockets: a command asks, waits and ends."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from scrobbler.control.reach import reachable
from scrobbler.control.wire import SOCKET_NAME, Reply, Request, read_reply, write_line

TIMEOUT_S = 30.0


class NoDaemonError(Exception):
    """No daemon runs on this state directory."""


class CommandError(Exception):
    """The daemon refused, or did not answer. The text is one sentence for people."""


def call(state_dir: Path, command: str, /, *, timeout_s: float = TIMEOUT_S, **args: Any) -> Any:
    """Ask the daemon once and return its value as plain JSON values. Raises NoDaemonError or CommandError."""
    for reply in _talk(state_dir, Request(command=command, args=args), timeout_s):
        if reply.done:
            return reply.value
    raise CommandError("the daemon ended before it answered")


def stream(state_dir: Path, command: str, /, **args: Any) -> Iterator[Any]:
    """Yield what the daemon reports until it has no more. Raises NoDaemonError or CommandError."""
    for reply in _talk(state_dir, Request(command=command, args=args), None):
        if reply.done:
            return
        yield reply.item
    raise CommandError("the daemon ended")


def running(state_dir: Path) -> bool:
    """Tell whether a daemon answers there. Raises CommandError where this user may not look."""
    try:
        _connect(state_dir, TIMEOUT_S).close()
    except NoDaemonError:
        return False
    return True


def _connect(state_dir: Path, timeout_s: float | None) -> socket.socket:
    path = state_dir / SOCKET_NAME
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        with reachable(path) as address:
            connection.connect(address)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        connection.close()
        raise NoDaemonError(f"no daemon runs on {state_dir}") from None
    except PermissionError:
        connection.close()
        raise CommandError(f"{path} belongs to another user; run this command as the user of the daemon") from None
    except OSError as error:
        connection.close()
        raise CommandError(f"{path}: {error.strerror or error}") from None
    return connection


def _talk(state_dir: Path, request: Request, timeout_s: float | None) -> Iterator[Reply]:
    with _connect(state_dir, timeout_s) as connection, connection.makefile("rwb") as lines:
        try:
            lines.write(write_line(request))
            lines.flush()
            for line in lines:
                reply = read_reply(line)
                if reply.error:
                    raise CommandError(reply.error)
                yield reply
        except TimeoutError:
            raise CommandError("the daemon does not answer; its log may say why") from None
        except OSError:
            raise CommandError("the daemon hung up") from None
        except msgspec.MsgspecError:
            raise CommandError("the daemon's answer cannot be read; is it of another version?") from None
