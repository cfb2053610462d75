"""The session bus: where it is, and a connection to it. All that knows dbus-fast."""

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from scrobbler.api.connection import GoneError

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

CONNECT_S = 10.0
ANSWER_S = 5.0
"""How long a player may take to answer. A hung one never does, and the bus waits with it."""

_BUS = "org.freedesktop.DBus"
_OBJECT = "/org/mpris/MediaPlayer2"
_PLAYER = "org.mpris.MediaPlayer2.Player"
_PROPERTIES = "org.freedesktop.DBus.Properties"
MISSING = 'the package `dbus-fast` is not installed: install it by pip install "scrobblerd[mpris]"'
GONE = "the session bus has gone"
_HELP = "run the daemon as a user service of the person who watches, or set `bus` (docs/players/mpris.md)"


class Signal(NamedTuple):
    """What came unasked: from a player's connection, or from the bus itself about the owner of a name."""

    sender: str
    member: str
    body: list[Any]


def address_of(configured: str) -> str:
    """Return the bus's address: as configured, the session's, or that of systemd's user bus. Raises GoneError."""
    address = configured or os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    if address.startswith(("/", "~")):
        return f"unix:path={quote(os.path.expanduser(address))}"  # noqa: PTH111 (raises where there is no home)
    if address:
        return address
    path = Path(f"/run/user/{os.getuid()}/bus")
    if not path.exists():
        raise GoneError(f"there is no session bus for {_user()}: {_HELP}")
    return f"unix:path={path}"


class Bus:
    """An open connection to a bus. Every call has a limit of time."""

    def __init__(self, connection: "MessageBus", over: "asyncio.Task[None]") -> None:
        self._connection = connection
        self._over = over  # awaiting the library's own future would cancel it together with the one who waits

    async def names(self) -> list[str]:
        """List all names on the bus. Raises GoneError."""
        names = await self._ask("ListNames")
        if not isinstance(names, list):
            raise GoneError("the session bus does not answer")
        return names

    async def owner(self, name: str) -> str:
        """Return the connection that owns a name; empty: nobody does any more."""
        return str(await self._ask("GetNameOwner", name) or "")

    async def pid(self, owner: str) -> int:
        """Return the process behind a connection; 0 where the bus does not tell."""
        return int(await self._ask("GetConnectionUnixProcessID", owner) or 0)

    async def listen_to_names(self, prefix: str) -> None:
        """Have the bus tell who comes and goes below a prefix."""
        namespace = prefix.rstrip(".")
        await self._ask(
            "AddMatch", f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0namespace='{namespace}'"
        )

    async def listen_to(self, owner: str) -> None:
        """Have the bus pass on what a player says; of the others nothing arrives here."""
        await self._ask("AddMatch", _rule(owner))

    async def leave(self, owner: str) -> None:
        """Take `listen_to` back."""
        await self._ask("RemoveMatch", _rule(owner))

    async def properties(self, owner: str) -> dict[str, Any] | None:
        """Ask a player for all its properties; None: no answer, or none that can be read. Raises GoneError."""
        reply = await self._call(owner, _OBJECT, _PROPERTIES, "GetAll", _PLAYER)
        body = [] if reply is None else _unpacked(reply)
        return body[0] if body and isinstance(body[0], dict) else None

    async def closed(self) -> None:
        """Wait until the connection is over."""
        await asyncio.wait({self._over})

    async def _ask(self, member: str, *arguments: str) -> Any:
        """Call the bus itself; None for its refusal."""
        reply = await self._call(_BUS, "/org/freedesktop/DBus", _BUS, member, *arguments)
        body = [] if reply is None else _unpacked(reply)
        return body[0] if body else None

    async def _call(self, to: str, path: str, interface: str, member: str, *arguments: str) -> "Message | None":
        from dbus_fast import Message, MessageType  # the extra `mpris`
        from dbus_fast.errors import DBusFastError

        message = Message(
            destination=to,
            path=path,
            interface=interface,
            member=member,
            signature="s" * len(arguments),
            body=list(arguments),
        )
        if not self._connection.connected:
            raise GoneError(GONE)
        try:
            async with asyncio.timeout(ANSWER_S):
                reply = await self._connection.call(message)
        except TimeoutError:
            return None
        except (OSError, EOFError, DBusFastError) as error:
            raise GoneError(GONE) from error
        return None if reply is None or reply.message_type is MessageType.ERROR else reply


@asynccontextmanager
async def open_bus(address: str, signal: Callable[[Signal], None]) -> AsyncIterator[Bus]:
    """Connect to a bus; `signal` is called for whatever was asked for by `Bus.listen_to`. Raises GoneError."""
    try:
        from dbus_fast import MessageType  # costs memory that a daemon without MPRIS does not need
        from dbus_fast.aio import MessageBus
        from dbus_fast.errors import AuthError, InvalidAddressError
    except ImportError as error:
        raise GoneError(MISSING) from error

    def received(message: "Message") -> None:
        if message.message_type is MessageType.SIGNAL:
            signal(Signal(message.sender or "", message.member or "", _unpacked(message)))

    try:
        connection = MessageBus(bus_address=address)
        async with asyncio.timeout(CONNECT_S):
            await connection.connect()
    except InvalidAddressError as error:
        raise GoneError(f"the address of the session bus cannot be used: {error}") from error
    except (AuthError, PermissionError) as error:
        raise GoneError(f"the session bus refuses {_user()}: {_HELP}") from error
    except TimeoutError as error:
        raise GoneError("the session bus does not answer") from error
    except (OSError, EOFError) as error:
        raise GoneError(f"no session bus is running for {_user()}: {_HELP}") from error
    connection.add_message_handler(received)
    wait: Callable[[], Coroutine[Any, Any, None]] = connection.wait_for_disconnect  # untyped in the library
    over = asyncio.create_task(wait(), name="session bus")
    try:
        yield Bus(connection, over)
    finally:
        connection.disconnect()
        await asyncio.wait({over}, timeout=1.0)  # the socket is closed then
        if not over.cancel() and not over.cancelled():
            over.exception()  # why it was over is known


def _unpacked(message: "Message") -> list[Any]:
    from dbus_fast.unpack import unpack_variants  # the extra `mpris`

    return list(unpack_variants(message.body))


def _rule(owner: str) -> str:
    return f"type='signal',sender='{owner}',path='{_OBJECT}'"


def _user() -> str:
    try:
        return f"the user {getpass.getuser()}"
    except (KeyError, OSError):  # a container's user without a name
        return f"the user with the number {os.getuid()}"
