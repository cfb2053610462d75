"""Where the file is found, where state is kept, and which percentage counts."""

from pathlib import Path

import pytest

from scrobbler.config.paths import find_file, state_dir
from scrobbler.config.problems import ConfigError
from scrobbler.config.thresholds import watched_percent
from tests.config.support import BASE, config, load


def put(path: Path) -> Path:
    """Make an empty file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


class TestFindFile:
    def test_the_places_are_tried_in_their_order(self, tmp_path: Path):
        """`-c`, $SCROBBLER_CONFIG, $CONFIGURATION_DIRECTORY, $XDG_CONFIG_HOME, each only when those before it are not set."""
        home = put(tmp_path / "home/.config/scrobbler/config.yaml")
        xdg = put(tmp_path / "xdg/scrobbler/config.yaml")
        unit = put(tmp_path / "unit/config.yaml")
        env = {"HOME": str(tmp_path / "home")}
        assert find_file(None, env) == home
        env["XDG_CONFIG_HOME"] = str(tmp_path / "xdg")
        assert find_file(None, env) == xdg
        env["CONFIGURATION_DIRECTORY"] = f"{tmp_path / 'nothing'}:{tmp_path / 'unit'}"
        assert find_file(None, env) == unit
        env["SCROBBLER_CONFIG"] = "/named/by/variable.yaml"
        assert find_file(None, env) == Path("/named/by/variable.yaml")
        assert find_file(Path("given.yaml"), env) == Path("given.yaml")

    def test_a_relative_xdg_folder_is_ignored(self, tmp_path: Path):
        """As the XDG specification says."""
        home = put(tmp_path / ".config/scrobbler/config.yaml")
        assert find_file(None, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "relative"}) == home

    def test_when_there_is_none_all_places_are_listed(self, tmp_path: Path):
        """One sentence says where was looked and what helps."""
        with pytest.raises(ConfigError) as caught:
            find_file(None, {"HOME": str(tmp_path), "CONFIGURATION_DIRECTORY": "/etc/unit"})
        text = str(caught.value)
        assert f"/etc/unit/config.yaml, {tmp_path}/.config/scrobbler/config.yaml, /etc/scrobbler/config.yaml" in text
        assert "config.example.yaml" in text

    def test_a_folder_that_may_not_be_looked_into(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """A file in somebody else's folder is meant, so that reading it says what is wrong."""

        def refuse(path: Path) -> None:
            raise PermissionError(path)

        monkeypatch.setattr(Path, "stat", refuse)
        assert find_file(None, {"HOME": str(tmp_path)}) == tmp_path / ".config/scrobbler/config.yaml"


class TestStateDir:
    @pytest.mark.parametrize(
        ("addition", "env", "expected"),
        [
            ("state_dir: /srv/s\n", {"STATE_DIRECTORY": "/var/lib/x"}, "/srv/s"),
            ("", {"STATE_DIRECTORY": "/var/lib/x:/var/lib/y", "XDG_STATE_HOME": "/xdg"}, "/var/lib/x"),
            ("", {"XDG_STATE_HOME": "/xdg"}, "/xdg/scrobbler"),
            ("", {"HOME": "/home/me"}, "/home/me/.local/state/scrobbler"),
            ("", {"HOME": "/home/me", "XDG_STATE_HOME": "relative"}, "/home/me/.local/state/scrobbler"),
        ],
    )
    def test_the_setting_then_systemd_then_xdg(self, addition: str, env: dict[str, str], expected: str):
        """The nearest word counts."""
        assert state_dir(config(BASE + addition), env) == Path(expected)


@pytest.mark.parametrize(
    ("general", "own", "movie", "episode"),
    [
        ("", "{}", 80, 80),
        ("watched_percent: 70\n", "{}", 70, 70),
        ("watched_percent: {movie: 70}\n", "{}", 70, 80),
        ("watched_percent: 70\n", "{watched_percent: 90.5}", 90.5, 90.5),
        ("watched_percent: 70\n", "{watched_percent: {movie: 95}}", 95, 70),
        ("watched_percent: {movie: 70, episode: 60}\n", "{watched_percent: {episode: 95}}", 70, 95),
    ],
)
def test_percentages_come_from_the_account_then_from_all(general: str, own: str, movie: float, episode: float):
    """What an account leaves open, the general setting says; what that leaves open is 80."""
    loaded = config(f"simkl: {{client_id: a}}\naccounts: {{alice: {own}}}\n{general}")
    assert watched_percent(loaded, "alice", "movie") == movie
    assert watched_percent(loaded, "alice", "episode") == episode


def test_an_account_that_is_gone_has_the_general_percentage():
    """A play that outlives its account still has a threshold."""
    assert watched_percent(config(BASE + "watched_percent: 70\n"), "gone", "movie") == 70


def test_the_sandbox_needs_no_simkl_section():
    """With `sandbox` the section is put aside, whatever it holds, and need not be there."""
    for section in ("", "simkl: {client_id: '…', api_url: nonsense, x: '${NOPE}'}\n"):
        loaded = load(section + "accounts: {alice: {}}\n", sandbox=True).config
        assert (loaded.simkl.client_id, loaded.simkl.auth) == ("sandbox", "auto")
