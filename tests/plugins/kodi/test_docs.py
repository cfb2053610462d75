"""The page of the source keeps up with the code."""

from pathlib import Path

import msgspec

from scrobbler_plugins.kodi import Plugin
from scrobbler_plugins.kodi.options import KodiOptions

PAGE = Path(__file__).parents[3] / "docs" / "players" / "kodi.md"


def test_every_option_is_on_the_page() -> None:
    """Each option of the source is explained; `users` is for sources that know them."""
    page = PAGE.read_text()
    names = [
        field.name for field in msgspec.structs.fields(KodiOptions) if field.name not in ("type", "users", "enabled")
    ]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_options_are_the_plugins() -> None:
    """The plugin brings its own option model, and does not know users."""
    assert Plugin.Options is KodiOptions
    assert not Plugin.traits.knows_users
