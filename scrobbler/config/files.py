"""Files that hold one secret each: the `_file` twins."""

import os
import stat
from pathlib import Path

from scrobbler.config.values import ValueProblemError

MAX_BYTES = 64 * 1024


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
