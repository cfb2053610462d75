"""The shape of the configuration file (contract.md 1.4). Sources are the plugins' own models.

Each field says in its `Meta` what it means; `effect` in `extra` says what a change of the running file does:
`live` (counts at once), `source` (that source starts anew) or `daemon` (counts after a restart of the daemon).
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from scrobbler.api import Secret, SourceOptions

Effect: TypeAlias = Literal["live", "source", "daemon"]

Seconds: TypeAlias = float
Duration: TypeAlias = Annotated[Seconds, Meta(extra={"duration": True})]
"""Seconds here; written as `90s`, `5m`, `1h`, `14d` or `1h30m` in the file."""
Percent: TypeAlias = Annotated[float, Meta(ge=1, le=100)]

DEFAULT_PERCENT = 80.0
"""Where Simkl itself draws the line (rules.md rule 3)."""

LIVE: dict[str, Any] = {"effect": "live"}
DAEMON: dict[str, Any] = {"effect": "daemon"}


class Watched(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From which percentage on a play counts as watched. Read it through `thresholds.watched_percent`."""

    movie: Annotated[
        Percent | UnsetType,
        Meta(description="The percentage for films. Left out: what holds in general, else 80.", extra=LIVE),
    ] = UNSET
    episode: Annotated[
        Percent | UnsetType,
        Meta(description="The percentage for episodes. Left out: what holds in general, else 80.", extra=LIVE),
    ] = UNSET


class Simkl(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to reach Simkl."""

    client_id: Annotated[
        str,
        Meta(
            description="The `client_id` of your own Simkl app, made at https://simkl.com/settings/developer.",
            extra=DAEMON,
        ),
    ]
    auth: Annotated[
        Literal["auto", "device", "pin"],
        Meta(
            description="How accounts are linked: `device` for an app of AUTH V2, `pin` for one of AUTH V1, `auto` finds out.",
            extra=DAEMON,
        ),
    ] = "auto"
    api_url: Annotated[
        str,
        Meta(description="Where Simkl's API is. Change it for tests alone. Needs https beyond loopback.", extra=DAEMON),
    ] = "https://api.simkl.com"


class HookAccess(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who may post to `/hooks/…`."""

    allow: Annotated[
        tuple[str, ...],
        Meta(description="The networks and addresses from which hooks are taken; all others get 403.", extra=LIVE),
    ] = ("127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


class StatusAccess(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who may see the status page, `/api/status` and `/metrics`."""

    allow: Annotated[
        tuple[str, ...],
        Meta(
            description="The networks and addresses that may see the status page. Beyond loopback only with a `token`.",
            extra=LIVE,
        ),
    ] = ("127.0.0.0/8", "::1")
    token: Annotated[
        Secret,
        Meta(description="What a viewer must present. Empty: nothing is asked for.", extra=LIVE),
    ] = ""


class Http(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The daemon's own HTTP server."""

    listen: Annotated[
        str | tuple[str, ...],
        Meta(
            description="Where the daemon listens: `host:port`, or a list of these. `$SCROBBLER_LISTEN` wins.",
            extra=DAEMON,
        ),
    ] = "127.0.0.1:7465"
    hooks: Annotated[HookAccess, Meta(description="Who may post to `/hooks/…`.")] = HookAccess()
    status: Annotated[StatusAccess, Meta(description="Who may see the status page, `/api/status` and `/metrics`.")] = (
        StatusAccess()
    )
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="The reverse proxies whose `X-Forwarded-For` is believed: networks and addresses.", extra=LIVE
        ),
    ] = ()


class Account(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One Simkl account."""

    watched_percent: Annotated[
        Percent | Watched | UnsetType,
        Meta(
            description="From which percentage on a play counts as watched for this account. "
            "Left out: the general `watched_percent`.",
            extra=LIVE,
        ),
    ] = UNSET
    rewatch: Annotated[
        bool,
        Meta(
            description="Whether seeing something again is written to Simkl as a rewatch, "
            "as far as the account's plan allows it.",
            extra=LIVE,
        ),
    ] = False


class Ignore(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is never a play, whoever watches."""

    paths: Annotated[
        tuple[str, ...],
        Meta(description="Files that never count: shell patterns for the full path, case-insensitive.", extra=LIVE),
    ] = ()
    titles: Annotated[
        tuple[str, ...],
        Meta(description="Titles that never count: shell patterns, case-insensitive.", extra=LIVE),
    ] = ()
    shorter_than: Annotated[
        Duration,
        Meta(
            description="What is shorter never counts. What has an unknown length is not short. 0 turns this off.",
            ge=0,
            le=86400,
            extra=LIVE,
        ),
    ] = 300


class Log(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The daemon's log."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="The least grave kind of line that is written.", extra=LIVE),
    ] = "info"
    format: Annotated[
        Literal["auto", "console", "json"],
        Meta(description="How lines look; `auto`: for people on a terminal, JSON lines otherwise.", extra=DAEMON),
    ] = "auto"


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The effective configuration."""

    simkl: Annotated[Simkl, Meta(description="How to reach Simkl.")]
    watched_percent: Annotated[
        Percent | Watched,
        Meta(
            description="From which percentage on a play counts as watched: a number from 1 to 100, "
            "or `{movie: 85, episode: 80}`.",
            extra=LIVE,
        ),
    ] = 80
    state_dir: Annotated[
        str | UnsetType,
        Meta(
            description="The folder in which the daemon keeps what it must remember. "
            "Left out: `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/scrobbler`.",
            extra=DAEMON,
        ),
    ] = UNSET
    http: Annotated[Http, Meta(description="The daemon's own HTTP server: hooks and the status page.")] = Http()
    accounts: Annotated[
        dict[str, Account],
        Meta(
            description="One entry per Simkl account. The name is yours to choose; sources refer to it.", extra=DAEMON
        ),
    ]
    sources: Annotated[
        dict[str, SourceOptions],
        Meta(
            description="One entry per player or server; `type` names the plugin. The name is yours to choose "
            "(letters, digits, `-`, `_`); a hook's address contains it.",
            extra={"effect": "source"},
        ),
    ] = {}
    ignore: Annotated[Ignore, Meta(description="What is never a play, whoever watches.")] = Ignore()
    catch_up: Annotated[
        Duration,
        Meta(
            description="How far back the daemon asks sources for plays that it missed: when it starts, when a source is back "
            "that was gone, and after the machine slept. 0 turns this off.",
            ge=0,
            le=365 * 86400,
            extra=LIVE,
        ),
    ] = 14 * 86400
    log: Annotated[Log, Meta(description="The daemon's log.")] = Log()
