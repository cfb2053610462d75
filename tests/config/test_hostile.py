"""No text, however strange, ends in a traceback. Values are written as JSON, which is YAML."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from scrobbler.config.loader import Loaded
from scrobbler.config.problems import ConfigError
from tests.config.support import load

KNOWN = (
    "simkl client_id accounts alice sources type plex mpv events users account secret secret_file token watched_percent "
    "movie http listen hooks status allow ignore paths include titles shorter_than catch_up log level "
    "<< * &a *a ~ null on 80 80.5 -1 1e999 0x10 5m ${HOME} ${ $${ !!str !x | > ' \" : - , { } [ ] ? # @ % "
    "127.0.0.1:1 [::1]:1 ::/0"
)
WORDS = st.sampled_from([*KNOWN.split(" "), "\t", "é", "😀", "\u2028", "\x85", "\ufeff", "\0"])
LINES = st.lists(st.tuples(st.integers(0, 4), st.lists(WORDS, max_size=6), st.booleans()), max_size=12)


def outcome(text: str) -> Loaded | ConfigError:
    """Load a text, or give its error."""
    try:
        return load(text)
    except ConfigError as error:
        return error


def judge(text: str) -> None:
    """Whatever came out is a configuration or problems with a place in the file."""
    found = outcome(text)
    if isinstance(found, ConfigError):
        assert found.problems
        lines = text.count("\n") + 2 + text.count("\x85") + text.count("\u2028") + text.count("\r")
        assert all(0 <= problem.line <= lines and "\n" not in str(problem) for problem in found.problems)


@settings(max_examples=400, deadline=None)
@given(LINES)
def test_heaps_of_words_are_answered(lines: list[tuple[int, list[str], bool]]):
    """Lines of words that mean something, in any order, give problems and nothing worse."""
    judge("\n".join("  " * depth + " ".join(words) + (":" if key else "") for depth, words, key in lines))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_answered(text: str):
    """Any characters at all give problems and nothing worse."""
    judge(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["simkl", "accounts", "sources", "http", "watched_percent", "ignore", "log", "catch_up", "state_dir"]
        ),
        VALUES,
    ),
    st.dictionaries(
        st.sampled_from(
            ["type", "users", "account", "secret", "secret_file", "token", "paths", "sockets", "port", "poll", "url"]
        ),
        VALUES,
    ),
    st.sampled_from(["plex", "mpv", "events", "none"]),
)
def test_any_values_in_known_places_are_answered(top: dict[str, object], source: dict[str, object], kind: str):
    """Values of every kind under the keys that exist give problems and nothing worse."""
    judge(json.dumps({"sources": {"x": {"type": kind, **source}}, **top}, default=str))
