"""What docs/players/mpris.md says is so."""

import re
from pathlib import Path

import msgspec
import yaml

from scrobbler_plugins.mpris.bus import ANSWER_S
from scrobbler_plugins.mpris.media import Rules, identify
from scrobbler_plugins.mpris.messages import Told
from scrobbler_plugins.mpris.options import DEFAULT_PLAYERS, Options
from scrobbler_plugins.mpris.parse import END_MS, LOOK_MS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "players" / "mpris.md").read_text(encoding="utf-8")


def test_the_examples_of_the_configuration() -> None:
    """Each example source is valid, and the browser's does what the page says of it."""
    examples = re.findall(r"^( *)```yaml\n(.*?)\n *```", PAGE, re.DOTALL | re.MULTILINE)
    assert len(examples) == 2
    sources = [yaml.safe_load(text)["sources"] for _, text in examples]
    options = [msgspec.convert(values, Options) for source in sources for values in source.values()]
    browser = next(one for one in options if one.titles)
    media = identify(Told(title="Sintel (2010) - Some Cinema"), Rules(titles=browser.titles), browser=True)
    assert media is not None
    assert media.item.path == "Sintel (2010)"


def test_every_option_is_on_the_page() -> None:
    """The table of options has the plugin's own."""
    own = set(Options.__struct_fields__) - set(Options.__mro__[1].__struct_fields__)  # type: ignore[attr-defined]
    assert own == {"players", "titles", "bus"}
    assert all(f"\n| `{name}` |" in PAGE for name in own)


def test_the_players_are_named() -> None:
    """Whoever counts by default is in the first row of the table of players."""
    row = next(line for line in PAGE.splitlines() if line.startswith("| VLC, mpv,")).casefold().replace(" ", "")
    assert all(name in row for name in DEFAULT_PLAYERS)


def test_the_numbers_are_those_of_the_code() -> None:
    """Every two seconds, the last second, and a limit for players that hang, which is short."""
    assert (LOOK_MS, END_MS) == (2_000, 1_000)
    assert "every two seconds while something plays" in PAGE
    assert "within its last second" in PAGE
    assert ANSWER_S <= 5
