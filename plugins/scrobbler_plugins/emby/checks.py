"""What `scrobbler doctor` tries for an Emby source."""

from functools import partial

from scrobbler.api import CheckResult
from scrobbler.api.servers.checks import Words, check_server
from scrobbler.api.servers.mediabrowser.plugin import try_server
from scrobbler.api.servers.mediabrowser.server import MediaServer
from scrobbler_plugins.emby.options import EmbyOptions


async def check(options: EmbyOptions, server: MediaServer | None, source: str, *, listens: bool) -> list[CheckResult]:
    """Return one line for each thing that this source needs, in the order in which it is set up."""
    words = Words(
        product="Emby",
        server="an Emby server",
        hook=f"Settings → Notifications → Add Notification → Webhooks: http://HOST:PORT/hooks/{source}/<secret> (needs "
        "Premiere), all Playback events",
        key="api_key",
        keys_at="Settings → API Keys",
        gains="series are known by their ids",
        port=8096,
        filters=("libraries",),
    )
    asking = None if server is None else partial(try_server, words, options, server)
    return await check_server(words, options, listens=listens, asking=asking)
