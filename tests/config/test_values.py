"""Single values: names, variables, secrets from files, durations."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrobbler.config.loader import Loaded, load_file, load_text
from scrobbler.config.problems import ConfigError
from scrobbler.config.values import expand, format_duration, parse_duration
from tests.config.support import BASE, KINDS, SECRET, ServerOptions, config, only, problems

ODD_NAMES = [
    "on",
    "yes",
    "No",
    "1",
    "null",
    "~",
    "2024-01-01",
    "1e3",
    "0x10",
    "1:30",
    "3.10",
    "=",
    "0o7",
    "true",
    "Jörg K.",
]


class TestNames:
    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_names_stay_the_text_that_stands_there(self, name: str):
        """Accounts, users, and the accounts named in sources are texts however YAML would read them."""
        loaded = config(
            f"simkl: {{client_id: a}}\naccounts:\n  {name}: {{}}\nsources:\n"
            f"  p:\n    type: plex\n    users:\n      {name}: {name}\n      other: [{name}]\n"
            f"  m:\n    type: mpv\n    account: {name}\n"
        )
        assert list(loaded.accounts) == [name]
        assert loaded.sources["p"].users == {name: name, "other": [name]}
        assert loaded.sources["m"].account == name

    def test_a_name_that_is_left_empty_is_an_error(self):
        """`account:` with nothing behind it names nobody."""
        assert only(BASE + "sources: {m: {type: mpv, account: }}\n").startswith("3:35: sources.m.account: has no value")

    def test_titles_that_look_like_numbers_are_texts(self):
        """The film 1917 can be ignored without quotes."""
        assert config(BASE + "ignore: {titles: [1917, On, 3.10]}\n").ignore.titles == ("1917", "On", "3.10")

    def test_a_quoted_asterisk_is_a_user(self):
        """`"*"` maps everybody else."""
        assert config(BASE + 'sources: {p: {type: plex, users: {"*": alice}}}\n').sources["p"].users == {"*": "alice"}


class TestVariables:
    def test_a_variable_is_taken_alone_and_inside_a_text(self):
        """`${NAME}` works wherever a value stands, for numbers and switches as well."""
        env = {"ID": "abc", "HOST": "plex", "PERCENT": "85", "YES": "true", "AGE": "7d", "LEVEL": "debug", "WHO": "bob"}
        text = (
            "simkl: {client_id: '${ID}'}\nwatched_percent: ${PERCENT}\ncatch_up: ${AGE}\nlog:\n  level: ${LEVEL}\n"
            "accounts:\n  alice:\n    rewatch: ${YES}\n  bob: {}\nsources:\n"
            "  p:\n    type: plex\n    users: {x: '${WHO}'}\n    url: http://${HOST}:32400\n"
        )
        loaded = config(text, env)
        assert (loaded.simkl.client_id, loaded.watched_percent, loaded.catch_up) == ("abc", 85, 7 * 86400)
        assert (loaded.accounts["alice"].rewatch, loaded.log.level) == (True, "debug")
        source = loaded.sources["p"]
        assert isinstance(source, ServerOptions)
        assert (source.url, source.users) == ("http://plex:32400", {"x": "bob"})

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("${NOPE}", "the environment variable NOPE is not set, it must have a value"),
            ("${EMPTY}", "the environment variable EMPTY is empty, it must have a value"),
            ("x${NOPE}y", "the environment variable NOPE is not set, it must have a value"),
            ("${A-B}", "a `${` must be followed by the name of a variable and `}`"),
            ("${OPEN", "a `${` must be followed by the name of a variable and `}`"),
            ("${}", "a `${` must be followed by the name of a variable and `}`"),
        ],
    )
    def test_a_variable_without_a_value_is_an_error_that_names_it(self, value: str, message: str):
        """Nothing is silently left empty."""
        found = only(f"simkl: {{client_id: '{value}'}}\naccounts: {{alice: {{}}}}\n", {"EMPTY": ""})
        assert found.startswith(f"1:20: simkl.client_id: {message}")

    def test_the_escape_gives_the_characters_themselves(self):
        """`$${` stands for `${`; a single dollar stays."""
        assert expand("a$${X}b $1 $${", {}) == "a${X}b $1 ${"

    def test_an_expanded_value_is_not_expanded_again(self):
        """What a variable holds is taken as it is."""
        assert expand("${A}", {"A": "${B}"}) == "${B}"

    @given(st.text(max_size=40))
    def test_escaping_every_dollar_brace_gives_any_text_back(self, text: str):
        """There is no text that cannot be written."""
        assert expand(text.replace("${", "$${"), {}) == text or "$${" in text

    def test_messages_show_the_variable_and_never_its_value(self):
        """A secret that landed in the wrong place is not printed."""
        found = only(BASE + "log: {level: '${TOKEN}'}\n", {"TOKEN": "very-secret"})
        assert "${TOKEN}" in found
        assert "very-secret" not in found


class TestVariablesFile:
    def load(self, folder: Path, env: dict[str, str]) -> str:
        (folder / "c.yaml").write_text("simkl: {client_id: '${ID}'}\naccounts: {alice: {}}\n")
        return load_file(folder / "c.yaml", env, KINDS).config.simkl.client_id

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("ID=abc\n", "abc"),
            ("# ID=no\n\n;ID=no\n ID = 'a b=c' \nOTHER=x", "a b=c"),
            ('ID="abc"\r\n', "abc"),
            ("ID=no\nID=last\nnonsense\n=x\n1D=x\n", "last"),
            ('ID="', '"'),
        ],
    )
    def test_what_the_unit_reads_counts_for_commands_as_well(self, tmp_path: Path, text: str, value: str):
        """A command that a person types knows the variables that systemd gives to the daemon; the environment itself wins."""
        (tmp_path / "environment").write_text(text)
        assert self.load(tmp_path, {}) == value
        assert self.load(tmp_path, {"ID": "here"}) == "here"

    def test_one_that_is_no_file_or_holds_nothing_changes_nothing(self, tmp_path: Path):
        """A folder or a pipe of that name is none, and an empty value is an error as ever."""
        for make in ("mkdir", "fifo", "ID=\n"):
            path = tmp_path / make.strip() / "environment"
            path.parent.mkdir()
            if make == "mkdir":
                path.mkdir()
            elif make == "fifo":
                os.mkfifo(path)
            else:
                path.write_text(make)
            with pytest.raises(ConfigError, match="variable ID is"):
                self.load(path.parent, {})


class TestSecretFiles:
    def load(self, folder: Path, addition: str) -> Loaded:
        return load_text(
            BASE + addition,
            file_name=str(folder / "c.yaml"),
            env={"DIR": str(folder), "HOME": str(folder)},
            source_models=KINDS,
        )

    def problem(self, folder: Path, addition: str) -> str:
        with pytest.raises(ConfigError) as caught:
            self.load(folder, addition)
        (problem,) = caught.value.problems
        return f"{problem.path}: {problem.message}"

    @pytest.mark.parametrize("name", ["token", "{}/token", "${{DIR}}/token", "~/token"])
    def test_the_content_counts_without_its_newline(self, tmp_path: Path, name: str):
        """The path may be relative to the file, full, with a variable or with `~`."""
        (tmp_path / "token").write_text("s3cret ${X}\n")
        (tmp_path / "token").chmod(0o600)
        loaded = self.load(
            tmp_path, f"sources: {{p: {{type: plex, users: {{a: alice}}, token_file: '{name.format(tmp_path)}'}}}}\n"
        )
        source = loaded.config.sources["p"]
        assert isinstance(source, ServerOptions)
        assert source.token == "s3cret ${X}"
        assert loaded.secret_files == (tmp_path / "token",)
        assert loaded.warnings == ()

    def test_a_list_of_files_serves_a_list_of_secrets(self, tmp_path: Path):
        """While a hook's secret is changed, both may come from files."""
        for name, secret in (("old", SECRET), ("new", SECRET[::-1])):
            (tmp_path / name).write_text(secret)
            (tmp_path / name).chmod(0o600)
        source = self.load(
            tmp_path, "sources: {p: {type: plex, users: {a: alice}, secret_file: [new, old]}}\n"
        ).config.sources["p"]
        assert isinstance(source, ServerOptions)
        assert source.secret == [SECRET[::-1], SECRET]

    def test_both_at_once_is_an_error(self, tmp_path: Path):
        """A secret and its twin contradict each other."""
        (tmp_path / "token").write_text("x")
        found = self.problem(tmp_path, "http: {status: {token: y, token_file: token}}\n")
        assert found == "http.status.token_file: stands beside `token` (line 3), only one of both is allowed"

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "cannot be read (no such file or directory)"),
            (b"", "is empty, it must hold the secret"),
            (b"\n", "is empty, it must hold the secret"),
            (b"\xff\xfe", "is not UTF-8 text"),
            (b"x" * 70_000, "is too large"),
        ],
    )
    def test_a_file_without_a_usable_secret_is_an_error(self, tmp_path: Path, content: bytes | None, message: str):
        """The path is named, the content never."""
        if content is not None:
            (tmp_path / "token").write_bytes(content)
        assert message in self.problem(tmp_path, "http: {status: {token_file: token}}\n")

    def test_a_folder_or_a_pipe_is_an_error_at_once(self, tmp_path: Path):
        """A pipe without a writer does not hold up the start."""
        os.mkfifo(tmp_path / "pipe")
        assert "is not a file" in self.problem(tmp_path, "http: {status: {token_file: pipe}}\n")
        assert "is not a file" in self.problem(tmp_path, "http: {status: {token_file: .}}\n")

    def test_a_file_that_everybody_can_read_is_warned_of(self, tmp_path: Path):
        """It works, and its owner learns what to do."""
        (tmp_path / "token").write_text("0123456789abcdef0")
        (tmp_path / "token").chmod(0o644)
        (warning,) = self.load(tmp_path, "http: {status: {token_file: token}}\n").warnings
        assert warning.path == "http.status.token_file"
        assert warning.message.endswith(f"`chmod o= {tmp_path}/token` mends it")

    def test_a_short_hook_secret_from_a_file_is_refused_by_its_own_key(self, tmp_path: Path):
        """The rules for secrets hold wherever they come from."""
        (tmp_path / "s").write_text("short")
        found = self.problem(tmp_path, "sources: {p: {type: plex, users: {a: alice}, secret_file: s}}\n")
        assert found.startswith("sources.p.secret_file: has 5 characters, at least 16 are needed")

    def test_a_twin_exists_for_secrets_alone(self):
        """`url_file` is an unknown key."""
        assert "unknown key" in only(BASE + "sources: {p: {type: plex, users: {a: alice}, url_file: x}}\n")


