"""The token file: what is in it, and how it is read and written without ever being half there."""

import os
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

Generation: TypeAlias = Literal["V1", "V2"]
Plan: TypeAlias = Literal["free", "pro", "vip"]

FORMAT = 1


class Token(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What links one account of ours to one account at Simkl.

    A token works only with the `client_id` it was minted for (simkl-api.md 2.1). `expires_utc_ms` and `refresh_utc_ms`
    (when to renew it) are 0 where the token does not expire in our time: AUTH V1. `parked` says why Simkl last refused it
    for good; the token is kept, and unused, until the account is linked again. `replaces` is the account at Simkl whose
    waiting plays this link may have, because somebody said so; 0 for none.
    """

    generation: Generation
    client_id: str
    access: str
    refresh: str = ""
    expires_utc_ms: int = 0
    refresh_utc_ms: int = 0
    scope: str = ""
    account_id: int = 0
    name: str = ""
    plan: Plan = "free"
    linked_utc_ms: int = 0
    parked: str = ""
    replaces: int = 0

    def may_have(self, account_id: int) -> bool:
        """Say whether what waits for this account at Simkl may go out by this link."""
        return account_id in {self.account_id, self.replaces}

    def __repr__(self) -> str:
        return f"Token({self.generation}, account_id={self.account_id}, name={self.name!r}, secrets hidden)"


class _File(Struct, frozen=True, kw_only=True):
    version: int
    accounts: dict[str, Token] = {}


class _Version(Struct, frozen=True):
    version: int = 0


class TokenFileError(Exception):
    """The token file cannot be read or written. The text is one sentence for people."""


def load(path: Path) -> dict[str, Token]:
    """Read all tokens by account; none if there is no file. Raises TokenFileError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise TokenFileError(f"The token file {path} cannot be read: {error.strerror}.") from error
    damaged = f"The token file {path} is damaged; move it away and link the accounts again with `scrobbler auth`."
    try:
        version = msgspec.json.decode(content, type=_Version).version
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TokenFileError(damaged) from error
    if version > FORMAT:
        raise TokenFileError(
            f"The token file {path} was written by a newer scrobbler (format {version}, this one reads {FORMAT}); "
            "update scrobblerd or move the file away."
        )
    try:
        return msgspec.json.decode(content, type=_File).accounts
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TokenFileError(damaged) from error


def save(path: Path, tokens: dict[str, Token]) -> None:
    """Replace the file in one step: readable by its owner alone, and on the disk before this returns.

    Raises TokenFileError. The caller holds the lock of `Grants`, so that the temporary name is ours alone.
    """
    content = msgspec.json.format(msgspec.json.encode(_File(version=FORMAT, accounts=tokens)), indent=2) + b"\n"
    temporary = path.with_name(f".{path.name}.new")
    try:
        make_folder(path.parent)
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            keep_owner(file.fileno(), path.parent)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise TokenFileError(f"The token file {path} cannot be written: {error.strerror}.") from error


def check_writable(path: Path) -> None:
    """See whether the file could be written, before somebody signs in for nothing. Raises TokenFileError."""
    try:
        make_folder(path.parent)
    except OSError as error:
        raise TokenFileError(f"The token file {path} cannot be written: {error.strerror}.") from error
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise TokenFileError(f"The token file {path} cannot be written: this user may not write into {path.parent}.")


def make_folder(folder: Path) -> None:
    """Make the folder, for its owner alone, unless it is there."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def keep_owner(handle: int, folder: Path) -> None:
    """Give what root makes to the owner of the folder: `sudo scrobbler auth` must not lock the daemon out."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(handle, owner.st_uid, owner.st_gid)
