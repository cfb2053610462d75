"""What `scrobbler doctor` tries for a Jellyfin source."""

from msgspec import UNSET
from msgspec.structs import replace

from scrobbler.api import CheckResult
from scrobbler_plugins.jellyfin.fields import Fields, normal_id
from scrobbler_plugins.jellyfin.lookup import Server
from scrobbler_plugins.jellyfin.options import JellyfinOptions


async def check(
    options: JellyfinOptions, server: Server | None, source: str, *, listens: bool = False
) -> list[CheckResult]:
    """Return one line for each thing that this source needs, in the order in which it is set up."""
    advice = (
        f"Dashboard → Plugins → Webhook → Add Generic Destination: http://HOST:7465/hooks/{source}/<secret>, "
        "Playback Start, Progress and Stop, Movies and Episodes, Send All Properties"
    )
    if not listens:
        what = "webhook: Jellyfin must post to us; nothing can ask it whether it does until something plays"
    elif options.sessions is True:
        what, advice = "sessions: what plays is read from the server itself", ""
    else:
        what = "sessions: what plays is read from the server itself; a webhook may come beside it"
    results = [CheckResult(good=True, what=what, advice=advice)]
    if server is None:
        missing = [name for name in ("url", "api_key") if getattr(options, name) is UNSET]
        one_given = len(missing) == 1 or options.sessions is True
        advice = "give both `url` and `api_key`, or neither; `sessions` needs both"
        if not one_given:
            advice = "with `url` and `api_key` series are known by their ids, and missed plays are caught up"
        what = f"look-ups at the server: off, {' and '.join(f'`{name}`' for name in missing)} not given"
        return [*results, CheckResult(good=not one_given, what=what, advice=advice)]
    try:
        return [*results, *await _ask(options, server, listens=listens)]
    except Exception as error:  # noqa: BLE001 (the client's own errors are not part of the plugin API)
        results.append(
            CheckResult(
                good=False,
                what=f"server: no answer from {options.url} ({type(error).__name__})",
                advice="check `url`: the server's own address as this machine sees it, port 8096 by default",
            )
        )
        return results


async def _ask(options: JellyfinOptions, server: Server, *, listens: bool) -> list[CheckResult]:
    public = await server.get("/System/Info/Public")
    version = public.fields.text("Version")
    if not version:
        return [
            CheckResult(
                good=False,
                what=f"server: {options.url} answers with HTTP {public.status}, but not as a Jellyfin server",
                advice="check `url`: http or https, and the base path if the server has one",
            )
        ]
    results = [CheckResult(good=True, what=f"server: {options.url} answers, version {version}")]
    users = await server.get("/Users")
    if users.status != 200:
        what = f"api_key: refused with HTTP {users.status}"
        return [*results, CheckResult(good=False, what=what, advice="make a key under Dashboard → API Keys")]
    results.append(CheckResult(good=True, what="api_key: accepted"))
    results += _mapped(options, [Fields(entry) for entry in users.content or ()])
    if options.sessions is True:
        return results
    plugins = await server.get("/Plugins")
    if isinstance(plugins.content, list):
        found = _webhook_plugin([Fields(entry) for entry in plugins.content])
        results.append(replace(found, good=found.good or listens))
    return results


def _mapped(options: JellyfinOptions, users: list[Fields]) -> list[CheckResult]:
    wanted = options.users if isinstance(options.users, dict) else {}
    known = {user.text("Name").casefold() for user in users} | {user.identity("Id") for user in users} | {"*"}
    names = ", ".join(sorted(user.text("Name") for user in users))
    return [
        CheckResult(good=False, what=f"users: the server has no user `{key}`", advice=f"its users are: {names}")
        for key in wanted
        if key.casefold() not in known and normal_id(key) not in known
    ]


def _webhook_plugin(plugins: list[Fields]) -> CheckResult:
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
