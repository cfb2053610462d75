"""The page of the source keeps up with the code."""

from pathlib import Path

import msgspec

from scrobbler_plugins.plex import Plugin
from scrobbler_plugins.plex.options import PlexOptions

PAGE = Path(__file__).parents[3] / "docs" / "players" / "plex.md"


def test_every_option_is_on_the_page() -> None:
    """Each option of the source is explained; `account` is for sources without users."""
    page = PAGE.read_text()
    names = [
        field.name for field in msgspec.structs.fields(PlexOptions) if field.name not in ("type", "account", "enabled")
    ]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_options_are_the_plugins() -> None:
    """The plugin brings its own option model and knows users."""
    assert Plugin.Options is PlexOptions
    assert Plugin.traits.knows_users
