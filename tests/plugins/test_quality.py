"""All sources that come with the daemon are of one make, and say the same of themselves (docs/players/README.md)."""

import ast
import re
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from scrobbler.api import SourceOptions, SourcePlugin, Traits
from scrobbler.plays import timeouts

ROOT = Path(__file__).parents[2]
PLAYERS = ROOT / "docs" / "players"
NAMES = sorted(
    point.name
    for point in entry_points(group="scrobbler.plugins")
    if point.dist is not None and point.dist.name == "scrobblerd"
)
FILES = ("__init__", "plugin", "options", "parse", "checks")
"""What every plugin consists of; more modules as it needs them."""
PURE = ("parse", "sessions", "items", "fields")
"""Modules that do no I/O, wherever a plugin has them, and with them every module that they import."""
OUTSIDE = frozenset(
    [
        "asyncio",
        "concurrent",
        "ctypes",
        "dbus_fast",
        "fcntl",
        "glob",
        "http",
        "httpx",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "requests",
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "socketserver",
        "sqlite3",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "watchdog",
        "websockets",
    ]
)
"""What reaches for files, the network, clocks, threads or the log."""
ROW = re.compile(r"^\| (?P<point>[^|]+?) \| (?P<state>[^|]+?) \|$", re.MULTILINE)


