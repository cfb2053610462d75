"""What can be configured for log files."""

from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET, Meta, UnsetType

from scrobbler.api import Names, Secret, SourceOptions
from scrobbler_plugins.logfile.patterns import Meaning, PatternError, compile_pattern

FormatName: TypeAlias = Literal["plex", "jellyfin", "emby", "kodi", "mpv", "mpc", "access"]

SERVERS: frozenset[str] = frozenset({"plex", "jellyfin", "emby"})
"""Formats of servers that can be asked."""

NAMELESS: frozenset[str] = frozenset({"kodi", "mpv", "mpc"})
"""Formats that never tell who watches."""


class Options(SourceOptions, kw_only=True, omit_defaults=True):
    """One log, or several of the same kind."""

    path: Annotated[
        Names,
        Meta(
            description="The log file, or a list of them. Shell patterns (`*`, `?`, `**`) and `~` are understood; of a log "
            "with the date in its name give the pattern (`log_*.log`)."
        ),
    ]
    format: Annotated[
        FormatName | UnsetType, Meta(description="Which program writes the log. Either this or `pattern`.")
    ] = UNSET
    pattern: Annotated[
        Names | UnsetType,
        Meta(
            description="How a line of your own log reads: a regular expression, or a list of them, with the groups `event`, "
            "`file` or `title`, and if you have them `position`, `duration` (seconds or h:m:s), `user`, `time`."
        ),
    ] = UNSET
    words: Annotated[
        dict[str, Meaning] | UnsetType,
        Meta(
            description="What the words mean that your pattern finds as `event`, such as `{Opened: start, Closed: stop}`."
        ),
    ] = UNSET
    timezone: Annotated[
        str,
        Meta(description="The time zone of a log that names none, such as `Europe/Berlin`. Left out: this machine's."),
    ] = ""
    silence: Annotated[
        float,
        Meta(
            description="For access logs: after so long without a request for a file, its play is over.",
            ge=60,
            le=86400,
            extra={"duration": True},
        ),
    ] = 600.0
    url: Annotated[
        Annotated[str, Meta(pattern=r"^https?://[^\s/@]+(/\S*)?$")] | UnsetType,
        Meta(
            description="The address of the server that writes the log. With `token` it is asked what its lines leave out: "
            "series, season, episode, ids."
        ),
    ] = UNSET
    token: Annotated[
        Secret | UnsetType,
        Meta(description="A token or API key of that server. Goes to the server in `url` alone, as a header."),
    ] = UNSET

    def __post_init__(self) -> None:
        """Refuse what the types allow and no log can be read with."""
        paths = as_list(self.path)
        if not paths or not all(path.strip() for path in paths):
            raise ValueError("`path` must name at least one log file")
        if (self.format is UNSET) == (self.pattern is UNSET):
            both = "not both" if self.format is not UNSET else "one is missing"
            raise ValueError(f"exactly one of `format` and `pattern` must be given, {both}")
        if self.pattern is UNSET:
            if self.words is not UNSET:
                raise ValueError("`words` belongs to `pattern`; a built-in `format` knows its own words")
        else:
            self._check_pattern(as_list(self.pattern))
        self._check_surroundings()
        self._check_users()

    def _check_pattern(self, patterns: list[str]) -> None:
        if not patterns:
            raise ValueError("`pattern` must hold at least one regular expression")
        for pattern in patterns:
            try:
                compile_pattern(pattern)
            except PatternError as error:
                raise ValueError(f"`pattern`: {error}") from error

    def _check_surroundings(self) -> None:
        if self.timezone:
            try:
                ZoneInfo(self.timezone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError(
                    f"`timezone`: {self.timezone!r} is no time zone; wanted is a name such as Europe/Berlin or UTC"
                ) from None
        if (self.url is UNSET) != (self.token is UNSET):
            raise ValueError("`url` and `token` belong together: give both or none")
        if self.url is not UNSET and self.format not in SERVERS:
            raise ValueError("`url` and `token` are for the formats plex, jellyfin and emby")

    def _check_users(self) -> None:
        """Refuse users whom nobody will ever name."""
        if self.users is UNSET or "*" in self.users:
            return
        if self.format in NAMELESS:
            raise ValueError(f"a log of {self.format} does not tell who watches: give `account` instead of `users`")
        if self.pattern is not UNSET and not any("(?P<user>" in pattern for pattern in as_list(self.pattern)):
            raise ValueError("`users` needs the group `(?P<user>…)` in `pattern`; without it give `account` instead")
        if self.format == "emby" and self.url is UNSET:
            raise ValueError("a log of Emby does not tell who watches: give `url` and `token` as well, or `account`")


def as_list(names: Names | UnsetType) -> list[str]:
    """Return one name or several as a list."""
    if isinstance(names, str):
        return [names]
    return list(names) if isinstance(names, list) else []
