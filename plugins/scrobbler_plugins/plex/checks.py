"""What `scrobbler doctor` tries for a Plex source."""

from functools import partial

from scrobbler.api import CheckResult
from scrobbler.api.servers.checks import Words, check_server, foreign
from scrobbler.api.servers.fields import Fields
from scrobbler_plugins.plex.lookup import Server
from scrobbler_plugins.plex.options import PlexOptions


async def check(
    options: PlexOptions, server: Server | None, source: str, *, listens: bool = False
) -> list[CheckResult]:
    """Return one line for each thing that this source needs, in the order in which it is set up."""
    words = Words(
        product="Plex",
        server="a Plex Media Server",
        hook=f"Plex Web → Settings → Account → Webhooks must hold http://HOST:PORT/hooks/{source}/<secret> "
        "(needs Plex Pass), and the server's Settings → Network → Webhooks must be on",
        key="token",
        keys_at="the server's owner",
        gains="series are known by their ids, lengths are exact",
        port=32400,
        filters=("paths",),
    )
    asking = None if server is None else partial(_ask, words, options, server, listens=listens)
    return await check_server(words, options, listens=listens, asking=asking)


async def _ask(words: Words, options: PlexOptions, server: Server, *, listens: bool) -> list[CheckResult]:
    identity = await server.get("/identity")
    if not Fields(identity.content).node("MediaContainer").text("machineIdentifier"):
        return [foreign(words, options.url, identity)]
    results = [CheckResult(good=True, what=f"server: {options.url} answers")]
    sections = await server.get("/library/sections")
    if sections.status != 200:
        advice = "get a fresh X-Plex-Token of the server's owner and put it under `token`"
        return [*results, CheckResult(good=False, what=f"token: refused with HTTP {sections.status}", advice=advice)]
    results.append(CheckResult(good=True, what="token: accepted"))
    accounts = await server.get("/accounts")
    if accounts.status == 200:
        results.append(CheckResult(good=True, what="catch-up: the token may read the history of all users"))
    else:
        advice = "use a token of the server's owner; without it, plays that were missed are not caught up"
        results.append(CheckResult(good=False, what="catch-up: the token may not read the history", advice=advice))
    shown = await server.get("/status/sessions") if listens else None
    if shown is not None and shown.status in (401, 403):
        advice = "use a token of the server's owner; no other may see what plays"
        results.append(CheckResult(good=False, what="sessions: the token may not see what plays", advice=advice))
    if options.sessions is True:
        return results
    for setting in (await server.read("/:/prefs")).nodes("Setting"):
        if setting.text("id").lower() == "webhooksenabled":
            on = setting.flag("value")
            results.append(
                CheckResult(
                    good=on or listens,
                    what=f"webhooks of the server: {'on' if on else 'off'}",
                    advice="" if on else "switch on the server's Settings → Network → Webhooks",
                )
            )
    return results
