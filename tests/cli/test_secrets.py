"""Secrets of hooks: configured or generated (contract.md 1.4)."""

import json
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scrobbler.api import HookOptions, SourceOptions
from scrobbler.sources.secrets import SecretsError, hook_secrets

PLAIN = HookOptions(type="plex")


def test_a_generated_secret_is_kept(tmp_path: Path):
    """A source without a secret gets one of 32 characters, the same for ever, readable by its owner alone."""
    folder = tmp_path / "state"
    (secret,) = hook_secrets(folder, "attic", PLAIN)
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", secret)
    assert hook_secrets(folder, "attic", PLAIN) == (secret,)
    assert hook_secrets(folder, "cellar", PLAIN) != (secret,)
    assert hook_secrets(folder, "attic", PLAIN) == (secret,)
    assert stat.S_IMODE((folder / "secrets.json").stat().st_mode) == 0o600


def test_configured_secrets_win(tmp_path: Path):
    """A configured secret is taken as it is, a list of two while rotating; nothing is generated."""
    assert hook_secrets(tmp_path, "attic", HookOptions(type="plex", secret="a" * 16)) == ("a" * 16,)
    two = HookOptions(type="plex", secret=["a" * 16, "b" * 16])
    assert hook_secrets(tmp_path, "attic", two) == ("a" * 16, "b" * 16)
    assert hook_secrets(tmp_path, "room", SourceOptions(type="mpv")) == ()
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_agree(tmp_path: Path):
    """Daemon and command line asking at the same time get the same secret."""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: hook_secrets(tmp_path, "attic", PLAIN), range(16)))
    assert len(found) == 1


def test_what_root_makes_belongs_to_the_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`sudo scrobbler doctor` must not lock the daemon out of its own secrets."""
    given: list[Path] = []
    monkeypatch.setattr("scrobbler.sources.secrets.keep_owner", lambda _handle, folder: given.append(folder))
    hook_secrets(tmp_path, "attic", PLAIN)
    assert given == [tmp_path, tmp_path]


@pytest.mark.parametrize("content", ["{", "[]", "\xff", json.dumps({"version": 9, "secrets": {}})])
def test_a_damaged_file_is_a_sentence(tmp_path: Path, content: str):
    """A file that cannot be understood is never overwritten."""
    path = tmp_path / "secrets.json"
    path.write_text(content, "latin-1")
    with pytest.raises(SecretsError, match=r"secrets\.json"):
        hook_secrets(tmp_path, "attic", PLAIN)
    assert path.read_text("latin-1") == content


def test_a_folder_that_cannot_be_written():
    """No place to keep it is a sentence that names the place."""
    with pytest.raises(SecretsError, match="/proc/nowhere"):
        hook_secrets(Path("/proc/nowhere"), "attic", PLAIN)
