"""The secrets in the addresses of hooks: configured, or generated once and kept (contract.md 1.4)."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct, UnsetType

from scrobbler.api import SourceOptions
from scrobbler.simkl.tokens import keep_owner

FILE_NAME = "secrets.json"
FORMAT = 1

_BYTES = 24
"""24 random bytes are 32 characters that any address may contain."""


class SecretsError(Exception):
    """The file of generated secrets cannot be read or written. The text is one sentence for people."""


class _File(Struct, frozen=True, kw_only=True):
    version: int
    secrets: dict[str, str] = {}


def hook_secrets(state_dir: Path, source: str, options: SourceOptions) -> tuple[str, ...]:
    """Return the secrets that open a source's hook: the configured ones, else the one generated for it.

    None for options that have no `secret`. Generates and keeps one when first asked for. Raises SecretsError.
    """
    given: str | list[str] | UnsetType = getattr(options, "secret", "")
    if isinstance(given, str):
        return (given,) if given else ()
    if isinstance(given, list):
        return tuple(given)
    path = state_dir / FILE_NAME
    known = _load(path).get(source)
    if known:
        return (known,)
    with _alone(path):
        # Another process may have been faster; both must then use the same one.
        kept = _load(path)
        if not kept.get(source):
            kept = {**kept, source: secrets.token_urlsafe(_BYTES)}
            _save(path, kept)
        return (kept[source],)


def _load(path: Path) -> dict[str, str]:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SecretsError(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise SecretsError(
            f"{path} is damaged; move it away, and new secrets are made for the hooks (`scrobbler doctor` shows them)"
        ) from None
    if file.version > FORMAT:
        raise SecretsError(f"{path} was written by a newer scrobblerd; install that version again")
    return file.secrets


def _save(path: Path, kept: dict[str, str]) -> None:
    content = msgspec.json.format(msgspec.json.encode(_File(version=FORMAT, secrets=kept)), indent=2) + b"\n"
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            keep_owner(file.fileno(), path.parent)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise SecretsError(f"{path} cannot be written: {error.strerror}") from None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        keep_owner(handle, path.parent)
    except OSError as error:
        raise SecretsError(f"{path.parent} cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
