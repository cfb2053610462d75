"""Reading what the webhook plugin sends: JSON, or what a template printed (players.md 2.2, 2.3)."""

import re
from collections.abc import Iterator

from scrobbler.api.escapes import unescaped
from scrobbler.api.servers.mediabrowser.fields import MediaFields

_CLOCK = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?")


class HookFields(MediaFields):
    """One notification: a JSON object, or the fields of a form.

    A template prints every value as a string, a missing one as "", and may escape for HTML; all of that reads like the
    plain value.
    """

    def text(self, key: str) -> str:
        """Return a string, or a number written as one; "" when there is none."""
        return unescaped(super().text(key)).strip()

    def name(self, key: str) -> str:
        r"""Return a name. The plugin itself writes `\"` for each quote, before JSON does it again (players.md 2.3)."""
        return self.text(key).replace('\\"', '"')

    def ticks_ms(self, key: str) -> int | None:
        """Return a number of ticks above zero in ms; zero is how the plugin writes "unknown"."""
        return super().ticks_ms(key) or None

    def clock_ms(self, key: str) -> int | None:
        """Return a time written as `00:12:25` in ms; zero as with ticks."""
        found = _CLOCK.fullmatch(self.text(key))
        if found is None:
            return None
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 or None

    def starting(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield the rest of each key that begins so, and its text."""
        start = prefix.lower()
        return ((key.removeprefix(start), text) for key, text in self.pairs() if key.startswith(start))
