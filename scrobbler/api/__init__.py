"""Everything that a player plugin may import, and all that stays stable for it."""

from scrobbler.api.events import SKIP_WORDS, Kind, PlayerEvent, Skip, User
from scrobbler.api.media import Episode, File, Ids, Item, Movie, Show, Work, describe
from scrobbler.api.options import Filter, HookOptions, Names, Secret, SourceOptions
from scrobbler.api.plugin import (
    BriefMemory,
    CheckResult,
    Context,
    Facts,
    HookPlugin,
    HookRequest,
    ListenerPlugin,
    Logger,
    Memory,
    SourcePlugin,
    Traits,
    UnreadableError,
    UnsupportedTypeError,
)

__all__ = [
    "SKIP_WORDS",
    "BriefMemory",
    "CheckResult",
    "Context",
    "Episode",
    "Facts",
    "File",
    "Filter",
    "HookOptions",
    "HookPlugin",
    "HookRequest",
    "Ids",
    "Item",
    "Kind",
    "ListenerPlugin",
    "Logger",
    "Memory",
    "Movie",
    "Names",
    "PlayerEvent",
    "Secret",
    "Show",
    "Skip",
    "SourceOptions",
    "SourcePlugin",
    "Traits",
    "UnreadableError",
    "UnsupportedTypeError",
    "User",
    "Work",
    "describe",
]
