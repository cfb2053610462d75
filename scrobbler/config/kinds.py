"""What the configuration must know of each source type; the registry of plugins hands it over."""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from scrobbler.api import SourceOptions


class SourceKind(Struct, frozen=True, kw_only=True):
    """One source type: its option model, and whether it says who watches.

    `knows_users` True: the source needs `users`; False: it needs `account`; None: it takes one or the other. `problem` is
    why its plugin cannot be used now: then nobody knows its options, and the source is left out, with a warning.
    """

    options: type[SourceOptions]
    knows_users: bool | None
    problem: str = ""


SourceKinds: TypeAlias = Mapping[str, SourceKind]
