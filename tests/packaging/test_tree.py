"""The tree of files: links lead somewhere, commands exist, nothing private is written down."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

import scrobbler
from tests.packaging.conftest import ROOT

OTHERS = (
    ".git",
    ".venv*",
    ".*_cache",
    ".hypothesis",
    "__pycache__",
    "build",
    "dist",
    "run",
    "uv.lock",
    "*.egg-info",
    "*.pyc",
)
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md")),
]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
PRIVATE = re.compile(
    r"(?<![\w.])/(?:work|root|opt/pypi|opt/wheels)/|//[\w.-]*(?:pypi|pythonhosted|npmjs|registry|deb\.debian)[\w-]*[./]"
)


def _files(folder: Path = ROOT) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if any(fnmatch(path.name, other) for other in OTHERS):
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _text(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    """Each link of a page to another file, or to a heading, finds it."""
    page = ROOT / name
    prose = re.sub(r"(?s)```.*?```", "", _text(page))
    broken = []
    for target in LINK.findall(prose):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in _anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("name", PAGES)
def test_make_targets_exist(name: str) -> None:
    """Each `make …` that a page tells to type is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", _text(ROOT / "Makefile"), flags=re.MULTILINE))
    told = set(re.findall(r"(?:^|`)make ([a-z-]+)", _text(ROOT / name), flags=re.MULTILINE))
    assert told <= targets


def test_the_readme_shows_the_two_commands() -> None:
    """README tells the two commands that try everything and test everything."""
    text = _text(ROOT / "README.md")
    assert "make run" in text
    assert "make test" in text


def test_the_readme_leads_to_every_page() -> None:
    """Each page of the documentation can be reached from README, through links."""
    reached = {ROOT / "README.md"}
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        for target in LINK.findall(_text(page)):
            found = (page.parent / target.partition("#")[0]).resolve()
            if found.suffix == ".md" and found.is_file() and found not in reached:
                reached.add(found)
                waiting.append(found)
    assert {page for page in ROOT.glob("docs/**/*.md") if page not in reached} == set()


def test_the_changelog_knows_this_version() -> None:
    """The version of the package has its entry in the changelog, and it is the newest."""
    versions = re.findall(r"^## (\S+)", _text(ROOT / "CHANGELOG.md"), flags=re.MULTILINE)
    assert versions[0] == scrobbler.__version__


def test_nothing_of_a_machine_is_written_down() -> None:
    """No path of a developer's machine and no address of a package registry is in any file."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _files()
        for number, line in enumerate(_text(path).splitlines(), 1)
        if PRIVATE.search(line) and path != Path(__file__).resolve()
    ]
    assert found == []