class TestDurations:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("90s", 90),
            ("5m", 300),
            ("1h", 3600),
            ("14d", 1209600),
            ("1h30m", 5400),
            ("0", 0),
            ("0s", 0),
            ("1d2h3m4s", 93784),
        ],
    )
    def test_durations_are_seconds(self, text: str, seconds: float):
        """Days, hours, minutes and seconds, in this order, and a bare 0."""
        assert parse_duration(text) == seconds

    @pytest.mark.parametrize("text", ["5", "m", "5 m", "-5m", "5ms", "30m1h", "1.5h", "5M", "1:30", "h", "1h30", "''"])
    def test_anything_else_is_refused_with_examples(self, text: str):
        """What has no clear meaning is not guessed."""
        assert "must be a duration such as 90s, 5m, 1h, 14d or 1h30m, or 0" in only(BASE + f"catch_up: {text}\n")

    def test_out_of_range_is_told_in_units(self):
        """The range is told as people write it."""
        found = only(BASE + "catch_up: 366d\n")
        assert found.endswith('is "366d", it must be a duration such as 90s, 5m, 1h or 14d from 0 to 365d')

    @given(st.integers(min_value=0, max_value=400 * 86400))
    def test_every_duration_comes_back_from_its_text(self, seconds: int):
        """Written and read again, a duration is the same."""
        assert parse_duration(format_duration(seconds)) == seconds


