"""What `scrobbler doctor` tries for a Jellyfin source."""

from msgspec.structs import replace

from scrobbler.api import CheckResult
from scrobbler.api.servers.checks import Words, check_server
from scrobbler.api.servers.mediabrowser.fields import MediaFields
from scrobbler.api.servers.mediabrowser.plugin import try_server
from scrobbler.api.servers.mediabrowser.server import MediaServer, lines_of
from scrobbler_plugins.jellyfin.options import JellyfinOptions


async def check(
    options: JellyfinOptions, server: MediaServer | None, source: str, *, listens: bool = False
) -> list[CheckResult]:
    """Return one line for each thing that this source needs, in the order in which it is set up."""
    words = Words(
        product="Jellyfin",
        server="a Jellyfin server",
        hook=f"Dashboard → Plugins → Webhook → Add Generic Destination: http://HOST:PORT/hooks/{source}/<secret>, "
        "Playback Start, Progress and Stop, Movies and Episodes, Send All Properties",
        key="api_key",
        keys_at="Dashboard → API Keys",
        gains="series are known by their ids",
        port=8096,
        filters=("libraries", "paths"),
    )
    if server is None:
        return await check_server(words, options, listens=listens, asking=None)

    async def ask() -> list[CheckResult]:
        results = await try_server(words, options, server)
        accepted = any(result.good and result.what.startswith(words.key) for result in results)
        if not accepted or options.sessions is True:
            return results
        plugins = await server.get("/Plugins")
        if plugins.status != 200:
            return results
        found = _webhook_plugin(lines_of(plugins))
        return [*results, replace(found, good=found.good or listens)]

    return await check_server(words, options, listens=listens, asking=ask)


def _webhook_plugin(plugins: list[MediaFields]) -> CheckResult:
    for plugin in plugins:
        if plugin.text("Name").lower() == "webhook":
            status = plugin.text("Status")
            return CheckResult(
                good=status.lower() == "active",
                what=f"webhook plugin: version {plugin.text('Version')}, {status}",
                advice="" if status.lower() == "active" else "restart the server, or update the plugin",
            )
    advice = "Dashboard → Plugins → Catalog → Webhook → install, then restart the server"
    return CheckResult(good=False, what="webhook plugin: not installed", advice=advice)
