"""Wrong options get one clear sentence, before anything is followed."""

import time
from contextlib import nullcontext
from typing import Any

import pytest

from scrobbler.config.kinds import SourceKind
from scrobbler.config.loader import load_text
from scrobbler.config.problems import ConfigError
from scrobbler_plugins.logfile import Plugin
from scrobbler_plugins.logfile.formats.own import OwnFormat
from scrobbler_plugins.logfile.options import Options
from scrobbler_plugins.logfile.parse import Settings
from scrobbler_plugins.logfile.patience import search
from scrobbler_plugins.logfile.patterns import PatternError, compile_pattern

KINDS = {"logfile": SourceKind(options=Options, knows_users=None)}
GOOD = r"(?P<event>\w+) (?P<file>.+)"


def load(source: str) -> Any:
    text = f"simkl: {{client_id: abc}}\naccounts: {{alice: {{}}}}\nsources:\n  log:\n    type: logfile\n{source}"
    return load_text(text, file_name="config.yaml", env={}, source_models=KINDS).config.sources["log"]


def test_a_whole_source_is_loaded() -> None:
    """Every option in one example."""
    options = load(
        "    account: alice\n    path: [~/a.log, /b/*.log]\n    pattern: '(?P<event>\\w+) (?P<title>.+)'\n"
        "    words: {Opened: start, Closed: stop}\n    timezone: Europe/Berlin\n    silence: 5m\n"
    )
    assert isinstance(options, Options)
    assert options.words == {"Opened": "start", "Closed": "stop"}
    assert options.silence == 300


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("    path: /a.log\n", "exactly one of `format` and `pattern` must be given, one is missing"),
        (f"    path: /a.log\n    format: kodi\n    pattern: '{GOOD}'\n", "not both"),
        ("    path: []\n    format: kodi\n", "`path` must name at least one log file"),
        ("    path: /a.log\n    format: vlc\n", "vlc"),
        ("    path: /a.log\n    format: kodi\n    words: {a: start}\n", "`words` belongs to `pattern`"),
        (f"    path: /a.log\n    pattern: '{GOOD}'\n    words: {{a: begin}}\n", "begin"),
        ("    path: /a.log\n    pattern: '(?P<event>x'\n", "no regular expression"),
        ("    path: /a.log\n    format: kodi\n    timezone: Berlin\n", "'Berlin' is no time zone"),
        ("    path: /a.log\n    format: plex\n    url: http://plex:32400\n", "`url` and `token` belong together"),
        (
            "    path: /a.log\n    format: kodi\n    url: http://box:80\n    token: x\n",
            "`url` and `token` are for the formats plex, jellyfin and emby",
        ),
    ],
)
def test_wrong_options(source: str, message: str) -> None:
    """Each mistake is named with what is allowed, at the source's place in the file."""
    with pytest.raises(ConfigError) as caught:
        load(f"    account: alice\n{source}")
    assert message in str(caught.value)
    assert "sources.log" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "kodi"}, "does not tell who watches"),
        ({"format": "mpv"}, "does not tell who watches"),
        ({"format": "emby"}, "give `url` and `token` as well, or `account`"),
        ({"pattern": r"(?P<event>\w+) (?P<file>.*)"}, "needs the group"),
        ({"format": "kodi", "users": {"*": "alice"}}, ""),
        ({"format": "emby", "url": "http://emby:8096", "token": "k"}, ""),
        ({"format": "plex"}, ""),
        ({"pattern": [r"(?P<event>\w+) (?P<file>.*)", r"(?P<event>\w+) (?P<user>\w+) (?P<file>.*)"]}, ""),
    ],
)
def test_users_of_a_log_that_names_none(options: dict[str, Any], message: str) -> None:
    """Users whom no line can ever name are a mistake, and the message says what to give instead."""
    given = {"type": "logfile", "path": "/x", "users": {"alice": "alice"}, **options}
    with pytest.raises(ValueError, match=message) if message else nullcontext():
        Options(**given)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"(?P<file>.*)", "the group `(?P<event>…)` is missing"),
        (r"(?P<event>.*)", "a group `(?P<file>…)` or `(?P<title>…)` is missing"),
        (r"(?P<event>.*) (?P<flie>.*)", "the group 'flie' is not known; did you mean file?"),
        (r"(?P<event>[a-z", "no regular expression: unterminated character set at character 11"),
        (r"(?P<event>(a+)+)(?P<file>x)", "a repetition inside a repetition"),
        (r"(?P<event>x)(?P<file>(?:\w|\d+)*)", "a repetition inside a repetition"),
        (r"(?P<event>x)(?P<file>(?:a{2,}b?)*)", "a repetition inside a repetition"),
        ("(?P<event>x)(?P<file>y)" + "z" * 1000, "longer than 1000 characters"),
    ],
)
def test_wrong_patterns(pattern: str, message: str) -> None:
    """A pattern that cannot work, or that could take for ever, is refused with the reason."""
    with pytest.raises(
        PatternError, match=message.replace("(", r"\(").replace(")", r"\)").replace("?", r"\?").replace("+", r"\+")
    ):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", [GOOD, r"^\[(?P<time>[^\]]+)\] (?P<event>\w+): (?P<file>.+?)(?: at (?P<position>\d+(?:\.\d+)?)s)?$"]
)
def test_good_patterns(pattern: str) -> None:
    """What people write is taken."""
    assert compile_pattern(pattern).search("x y") is not None or "time" in pattern


def test_pattern_that_takes_too_long_for_a_line() -> None:
    """Many `.*` in a row may take minutes for one long line: it is passed over, and so are lines like it, at once."""
    pattern = r"(?P<time>.*) (?P<user>.*) (?P<event>.*) (?P<file>.*) (?P<position>.*)/(?P<duration>.*)"
    own = OwnFormat(Settings(patterns=(pattern,), search=search))
    assert [said.kind for said in own.feed("12:00 alice start a.mkv 5/100", 0)] == ["play"]
    assert own.trouble == ""
    began_s = time.process_time()
    for _ in range(50):
        assert list(own.feed("word " * 390, 0)) == []
    assert time.process_time() - began_s < 20
    assert "1950 characters" in own.trouble
    assert [said.kind for said in own.feed("12:00 alice stop a.mkv 5/100", 0)] == ["stop"]


def test_plugin_takes_users_or_an_account() -> None:
    """Some logs say who watches, others do not."""
    assert Plugin.users_optional
    assert Plugin.Options is Options
