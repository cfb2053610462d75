"""Stand-ins for the plugins' options, and short ways to load a text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pytest
from msgspec import UNSET, Meta, UnsetType, field

from scrobbler.api import HookOptions, Secret, SourceOptions
from scrobbler.config.kinds import SourceKind
from scrobbler.config.loader import Loaded, load_text
from scrobbler.config.models import Config
from scrobbler.config.problems import ConfigError

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef"


class ServerOptions(HookOptions, kw_only=True, omit_defaults=True):
    """A server that posts to us and may be asked."""

    url: Annotated[
        Annotated[str, Meta(pattern=r"^https?://[^\s/@]+(/\S*)?$")] | UnsetType,
        Meta(description="The server's address."),
    ] = UNSET
    token: Annotated[Secret | UnsetType, Meta(description="The server's token.")] = UNSET
    port: Annotated[int, Meta(description="A port.", ge=1, le=65535)] = 8080


class PlayerOptions(SourceOptions, kw_only=True, omit_defaults=True):
    """A player that we go to."""

    sockets: Annotated[
        list[Annotated[str, Meta(min_length=1)]], Meta(description="Where its sockets are.", min_length=1)
    ] = field(default_factory=lambda: ["~/default.sock"])
    poll: Annotated[
        float, Meta(description="How often it is asked.", ge=1, le=60, extra={"duration": True, "effect": "live"})
    ] = 5

    def __post_init__(self) -> None:
        """Refuse a pair that no type can refuse."""
        if self.poll == 13:
            raise ValueError("poll may not be unlucky")


class EventsOptions(HookOptions, kw_only=True, omit_defaults=True):
    """Posted events."""


KINDS: Mapping[str, SourceKind] = {
    "plex": SourceKind(options=ServerOptions, knows_users=True),
    "mpv": SourceKind(options=PlayerOptions, knows_users=False),
    "events": SourceKind(options=EventsOptions, knows_users=None),
}

BASE = "simkl: {client_id: abc}\naccounts: {alice: {}, bob: {}}\n"
"""Two lines that are good; what a test adds begins in line 3."""


def load(text: str, env: Mapping[str, str] | None = None, *, sandbox: bool = False) -> Loaded:
    """Load a text with the stand-ins."""
    return load_text(text, file_name="c.yaml", env=env or {"HOME": "/home/me"}, source_models=KINDS, sandbox=sandbox)


def config(text: str, env: Mapping[str, str] | None = None) -> Config:
    """Load a text that is good."""
    return load(text, env).config


def problems(text: str, env: Mapping[str, str] | None = None) -> list[str]:
    """Load a text that is bad, and give its problems as printed, without the name of the file."""
    with pytest.raises(ConfigError) as caught:
        load(text, env)
    return [str(problem).removeprefix("c.yaml:") for problem in caught.value.problems]


def only(text: str, env: Mapping[str, str] | None = None) -> str:
    """Load a text that has exactly one problem."""
    found = problems(text, env)
    assert len(found) == 1, found
    return found[0]
