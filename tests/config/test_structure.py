"""The file as YAML: keys, types, places, and files that are no configuration at all."""

import time
from pathlib import Path

import pytest
import yaml

from scrobbler.config.loader import load_file
from scrobbler.config.problems import ConfigError, Place
from scrobbler.config.syntax import TOO_DEEP, explain
from tests.config.support import BASE, KINDS, config, only, problems


def test_all_problems_come_at_once_in_the_order_of_the_file():
    """One run names every mistake, each with line, column, path, and what is allowed."""
    text = (
        "simkl: {client_id: abc, auht: pin}\n"
        "accounts:\n"
        "  alice: {watched_percent: 101}\n"
        "  alice: {}\n"
        "sources:\n"
        "  tv: {type: mpv, account: alcie}\n"
        "log: {level: loud}\n"
        "catch_up: 5\n"
    )
    assert problems(text) == [
        '1:25: simkl.auht: unknown key, did you mean "auth"? allowed are client_id, auth and api_url',
        '3:28: accounts.alice.watched_percent: is "101", it must be a number from 1 to 100',
        "4:3: accounts.alice: stands twice, the first is in line 3; once is allowed",
        '6:28: sources.tv.account: "alcie" is no account, did you mean "alice"? accounts are alice',
        '7:14: log.level: is "loud", it must be debug, error, info or warning',
        '8:11: catch_up: is "5", it must be a duration such as 90s, 5m, 1h, 14d or 1h30m, or 0, a number needs its unit',
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a:\n\tb: 1\n", "2:1: a tab, only spaces may indent"),
        ("a: 'x\nb: 2\n", "1:4: a quote opens here and is never closed"),
        ("a: b: c\n", "1:5: a `:` that cannot stand here"),
        ("a: {b\n", "2:1: a `{` or `[` is not closed"),
        ("a: [::1]:7465\n", '1:5: an address such as ::1 cannot be read here, put it in quotes: "::1"'),
        ("a: {b: ${X}}\n", "1:9: a `${NAME}` inside `{…}` or `[…]` cannot be read"),
        ("a: {*: b}\n", '1:6: a `*` that is no alias, put it in quotes: "*"'),
        ("a: *x\n", "1:4: a: `*x` refers to no `&x` above it"),
        ("a: @x\n", "1:4: a text cannot begin with this character"),
        ("a:\n    b: 1\n  c: 2\n", "3:3: this line is indented unlike its neighbours"),
        ("a: 1\nfoo\nb: 2\n", "3:1: the text above this has no `:`"),
        ('a: "\\q"\n', "1:5: a `\\` that begins no escape"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document begins here"),
        ("a: !!python/name:os.system x\n", '1:4: a: the tag "tag:yaml.org,2002:python/name:os.system" is not allowed'),
        ("a: \x01\n", "1:4: a control character (code 0x01)"),
        ("{? [x] : 1}\n", "1:4: a key must be plain text"),
        ("- a\n", "1:1: must be settings of the form `name: value`"),
        ("", "1:1: is empty, at least `simkl` and `accounts` are needed"),
        ("# nothing\n", "1:1: is empty, at least `simkl` and `accounts` are needed"),
        ("a: {<<: 1}\n", '1:9: a."<<": must name a mapping'),
    ],
)
def test_yaml_that_cannot_be_read_is_explained_in_plain_words(text: str, problem: str):
    """Each usual mistake of YAML has its own sentence and the place where it is."""
    assert any(found.startswith(problem) for found in problems(text))


def test_anchors_and_merge_keys_work():
    """A section written once can be used again, and a key beside `<<` wins."""
    text = BASE + (
        "sources:\n"
        "  one: &one {type: mpv, account: alice, paths: &films {include: [/films/*]}}\n"
        "  two: {<<: *one, account: bob}\n"
        "  three: {type: mpv, account: bob, paths: *films}\n"
    )
    sources = config(text).sources
    assert (sources["one"].account, sources["two"].account) == ("alice", "bob")
    assert [source.paths.include for source in sources.values()] == [("/films/*",)] * 3