def test_a_home_directory_is_put_in_wherever_a_path_begins_with_it():
    """`~/` works in the state directory, in filters and in a plugin's own settings; not in names and secrets."""
    text = (
        "simkl: {client_id: a}\naccounts: {~/x: {}}\nstate_dir: ~/state\nignore: {paths: ['~/trash/*']}\nsources:\n"
        "  m: {type: mpv, account: ~/x, sockets: ['~/mpv/*.sock', '/a~/b'], paths: {include: ['~/films/*']}}\n"
    ).replace("~/x", "~x")
    loaded = config(text, {"HOME": "/home/me"})
    source = loaded.sources["m"]
    assert loaded.state_dir == "/home/me/state"
    assert loaded.ignore.paths == ("/home/me/trash/*",)
    assert getattr(source, "sockets") == ["/home/me/mpv/*.sock", "/a~/b"]  # noqa: B009 - a plugin's own field
    assert source.paths.include == ("/home/me/films/*",)
    assert source.account == "~x"


def test_secret_values_are_never_part_of_a_message():
    """Whatever is wrong with a secret, it is not printed."""
    found = problems(
        BASE
        + "sources:\n  p: {type: plex, users: {a: alice}, secret: hunter2, token: {hunter3: 1}, url: 'http://u:hunter4@x'}\n"
    )
    assert len(found) == 3
    assert not any("hunter" in problem for problem in found)
