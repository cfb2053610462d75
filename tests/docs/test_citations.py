"""Every citation in code, tests and documentation names a section that exists."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = {
    "simkl-api.md": REFERENCE / "simkl-api.md",
    "players.md": REFERENCE / "players.md",
    "contract.md": REFERENCE / "contract.md",
}

_HEADING = re.compile(r"^#{2,} ([0-9]+(?:\.[0-9]+)*)\.? ", re.MULTILINE)
_POINT = re.compile(r"^\|? ?([0-9]+)(?:\.| \|) ")
_SECTIONS = r"[0-9]+(?:\.[0-9]+)*(?:(?:, | and | to )[0-9]+(?:\.[0-9]+)*)*"
_CITED = re.compile(rf"\b(simkl-api\.md|players\.md|contract\.md),? ({_SECTIONS})")
_RULES = re.compile(r"(?:rules\.md |\(|, |; )?\b[Rr]ules? ([0-9]+(?:(?:, | and | to )[0-9]+)*)\b(?!\.[0-9])")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def sections(text: str) -> set[str]:
    """List the sections of a page, and the numbered points of each: section 1.6, point 2 is `1.6.2`."""
    found: set[str] = set()
    here = ""
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            here = heading.group(1)
            found.add(here)
            continue
        point = _POINT.match(line)
        if point and here:
            found.add(f"{here}.{point.group(1)}")
    return found


def rules() -> set[str]:
    """List the numbers of the rules."""
    text = (ROOT / "docs" / "rules.md").read_text("utf-8")
    part = text[text.index("## The rules") : text.index("## The table")]
    return set(re.findall(r"^([0-9]+)\. ", part, re.MULTILINE))


def pages() -> list[Path]:
    """List everything that may cite: what git tracks, or all sources where this is no checkout."""
    endings = {".py", ".md", ".toml", ".sh", ".yaml"}
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        found = [ROOT / name for name in listed.splitlines()]
    except (OSError, subprocess.CalledProcessError):
        places = ("scrobbler", "plugins", "tests", "bench", "tools", "docs")
        found = [path for place in places for path in (ROOT / place).rglob("*")]
    return sorted(path for path in found if path.suffix in endings and path.is_file() and path != Path(__file__))


def test_every_section_that_is_cited_exists() -> None:
    """`players.md 1.6.2` leads to section 1.6, point 2, of docs/reference/players.md."""
    known = {name: sections(path.read_text("utf-8")) for name, path in PAGES.items()}
    wrong = [
        f"{path.relative_to(ROOT)}: {name} {number}"
        for path in pages()
        for name, numbers in _CITED.findall(path.read_text("utf-8"))
        for number in _NUMBER.findall(numbers)
        if number not in known[name]
    ]
    assert not wrong


def test_every_rule_that_is_cited_exists() -> None:
    """`(rule 4)` leads to a rule of docs/rules.md."""
    known = rules()
    assert known == {str(number) for number in range(1, len(known) + 1)}
    wrong = [
        f"{path.relative_to(ROOT)}: rule {number}"
        for path in pages()
        if path.parent != REFERENCE
        for numbers in _RULES.findall(path.read_text("utf-8"))
        for number in _NUMBER.findall(numbers)
        if number not in known
    ]
    assert not wrong


@pytest.mark.parametrize("word", ["design" + ".md", "the first " + "plan", "../" + "shared"])
def test_nothing_is_cited_that_is_not_in_the_house(word: str) -> None:
    """Documents that are not in the repository explain nothing to who reads it."""
    assert [str(path.relative_to(ROOT)) for path in pages() if word in path.read_text("utf-8")] == []


def test_points_are_found() -> None:
    """Numbered lists and numbered table rows are points of the section that they stand in."""
    text = "## 1. A\n1. one\n2. two\n### 1.6 B\n1. one\n## 14. C\n| 3 | three |\n"
    assert sections(text) == {"1", "1.1", "1.2", "1.6", "1.6.1", "14", "14.3"}