def rows(page: str) -> list[tuple[str, str]]:
    """Return the rows of the table under `## Quality`, without its head."""
    text = (PLAYERS / page).read_text(encoding="utf-8")
    section = re.search(r"^## Quality\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, f"{page} has no section `## Quality`"
    return [(row["point"], row["state"]) for row in ROW.finditer(section.group(1)) if set(row["point"]) != {"-"}][1:]


SHARED = Path(str(import_module("scrobbler.api.servers").__file__)).parent
POINTS = [point for point, _ in rows("README.md")]


def loaded(name: str) -> type[SourcePlugin]:
    """Return a plugin of ours."""
    plugin: type[SourcePlugin] = import_module(f"scrobbler_plugins.{name}").Plugin
    return plugin


def folder(name: str) -> Path:
    """Return where a plugin lies, in the checkout or installed."""
    file = import_module(f"scrobbler_plugins.{name}").__file__
    assert file is not None
    return Path(file).parent


def test_every_plugin_has_its_page_and_every_page_its_plugin() -> None:
    """A player without a page, and a page that nothing belongs to, are both wrong."""
    assert {page.stem for page in PLAYERS.glob("*.md")} - {"README"} == set(NAMES)


def test_the_points_are_explained() -> None:
    """The list of points is where the pages take them from, each once and with a sentence."""
    assert len(POINTS) == len(set(POINTS)) > 20
    assert all(len(words.split()) >= 3 for _, words in rows("README.md"))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_answers_every_point(name: str) -> None:
    """Each point of quality has its row, in the order of the list, and is done, or exempt with a reason of some words."""
    table = rows(f"{name}.md")
    assert [point for point, _ in table][: len(POINTS)] == POINTS
    for point, state in table:
        assert re.fullmatch(r"done(: \S.*)?|exempt: \S+( \S+){2,}", state), f"{point}: {state}"


@pytest.mark.parametrize("name", NAMES)
def test_the_indexes_name_it(name: str) -> None:
    """The index of players lists it under its type, README leads to its page, and the example shows how it is configured."""
    assert re.search(rf"^\| `{name}` \|.*\]\({name}\.md\) \|$", (PLAYERS / "README.md").read_text(), re.MULTILINE)
    assert f"](docs/players/{name}.md)" in (ROOT / "README.md").read_text()
    assert re.search(rf"^ *#?type: {name}\b", (ROOT / "config.example.yaml").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_it_consists_of_the_same_files(name: str) -> None:
    """Whoever knows one plugin finds everything in the next: the same names, with tests in the folder of its name."""
    assert {file.stem for file in folder(name).glob("*.py")} >= set(FILES)
    assert list((ROOT / "tests" / "plugins" / name).glob("test_*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_it_says_itself_what_it_is(name: str) -> None:
    """Traits, options and the self-check are its own, not what a base class happens to have."""
    plugin = loaded(name)
    assert isinstance(plugin.__dict__["traits"], Traits)
    assert issubclass(plugin.__dict__["Options"], SourceOptions)
    assert plugin.check is not SourcePlugin.check
    traits = plugin.traits
    assert 0 < traits.quiet_s < traits.close_s
    assert 0 <= traits.richness <= 100


PATIENCE: dict[tuple[bool, float, float], str] = {
    (True, 60, 30 * 60): "1 minute | 30 minutes more",
    (True, 90, 30 * 60): "1½ minutes | 30 minutes more",
    (False, 15 * 60, 6 * 3600): "the rest of the film, and 15 minutes | 6 hours more",
}


@pytest.mark.parametrize("name", NAMES)
def test_its_patience_is_documented(name: str) -> None:
    """docs/rules.md tells for each type after which silence a play is paused, and closed, as its traits have it (rule 10)."""
    lines = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8").splitlines()
    (limits,) = [line.split(" | ", 1)[1] for line in lines if line.startswith("| `") and f"`{name}`" in line]
    traits = loaded(name).traits
    assert limits == f"{PATIENCE[traits.ticks, traits.quiet_s, traits.close_s]} |"


def test_the_patience_with_those_who_tick_is_documented() -> None:
    """The other lines of that table are the limits of the code."""
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert (timeouts.TICKING_QUIET_MS, timeouts.RHYTHMS, timeouts.TICKING_CLOSE_MS) == (2 * 60_000, 2, 30 * 60_000)
    assert "| 2 minutes, or twice their usual gap | 30 minutes more |" in text
    assert (timeouts.PAUSED_CLOSE_MS, timeouts.PAUSED_COUNTED_MS) == (24 * 3_600_000, 30 * 60_000)
    assert "| it is already | a day; half an hour where its server counts it already |" in text


def imports_of(path: Path, package: str) -> set[str]:
    """Return the modules that a module imports, wherever in it; `package` is the one that it lies in."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively, in {package}"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def file_of(module: str, name: str) -> Path | None:
    """Return the file of a module of a plugin, or of what servers share; None for others and for names inside of modules."""
    for prefix, place in ((f"scrobbler_plugins.{name}.", folder(name)), ("scrobbler.api.servers.", SHARED)):
        if module.startswith(prefix):
            path = place.joinpath(*module.removeprefix(prefix).split("."))
            break
    else:
        return None
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@pytest.mark.parametrize("name", NAMES)
def test_parsing_is_apart_from_io(name: str) -> None:
    """What reads a player's language touches neither files nor network nor clocks, and waits for nothing."""
    waiting = [f"scrobbler_plugins.{name}.{module}" for module in PURE]
    if (folder(name) / "formats").is_dir():
        waiting += [f"scrobbler_plugins.{name}.formats.{file.stem}" for file in (folder(name) / "formats").glob("*.py")]
    seen: set[Path] = set()
    while waiting:
        path = file_of(waiting.pop(), name)
        if path is None or path in seen:
            continue
        seen.add(path)
        imported = imports_of(path, name)
        waiting += imported
        reached = {module for module in imported if module.split(".")[0] in OUTSIDE and module != "os.path"}
        assert not reached, f"{path.name} imports {sorted(reached)}"
        assert "scrobbler.api.connection" not in imported, f"{path.name} connects"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)], path.name
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call, ast.Name) and call.id in ("open", "print", "input")]
    assert folder(name) / "parse.py" in seen


@pytest.mark.parametrize("name", NAMES)
def test_it_imports_nothing_heavy_before_it_runs(name: str) -> None:
    """What only a running source needs is loaded when it runs: a type that nobody configured costs no memory."""
    heavy = {"watchdog", "websockets", "httpx", "dbus_fast", "ssl", "sqlite3", "xml.etree.ElementTree"}
    for file in folder(name).rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            found = [module for module in modules if module in heavy or module.split(".")[0] in heavy]
            assert not found, f"{file.name} imports {found} at its top"
