"""A player of the tests' own on a real bus, which answers, hangs and signals as it is told."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from tests.plugins.mpris.kit import FILM

PATH = "/org/mpris/MediaPlayer2"
PLAYER = "org.mpris.MediaPlayer2.Player"
LENGTH_US = 600_000_000


def playing(url: str = FILM, at_s: float = 0.0, status: str = "Playing") -> dict[str, Variant]:
    """Compose the properties of a player with a file of ten minutes."""
    metadata = {"xesam:url": Variant("s", url), "mpris:length": Variant("x", LENGTH_US)}
    return {
        "PlaybackStatus": Variant("s", status),
        "Metadata": Variant("a{sv}", metadata),
        "Position": Variant("x", round(at_s * 1_000_000)),
        "Rate": Variant("d", 1.0),
    }


class FakePlayer:
    """One connection with a player's name. `shows` is what it answers; `hangs` lets it answer nothing."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self.shows: dict[str, Variant] = {}
        self.hangs = False
        self.asked = 0
        self.before_answer: Callable[[], None] = lambda: None
        bus.add_message_handler(self._answer)

    def signal(self, **changed: Variant) -> None:
        """Say that something has changed, and show it from now on."""
        self.shows |= changed
        self._emit("org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", [PLAYER, changed, []])

    def seeked(self, seconds: float) -> None:
        """Say that it has jumped."""
        position = round(seconds * 1_000_000)
        self.shows["Position"] = Variant("x", position)
        self._emit(PLAYER, "Seeked", "x", [position])

    def leave(self) -> None:
        """Leave the bus without a word."""
        self._bus.disconnect()

    def _emit(self, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self._bus.send(Message.new_signal(PATH, interface, member, signature, body))

    def _answer(self, message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL or message.member != "GetAll":
            return False
        self.asked += 1
        if self.hangs:
            return True
        answer = dict(self.shows)
        self.before_answer()
        return Message.new_method_return(message, "a{sv}", [answer])


@asynccontextmanager
async def fake_player(address: str, name: str = "vlc") -> AsyncIterator[FakePlayer]:
    """Put a player on a bus for the length of the block."""
    bus = await MessageBus(bus_address=address).connect()
    player = FakePlayer(bus)
    gone: Callable[[], Awaitable[None]] = bus.wait_for_disconnect  # untyped in the library
    await bus.request_name(f"org.mpris.MediaPlayer2.{name}")
    try:
        yield player
    finally:
        if bus.connected:
            bus.disconnect()
        with suppress(EOFError):  # the bus went first
            await gone()
