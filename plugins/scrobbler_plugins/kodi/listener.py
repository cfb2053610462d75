"""Listens to a Kodi: joins what plays, asks for positions while it does, and asks nothing else (players.md 4)."""

from collections.abc import Callable, Iterable

from scrobbler.api import Context, PlayerEvent
from scrobbler.api.connection import GoneError, keep_connected
from scrobbler_plugins.kodi.connection import Address, FailedError, Kodi, connected
from scrobbler_plugins.kodi.counts import Counts
from scrobbler_plugins.kodi.fields import nodes, text, whole
from scrobbler_plugins.kodi.library import Library
from scrobbler_plugins.kodi.messages import Notification
from scrobbler_plugins.kodi.tracker import PLAYER, State, Tracker, ref_of, state_of

_OPEN = "open"
_STATE = ("time", "totaltime", "speed")
_UNWANTED = ("GUI", "Input", "Playlist", "AudioLibrary", "Application", "Other", "PVR")
_TURNS = ("Player.OnPlay", "Player.OnAVStart", "Player.OnStop")
"""Notifications after which an answer may be about another item than the question."""


class Listener:
    """One run of listening to one Kodi. `profile` "" listens in every profile; `marks` says whether marks by hand matter."""

    def __init__(
        self, address: Address, library: Library, counts: Counts, context: Context, *, profile: str, marks: bool
    ) -> None:
        self._address = address
        self._library = library
        self._counts = counts
        self._context = context
        self._profile = profile
        self._marks = marks
        self._remembered = ""

    async def run(self) -> None:
        """Listen until cancelled."""
        await keep_connected(self._context, self._visit)

    async def _visit(self, up: Callable[[], None]) -> None:
        async with connected(self._address) as kodi:
            self._library.forget()  # a change of profile, which may bring another library, ends the connection
            await _quieten(kodi)
            up()
            tracker = Tracker(device=await _name(kodi))
            try:
                await self._join(kodi, tracker)
                await self._close_old(tracker)
                if await kodi.uses(self._profile):
                    await self._counts.begin(kodi)
                while True:
                    await self._step(kodi, tracker)
                    await self._remember(tracker.open_key)
            except GoneError:
                for said in kodi.left():
                    await self._emit(tracker.feed(said, self._now_ms()))
                await self._emit(tracker.lost(self._now_ms()))
                await self._remember("")
                raise

    async def _close_old(self, tracker: Tracker) -> None:
        """Give up what an earlier run left open and Kodi plays no more: how it went on from there, its counts will tell."""
        left = await self._context.memory.get(_OPEN)
        if left and left != tracker.open_key:
            await self._context.emit(PlayerEvent(kind="gone", player=PLAYER, item_key=left))
        self._remembered = left or ""
        await self._remember(tracker.open_key)

    async def _remember(self, item_key: str) -> None:
        if item_key != self._remembered:
            self._remembered = item_key
            await self._context.memory.put(_OPEN, item_key)

    async def _join(self, kodi: Kodi, tracker: Tracker) -> None:
        """Take in what plays already."""
        player = await _video_player(kodi)
        if player is None:
            return
        tracker.player_id = player
        try:
            answer = await kodi.ask("Player.GetItem", {"playerid": player, "properties": ["title", "file"]})
        except FailedError:
            return
        ref = ref_of(answer)
        # Outside of the library, notifications call a file by another title than this answer does.
        await self._emit(tracker.join(ref if ref.library else ref._replace(title=""), self._now_ms()))
        await self._settle(kodi, tracker)

    async def _step(self, kodi: Kodi, tracker: Tracker) -> None:
        due_ms = tracker.due_ms
        said = await kodi.next(None if due_ms is None else max(0.0, (due_ms - self._now_ms()) / 1000))
        if said is None:
            if tracker.resting:
                await self._emit(tracker.beat(self._now_ms()))
                return
        elif said.method == "VideoLibrary.OnUpdate":
            await self._counted(kodi, tracker, said)
            return
        else:
            await self._emit(tracker.feed(said, self._now_ms()))
        await self._settle(kodi, tracker)

    async def _settle(self, kodi: Kodi, tracker: Tracker) -> None:
        """Ask what the tracker wants to know by now."""
        ref = tracker.unnamed
        if ref is not None and (ref.library or tracker.due_ms is not None):
            if not await kodi.uses(self._profile):
                tracker.forget()
                return
            if ref.library or self._is_due(tracker):
                named = await self._library.name(kodi, ref, tracker.player_id)
                if not kodi.pending(_TURNS) or ref.library:
                    tracker.named(named)
        if not self._is_due(tracker):
            return
        state = await self._state(kodi, tracker.player_id)
        if not kodi.pending(_TURNS):  # else they are heard first, and it is asked again
            await self._emit(tracker.seen(state, self._now_ms()))

    def _is_due(self, tracker: Tracker) -> bool:
        return tracker.due_ms is not None and tracker.due_ms <= self._now_ms()

    async def _state(self, kodi: Kodi, player_id: int) -> State | None:
        """Ask how the player is; None when no video plays."""
        try:
            state = state_of(await kodi.ask("Player.GetProperties", {"playerid": player_id, "properties": _STATE}))
        except FailedError:
            state = State(0, 0, 1.0)
        if state.duration_ms:
            return state
        return None if await _video_player(kodi) is None else state

    async def _counted(self, kodi: Kodi, tracker: Tracker, said: Notification) -> None:
        """Take in that a play count has changed: Kodi's own doing, or a mark by hand."""
        ref, count = ref_of(said.data), whole(said.data, "playcount")
        if count is None or not ref.library or ref.number is None or said.data.get("added") is True:
            return
        if not await kodi.uses(self._profile):
            return
        await self._counts.noticed(ref.kind, ref.number, count)
        if not count or not self._marks or tracker.counts_itself(ref, self._now_ms()):
            return
        named = await self._library.name(kodi, ref, tracker.player_id)
        await self._emit([PlayerEvent(kind="marked", player=PLAYER, item_key=named.media.key, item=named.media.item)])

    async def _emit(self, events: Iterable[PlayerEvent]) -> None:
        for event in events:
            await self._context.emit(event)

    def _now_ms(self) -> int:
        return self._context.clock.now().mono_ms


async def _quieten(kodi: Kodi) -> None:
    """Ask to be spared what is not used here; versions that cannot do that are heard in full."""
    for name in _UNWANTED:
        try:
            await kodi.ask("JSONRPC.SetConfiguration", {"notifications": {name: False}})
        except FailedError:
            continue


async def _name(kodi: Kodi) -> str:
    label = "System.FriendlyName"
    try:
        return text(await kodi.ask("XBMC.GetInfoLabels", {"labels": [label]}), label)
    except FailedError:
        return ""


async def _video_player(kodi: Kodi) -> int | None:
    """Return the player of the video that is open; None when there is none."""
    try:
        players = await kodi.ask("Player.GetActivePlayers")
    except FailedError:
        return None
    return next(
        (whole(one, "playerid") for one in nodes({"all": players}, "all") if text(one, "type") == "video"), None
    )
