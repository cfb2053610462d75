"""The documentation and the example are complete, and the example works."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scrobbler.api import SourceOptions
from scrobbler.config.kinds import SourceKinds
from scrobbler.config.loader import load_file, load_text
from scrobbler.config.models import Config
from scrobbler.config.problems import ConfigError
from scrobbler.config.typeinfo import fields_of
from scrobbler.sources.registry import kinds
from tests.config import reference
from tests.config.support import ROOT

EXAMPLE = ROOT / "config.example.yaml"
DOCS = ROOT / "docs" / "configuration.md"
VARIABLES = dict.fromkeys(re.findall(r"\$\{(\w+)\}", EXAMPLE.read_text()), "0123456789abcdef") | {"HOME": "/home/me"}


def switched_on() -> str:
    """The example with every setting switched on: those that begin with `#` and no space."""
    return re.sub(r"^( *)#(?=[^\s#])", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)


@pytest.fixture
def installed() -> SourceKinds:
    """The source types that are installed here."""
    return kinds()


def rows(found: SourceKinds) -> Iterator[reference.Row]:
    yield from reference.core()
    yield from reference.of_every_source()
    yield from reference.of_every_hook()
    for name in found:
        yield from reference.of_type(found, name)


def test_the_plugins_are_installed_and_bring_their_options(installed: SourceKinds):
    """The types that the package declares are found through their entry points, with models that the loader can read."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["scrobbler.plugins"]
    assert set(declared) <= set(installed)
    for kind in installed.values():
        assert issubclass(kind.options, SourceOptions)
        assert fields_of(kind.options)


def test_every_setting_is_documented_with_its_default_and_its_effect(installed: SourceKinds):
    """The row of each setting stands in docs/configuration.md just as the models have it."""
    lines = DOCS.read_text().splitlines()
    missing = [row.markdown for row in rows(installed) if row.markdown not in lines]
    assert missing == [], "`python -m tests.config.reference` prints the tables"


def test_every_type_has_its_chapter(installed: SourceKinds):
    """A reader finds each source type by its name."""
    text = DOCS.read_text()
    assert [name for name in installed if f"### `type: {name}`" not in text] == []


def test_documentation_has_no_setting_that_does_not_exist(installed: SourceKinds):
    """A row whose setting was removed must go as well."""
    known = {row.markdown for row in rows(installed)}
    table = [line for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    assert [line for line in table if line not in known] == []


def test_the_example_has_every_setting(installed: SourceKinds):
    """Switched on or off, each setting of each model can be seen in the example."""
    tree = yaml.safe_load(switched_on())
    merged: dict[str, Any] = {}
    for account in tree["accounts"].values():
        merged |= account
    of_sources: dict[str, set[str]] = {}
    for source in tree["sources"].values():
        of_sources.setdefault(source["type"], set()).update(source)
    tree["accounts"] = {**tree["accounts"], "NAME": merged}
    everywhere = set().union(*of_sources.values())
    for row in reference.core():
        found: Any = tree
        for key in row.path.split("."):
            if not isinstance(found, dict):
                break  # A percentage may be a number as well as a mapping.
            assert key in found, row.path
            found = found[key]
    for name in installed:
        own = {row.path.rsplit(".", 1)[-1] for row in reference.of_type(installed, name)}
        assert own <= of_sources[name], name
    common = [*reference.of_every_source(), *reference.of_every_hook()]
    assert {row.path.rsplit(".", 1)[-1] for row in common} <= everywhere


def test_the_example_is_good_but_for_the_placeholder(installed: SourceKinds):
    """As it stands it lacks one thing, and that is said."""
    with pytest.raises(ConfigError) as caught:
        load_file(EXAMPLE, {}, installed)
    (problem,) = caught.value.problems
    assert problem.path == "simkl.client_id"
    assert "https://simkl.com/settings/developer" in problem.message


def test_the_example_runs_in_the_sandbox_without_any_environment(installed: SourceKinds):
    """`make run` needs neither an app nor variables."""
    loaded = load_file(EXAMPLE, {}, installed, sandbox=True)
    assert list(loaded.config.accounts) == ["alice", "bob"]
    assert {source.type for source in loaded.config.sources.values()} >= {"mpv", "plex", "jellyfin", "events"}
    assert loaded.warnings == ()


def test_the_example_is_good_with_everything_switched_on(installed: SourceKinds):
    """Whoever removes a `#` gets a good file."""
    text = switched_on().replace("your-client-id", "abc")
    assert load_text(text, file_name="example", env=VARIABLES, source_models=installed).warnings == ()


def test_switched_off_settings_of_the_example_show_the_defaults(installed: SourceKinds):
    """A line that shows a default shows the true one."""
    text = switched_on().replace("your-client-id", "abc")
    on = load_text(text, file_name="example", env=VARIABLES, source_models=installed).config
    off = load_text(
        "simkl: {client_id: abc}\naccounts: {bob: {}}\n", file_name="x", env={}, source_models=installed
    ).config
    assert (on.catch_up, on.ignore.shorter_than, on.log, on.http.hooks) == (
        off.catch_up,
        off.ignore.shorter_than,
        off.log,
        off.http.hooks,
    )
    assert (on.simkl, on.http.listen, on.accounts["bob"].rewatch) == (
        off.simkl,
        off.http.listen,
        off.accounts["bob"].rewatch,
    )
    assert on.http.status.allow == off.http.status.allow


def test_every_model_describes_each_of_its_fields(installed: SourceKinds):
    """No setting without a sentence, and each says what a change of it does."""
    assert [row.path for row in rows(installed) if not row.description] == []
    assert {row.effect for row in rows(installed)} <= {"live", "source", "daemon"}
    assert {setting.name for setting in fields_of(Config)} >= {"simkl", "accounts", "sources"}


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL))
def test_yaml_in_the_documentation_is_good(block: str, installed: SourceKinds):
    """Each piece of YAML, put into a small file, loads."""
    piece = yaml.safe_load(block) or {}
    if set(piece) & {"include", "libraries"}:
        piece = {"sources": {"x": {"type": "plex", "users": {"a": "alice"}, **piece}}}
    whole = {"accounts": {"alice": {}, "bob": {}}, **piece, "simkl": {"client_id": "abc"}}
    loaded = load_text(yaml.safe_dump(whole), file_name="docs", env={}, source_models=installed)
    assert loaded.config.simkl.client_id == "abc"


def test_links_in_the_documentation_lead_to_files(tmp_path: Path):
    """No link to a page that is not there."""
    targets = re.findall(r"\]\(([^)#:]+)\)", DOCS.read_text())
    assert targets
    assert [target for target in targets if not (DOCS.parent / target).exists()] == []