def test_a_file_that_would_grow_without_end_is_refused_at_once():
    """Aliases of aliases ("billion laughs") are counted, not written out."""
    text = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True):
        text += f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n"
    before = time.perf_counter()
    assert only(text) == "5:4: has more than 50000 values once its aliases (`*name`) are written out"
    assert time.perf_counter() - before < 1


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "? " * 100_000, "a: &a [*a]"])
def test_nesting_without_end_is_refused_and_not_fatal(text: str):
    """Depth that would end the process in a recursive parser is one more error."""
    assert any(word in only(text) for word in ("nested too deep", "plain text", "refers to no"))


@pytest.mark.parametrize(
    ("text", "column"), [("[" * 52, 52), ("[" * 100_000, 52), ("['[[[', " + "[" * 51 + "@", 8 + 51)]
)
def test_a_line_of_brackets_is_refused_where_it_goes_too_deep(text: str, column: int):
    """The place is that of the bracket, whether libyaml's own limit is met first or ours."""
    assert only(text) == f"1:{column}: is nested too deep, at most 50 levels are read"


def test_depth_is_told_from_the_text_and_not_from_words_of_libyaml():
    """Whatever libyaml says where it gives up on depth, we say what is wrong; fifty brackets in quotes are no depth."""
    mark = yaml.Mark("c.yaml", 999, 0, 999, None, 0)
    error = yaml.MarkedYAMLError("while doing something", None, "words of tomorrow", mark)
    assert explain(error, "[" * 2000) == (Place(1, 52), TOO_DEEP)
    assert explain(error, f"'{'[' * 998}', [") == (Place(1, 1000), "is not valid YAML: words of tomorrow")


def test_a_huge_file_is_refused():
    """More than a million characters are not looked at."""
    assert only("#" * 1_100_000).endswith("has 1100000 characters, at most 1048576 are read")


def test_columns_count_characters():
    """Letters beyond ASCII before a mistake do not shift its column."""
    assert only(BASE + "ignore: {titles: [Ümläut, Ö], pahts: []}\n").startswith("3:31: ignore.pahts: unknown key")


def test_missing_sections_and_keys_are_named():
    """What every configuration needs is asked for by name."""
    assert problems("simkl: {}\n") == [
        "1:1: simkl.client_id: is missing, it must be a text",
        "1:1: accounts: is missing, it must be a mapping of names to values",
    ]


@pytest.mark.parametrize(
    ("addition", "problem"),
    [
        ("http: 7\n", '3:7: http: is "7", it must be a mapping with listen, hooks, status and trusted_proxies'),
        ("http: {listen: {}}\n", "3:16: http.listen: is a mapping, it must be a text or a list of texts"),
        ("ignore: {paths: x}\n", '3:17: ignore.paths: is "x", it must be a list of texts'),
        ("state_dir: [x]\n", "3:12: state_dir: is a list, it must be a text"),
        ("state_dir: ~\n", '3:12: state_dir: has no value; give it one, leave the key out, or put "~" in quotes'),
        ("ignore: {paths: [a, ]}\nlog: {level: }\n", "4:14: log.level: has no value; give it one, leave the key out"),
        (
            "watched_percent: [80]\n",
            "3:18: watched_percent: is a list, it must be a number from 1 to 100 or a mapping with movie and episode",
        ),
        (
            'watched_percent: "80"\n',
            '3:18: watched_percent: is "80", it must be a number from 1 to 100, without quotes',
        ),
        ("watched_percent: 0x50\n", '3:18: watched_percent: is "0x50", it must be a number from 1 to 100'),
        ("watched_percent: .nan\n", '3:18: watched_percent: is ".nan", it must be a number from 1 to 100'),
        (
            "sources: {tv: mpv}\n",
            "3:15: sources.tv: must be a mapping with at least `type`, types are events, mpv and plex",
        ),
        ("sources: []\n", "3:10: sources: must be a mapping of names to sources"),
        (
            "sources: {tv: {type: plex, users: {}, port: 70000}}\n",
            '3:45: sources.tv.port: is "70000", it must be a whole number from 1 to 65535',
        ),
        (
            "sources: {tv: {type: mpv, account: bob, sockets: []}}\n",
            "3:50: sources.tv.sockets: has 0 values, at least 1 are needed",
        ),
        ("sources: {tv: {type: mpv, account: bob, paths: }}\n", "3:48: sources.tv.paths: has no value"),
    ],
)
def test_wrong_types_say_what_is_allowed(addition: str, problem: str):
    """A value of the wrong kind is named together with the kinds that fit."""
    assert only(BASE + addition).startswith(problem)


