"""What `scrobbler doctor` tries for a Plex source."""

from msgspec import UNSET

from scrobbler.api import CheckResult
from scrobbler_plugins.plex.lookup import Server
from scrobbler_plugins.plex.options import PlexOptions


async def check(
    options: PlexOptions, server: Server | None, source: str, *, listens: bool = False
) -> list[CheckResult]:
    """Return one line for each thing that this source needs, in the order in which it is set up."""
    advice = (
        f"Plex Web → Settings → Account → Webhooks must hold http://HOST:7465/hooks/{source}/<secret> "
        "(needs Plex Pass), and the server's Settings → Network → Webhooks must be on"
    )
    if not listens:
        what = "webhook: Plex must post to us; nothing can ask it whether it does until something plays"
    elif options.sessions is True:
        what, advice = "sessions: what plays is read from the server itself", ""
    else:
        what = "sessions: what plays is read from the server itself; a webhook may come beside it"
    results = [CheckResult(good=True, what=what, advice=advice)]
    if server is None:
        missing = [name for name in ("url", "token") if getattr(options, name) is UNSET]
        one_given = len(missing) == 1 or options.sessions is True
        results.append(
            CheckResult(
                good=not one_given,
                what=f"look-ups at the server: off, {' and '.join(f'`{name}`' for name in missing)} not given",
                advice="give both `url` and `token`, or neither; `sessions` needs both"
                if one_given
                else "with `url` and `token` series are known by their ids, lengths are exact, and missed plays are "
                "caught up",
            )
        )
        return results
    try:
        return [*results, *await _ask(options, server, listens=listens)]
    except Exception as error:  # noqa: BLE001 (the client's own errors are not part of the plugin API)
        results.append(
            CheckResult(
                good=False,
                what=f"server: no answer from {options.url} ({type(error).__name__})",
                advice="check `url`: the server's own address as this machine sees it, port 32400 by default",
            )
        )
        return results


async def _ask(options: PlexOptions, server: Server, *, listens: bool) -> list[CheckResult]:
    identity = await server.get("/identity")
    machine = identity.content.node("MediaContainer").text("machineIdentifier")
    if not machine:
        return [
            CheckResult(
                good=False,
                what=f"server: {options.url} answers with HTTP {identity.status}, but not as a Plex Media Server",
                advice="check `url`: the server's own address, http or https as the server wants it, not app.plex.tv",
            )
        ]
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
    preferences = await server.get("/:/prefs")
    for setting in preferences.content.node("MediaContainer").nodes("Setting"):
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
