"""The configuration as others see it: `scrobbler config` and `scrobbler schema`."""

import json
from pathlib import Path

import pytest
import yaml
from msgspec import structs

from scrobbler.config.effective import MASK, effective_yaml
from scrobbler.config.loader import Loaded
from scrobbler.config.schema import json_schema
from scrobbler.config.typeinfo import fields_of, keys_of
from scrobbler.sources.registry import kinds
from tests.config.judge import faults
from tests.config.support import BASE, KINDS, ROOT, SECRET, config, load, problems

FULL = BASE + (
    "state_dir: /srv/state\nwatched_percent: {movie: 85.5, episode: 80}\ncatch_up: 1h30m\nignore: {titles: [1917]}\n"
    f"http: {{listen: [127.0.0.1:1], status: {{token: topsecret-{SECRET}}}}}\nsources:\n"
    f"  plex: {{type: plex, users: {{a: alice, B: [bob], c: []}}, secret: [one-{SECRET}, two-{SECRET}], token: three, url: http://x}}\n"
    "  tv: {type: mpv, account: [alice, bob], sockets: [/run/*.sock], poll: 7s, paths: {include: [/films/*]}}\n"
)
ENV = {"HOME": "/home/me"}


def masked_away(loaded: Loaded) -> Loaded:
    """Take out what masks hide, so that the rest can be compared."""
    plex = loaded.config.sources["plex"]
    for name in ("secret", "token"):
        setattr(plex, name, None)
    status = structs.replace(loaded.config.http.status, token="")
    http = structs.replace(loaded.config.http, status=status)
    return structs.replace(loaded, config=structs.replace(loaded.config, http=http))


class TestEffective:
    def test_no_secret_is_shown_and_the_source_file_is(self):
        """Secrets, alone and in lists, become asterisks; the first line names the file."""
        text = effective_yaml(load(FULL), ENV)
        assert text.startswith("# from c.yaml\n")
        assert SECRET not in text
        assert "three" not in text
        shown = yaml.safe_load(text)
        assert shown["sources"]["plex"]["secret"] == [MASK, MASK]
        assert shown["http"]["status"]["token"] == MASK

    def test_an_empty_secret_is_shown_as_empty(self):
        """Whether a token is set can be seen."""
        assert yaml.safe_load(effective_yaml(load(BASE), ENV))["http"]["status"]["token"] == ""

    def test_defaults_are_filled_in_and_durations_are_readable(self):
        """All that counts is there, as the file would have it."""
        shown = yaml.safe_load(effective_yaml(load(BASE), ENV))
        assert (shown["catch_up"], shown["ignore"]["shorter_than"]) == ("14d", "5m")
        assert shown["state_dir"] == "/home/me/.local/state/scrobbler"
        assert shown["simkl"]["auth"] == "auto"

    def test_what_is_shown_loads_as_the_same_configuration(self):
        """Apart from masks, the output is a good configuration with the same meaning."""
        first = load(FULL)
        text = effective_yaml(first, ENV).replace(MASK, SECRET, 1).replace(MASK, SECRET[::-1], 1)
        again = load(text.replace(MASK, SECRET))
        assert masked_away(again).config == masked_away(first).config

    def test_a_password_in_an_address_is_masked(self):
        """Even where no secret is expected."""
        text = effective_yaml(load(BASE + "ignore: {paths: ['smb://me:hidden@nas/x']}\n"), ENV)
        assert "hidden" not in text
        assert f"smb://me:{MASK}@nas/x" in text


class TestSchema:
    schema = json_schema(KINDS)

    def faults(self, text: str) -> list[str]:
        return faults(yaml.safe_load(text), self.schema, self.schema)

    def test_it_is_plain_json_of_the_right_draft(self):
        """Editors recognise it."""
        assert json.loads(json.dumps(self.schema)) == self.schema
        assert self.schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"

    @pytest.mark.parametrize(
        "addition",
        [
            "",
            "http:\nlog:\nignore: {titles: [1917], shorter_than: 0}\n",
            "sources: {x: {type: plex, users: {on: alice, 1: [bob]}, token_file: /t, secret_file: [a, b]}}\n",
            "sources: {x: {type: events, account: 1}}\nwatched_percent: ${P}\ncatch_up: 1h30m\n",
        ],
    )
    def test_good_files_are_good(self, addition: str):
        """What the loader takes, the schema takes."""
        assert self.faults(BASE + addition) == []

    def test_the_full_file_is_good(self):
        """Every kind of value is described."""
        assert self.faults(FULL) == []

    def test_the_example_is_good(self):
        """With the schema of the real types an editor finds no fault in the example."""
        text = (ROOT / "config.example.yaml").read_text()
        schema = json_schema(kinds())
        assert faults(yaml.safe_load(text), schema, schema) == []

    @pytest.mark.parametrize(
        "addition",
        [
            "nonsense: 1\n",
            "watched_percent: 0\n",
            "watched_percent: '80'\n",
            "watched_percent: {film: 80}\n",
            "catch_up: 5\n",
            "catch_up: 5x\n",
            "log: {level: loud}\n",
            "http: {status: {token: a, token_file: b}}\n",
            "sources: {x: {type: plx}}\n",
            "sources: {x: {account: bob}}\n",
            "sources: {x: {type: mpv}}\n",
            "sources: {x: {type: mpv, account: bob, users: {a: bob}}}\n",
            "sources: {x: {type: plex, account: bob}}\n",
            "sources: {x: {type: plex, users: {a: bob}, account: bob}}\n",
            "sources: {x: {type: events, account: bob, users: {a: bob}}}\n",
            "sources: {x: {type: mpv, account: bob, url: http://x}}\n",
            "sources: {x: {type: plex, users: {a: bob}, url: nowhere}}\n",
            "sources: {x: {type: plex, users: {a: bob}, port: 0}}\n",
            "sources: {x: {type: mpv, account: bob, sockets: []}}\n",
            "sources: {x y: {type: mpv, account: bob}}\n",
        ],
    )
    def test_bad_files_are_bad(self, addition: str):
        """What the loader refuses by its shape, the schema refuses."""
        assert self.faults(BASE + addition) != []
        assert problems(BASE + addition) != []

    def test_every_setting_has_a_description_and_its_default(self):
        """An editor shows what the documentation says."""
        properties = self.schema["properties"]
        assert properties["catch_up"]["default"] == "14d"
        assert properties["http"]["properties"]["listen"]["default"] == "127.0.0.1:7465"
        for setting in fields_of(type(config(BASE))):
            assert properties[setting.name]["description"], setting.name
        for name, kind in KINDS.items():
            described = self.schema["$defs"][f"source-{name}"]["properties"]
            assert all(described[key].get("description") for key in described)
            assert set(keys_of(kind.options)) - set(described) <= {"account", "users"}


def test_the_folder_of_the_file_is_where_relative_secret_files_are(tmp_path: Path):
    """The schema and the loader agree on the twin of a secret in a list."""
    (tmp_path / "t").write_text(SECRET)
    assert "token_file" in keys_of(KINDS["plex"].options)
    assert "url_file" not in keys_of(KINDS["plex"].options)
