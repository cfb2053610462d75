"""Files beside the configuration: the `_file` twins, which hold one secret each, and the variables of `${NAME}`."""

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from scrobbler.config.values import ValueProblemError

MAX_BYTES = 64 * 1024
VARIABLES_NAME = "environment"

_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)[ \t]*=(.*)")


def read_variables(folder: Path) -> dict[str, str]:
    """Read the file `environment` of a folder as systemd's `EnvironmentFile` does: one NAME=value a line, perhaps in quotes.

    So the commands that a person types know what the unit gives to the daemon. None if it is missing or cannot be read.
    """
    content = b""
    with suppress(OSError, ValueError):
        descriptor = os.open(folder / VARIABLES_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                content = os.read(descriptor, MAX_BYTES)
        finally:
            os.close(descriptor)
    found = {}
    for line in content.decode("utf-8", "replace").splitlines():
        if match := _LINE.fullmatch(line.strip()):
            value = match[2].strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            found[match[1]] = value[1:-1] if quoted else value
    return found


class SecretFiles:
    """Reads secret files; `seen` lists them, so that a change of one can be noticed as well.

    A relative path counts from `base`, the folder of the configuration file.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.seen: list[Path] = []

    def read(self, name: str) -> tuple[str, str]:
        """Return the content without its trailing newline, and a warning or nothing. Raises ValueProblemError."""
        path = self.base / name
        if path not in self.seen:
            self.seen.append(path)
        try:
            # Without O_NONBLOCK a pipe would hold up the start for ever.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                mode = os.fstat(descriptor).st_mode
                if not stat.S_ISREG(mode):
                    raise ValueProblemError(f"{path} is not a file, it must be a file with the secret in it")
                content = os.read(descriptor, MAX_BYTES + 1)
            finally:
                os.close(descriptor)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = (getattr(error, "strerror", "") or "no such path").lower()
            raise ValueProblemError(f"{path} cannot be read ({reason}), it must be a readable file") from None
        if len(content) > MAX_BYTES:
            raise ValueProblemError(f"{path} is too large, a secret has at most {MAX_BYTES} bytes")
        try:
            text = content.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise ValueProblemError(f"{path} is not UTF-8 text") from None
        if not text:
            raise ValueProblemError(f"{path} is empty, it must hold the secret")
        others = mode & stat.S_IROTH
        return text, f"{path} can be read by everybody on this machine; `chmod o= {path}` mends it" if others else ""
