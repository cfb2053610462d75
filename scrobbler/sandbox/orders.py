"""What may be told to the sandbox under `/_sandbox/`."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from scrobbler.sandbox.catalogue import Kind, Status
from scrobbler.sandbox.people import FULL_SCOPE, Plan


class Order(Struct, kw_only=True, forbid_unknown_fields=True):
    """The base: unknown keys are refused."""


class MoveClock(Order):
    """Move the clock by so many seconds."""

    advance_s: float


class Decide(Order):
    """Answer a sign-in code, as the person at simkl.com/pin would; `user` is who approves."""

    user_code: str
    decision: Literal["approve", "decline"] = "approve"
    user: str = ""


class LinkUser(Order):
    """Link a user without a sign-in."""

    user: str
    client_id: str = "sandbox"
    scope: str = FULL_SCOPE


class NameUser(Order):
    """Name a user."""

    user: str


class SetUser(Order):
    """Set a user's plan, or what is left of the daily allowance."""

    user: str
    plan: Plan | None = None
    remaining: Annotated[int, Meta(ge=0)] | None = None


class AddApp(Order):
    """Register an application."""

    client_id: str
    generation: Literal["v1", "v2"] = "v2"


class AddTitle(Order):
    """Add a title.

    A series needs `seasons` (`{"1": 10}`: season, episodes; season 0 holds the specials); an anime may have `places`, its
    spans at TVDB (season, first number, count). The TVDB ids of its episodes count up from `first_episode_tvdb`; without
    one from a thousand times its Simkl id. `runtime` is minutes; the last `unaired` episodes are still to come.
    """

    kind: Kind
    title: str
    year: int | None = None
    ids: dict[str, str] = {}
    simkl: Annotated[int, Meta(ge=1)] | None = None
    runtime: Annotated[int, Meta(ge=1)] | None = None
    status: Status = "released"
    anime_type: str | None = None
    seasons: dict[str, int] = {}
    places: list[tuple[int, int, int]] = []
    first_episode_tvdb: int | None = None
    unaired: int = 0
