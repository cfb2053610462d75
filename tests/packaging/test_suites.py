"""The list of suites that need programs from outside is complete."""

import re
import tomllib

from tests.packaging.conftest import ROOT

SUITES = tomllib.loads((ROOT / "tools" / "suites.toml").read_text(encoding="utf-8"))["suite"]
LISTED = {test for suite in SUITES for test in suite["tests"]}


def test_the_listed_tests_exist() -> None:
    """Each file and each test that the list names is there."""
    for listed in LISTED:
        path, _, name = listed.partition("::")
        assert (ROOT / path).exists(), listed
        assert not name or f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), listed


def test_whoever_drives_a_program_is_listed() -> None:
    """Each module with a test marked `real` or `heavy` is in the list, which says what it needs to run."""
    listed = tuple(test.partition("::")[0] for test in LISTED)
    marked = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").glob("**/test_*.py")
        if re.search(r"pytest\.mark\.(?:real|heavy)\b", path.read_text(encoding="utf-8"))
    }
    marked.discard("tests/packaging/test_suites.py")
    assert {path for path in marked if not path.startswith(listed)} == set()


def test_a_suite_has_a_known_target() -> None:
    """Each suite belongs to a make target that runs tests."""
    assert {suite["target"] for suite in SUITES} == {"test", "test-all"}
    assert all(bool(suite["programs"]) == bool(suite["packages"]) for suite in SUITES)
