"""What `scrobbler doctor` says of a source that others post to."""

from msgspec import UNSET

from scrobbler.api import CheckResult
from scrobbler_plugins.events.options import Options


def check(options: Options, source: str) -> list[CheckResult]:
    """Say how to post, and whether events have to name a user; nothing can ask a script whether it does."""
    who = "" if options.users is UNSET else "; each event must name its user"
    return [
        CheckResult(
            good=True,
            what=f"events: scripts must post to us; nothing can ask them whether they do{who}",
            advice=f"post JSON to http://HOST:PORT/hooks/{source}/<secret>; docs/players/events.md shows a line with curl, "
            f"and `scrobbler test {source}` prints each event as it is understood",
        )
    ]
