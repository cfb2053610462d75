"""The status page, and the door through which the HTTP server reaches the status."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from scrobbler.status import metrics as metric_lines
from scrobbler.status.formatting import moment, span
from scrobbler.status.ports import House
from scrobbler.status.report import StatusReport, as_json, report
from scrobbler.status.sentences import account_words, playing_words, source_words
from scrobbler.store import reading
from scrobbler.store.database import StorageError

if TYPE_CHECKING:
    from jinja2 import Template

PLAYS = 30


@cache
def _template() -> "Template":
    """Load the template when somebody first looks: a daemon nobody looks at does without Jinja2."""
    from jinja2 import Environment, StrictUndefined

    text = files("scrobbler.status").joinpath("templates", "status.html").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text)


class StatusPages:
    """Makes every answer about the status: page, JSON, metrics, health."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def page(self) -> str:
        """Make the status page, as HTML."""
        status = await report(self._house)
        reasons = {one.name: one.waits_for if one.linked else f"not linked: {one.parked}" for one in status.accounts}
        waiting = {name: reason for name, reason in reasons.items() if reason}
        try:
            plays = await self._house.read(lambda connection: reading.history(connection, PLAYS, waiting=waiting))
        except StorageError:
            plays = []
        return render(status, plays)

    async def report(self) -> bytes:
        """Make what `/api/status` answers, as JSON."""
        return as_json(await report(self._house))

    async def metrics(self) -> str:
        """Make what `/metrics` answers."""
        return await metric_lines.metrics(self._house)

    def faults(self) -> Sequence[str]:
        """List this daemon's own faults."""
        return self._house.faults()


def render(status: StatusReport, plays: Sequence[reading.PlaySummary]) -> str:
    """Write the page. Everything in it is escaped; links lead to simkl.com alone."""
    now = status.now_utc_ms
    return _template().render(
        status=status,
        plays=plays,
        now=now,
        moment=moment,
        span=span,
        account_words=account_words,
        source_words=source_words,
        playing_words=playing_words,
    )