def test_a_list_of_accounts_says_how_accounts_are_written():
    """The likeliest mistake with accounts is answered with an example."""
    assert only("simkl: {client_id: a}\naccounts: [alice]\n").endswith("for instance `alice: {}`")


def test_sections_whose_lines_are_commented_out_have_their_defaults():
    """A bare `http:` or `alice:` is as good as leaving it out."""
    loaded = config("simkl: {client_id: a}\naccounts:\n  alice:\nhttp:\nignore:\nlog:\nsources:\n")
    assert loaded == config("simkl: {client_id: a}\naccounts: {alice: {}}\n")


def test_what_a_plugin_model_refuses_by_itself_is_reported_at_its_source():
    """A model may check more than types; its sentence comes with the place of the source."""
    text = BASE + "sources:\n  tv: {type: mpv, account: bob, poll: 13s}\n"
    assert only(text) == "4:3: sources.tv: poll may not be unlucky"


class TestFiles:
    def test_a_missing_file_is_one_sentence(self, tmp_path: Path):
        """No traceback for a file that is not there."""
        with pytest.raises(ConfigError) as caught:
            load_file(tmp_path / "none.yaml", {}, KINDS)
        assert str(caught.value) == (
            f"{tmp_path}/none.yaml: cannot be read (no such file or directory), it must be a readable file"
        )

    def test_a_folder_is_one_sentence(self, tmp_path: Path):
        """No traceback for a folder in place of the file."""
        with pytest.raises(ConfigError, match=r"cannot be read \(is a directory\)"):
            load_file(tmp_path, {}, KINDS)

    def test_text_that_is_not_utf8_is_named_with_its_place(self, tmp_path: Path):
        """The first byte that is no UTF-8 is named by line and column."""
        path = tmp_path / "c.yaml"
        path.write_bytes(b"simkl:\n  client_id: caf\xe9\n")
        with pytest.raises(ConfigError) as caught:
            load_file(path, {}, KINDS)
        assert str(caught.value) == f"{path}:2:17: is not UTF-8 text (byte 0xe9), save it as UTF-8"

    def test_a_byte_order_mark_and_windows_line_ends_are_fine(self, tmp_path: Path):
        """A file saved by a Windows editor loads."""
        path = tmp_path / "c.yaml"
        path.write_bytes(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode())
        loaded = load_file(path, {}, KINDS)
        assert (loaded.file, list(loaded.config.accounts)) == (path, ["alice", "bob"])

    @pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o640, False)])
    def test_a_secret_in_a_file_that_all_can_read_is_warned_of(self, tmp_path: Path, mode: int, *, warned: bool):
        """The warning names the setting, never the secret."""
        path = tmp_path / "c.yaml"
        path.write_text(BASE + "http: {status: {token: 0123456789abcdefg}}\n")
        path.chmod(mode)
        warnings = [str(warning) for warning in load_file(path, {}, KINDS).warnings]
        assert bool(warnings) == warned
        assert all("http.status.token" in warning and "0123456789" not in warning for warning in warnings)
