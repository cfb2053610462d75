"""What `scrobbler doctor` tries for an Emby source."""

from collections.abc import Sequence

from msgspec import UNSET

from scrobbler.api import CheckResult, User
from scrobbler_plugins.emby.fields import Fields
from scrobbler_plugins.emby.lookup import Server
from scrobbler_plugins.emby.options import EmbyOptions


async def check(options: EmbyOptions, server: Server | None, source: str, *, listens: bool) -> list[CheckResult]:
    """Return one line for each thing that this source needs, in the order in which it is set up."""
    results = [CheckResult(good=True, what="sessions: what plays is read from the server itself")]
    if not listens:
        results = [
            CheckResult(
                good=True,
                what="webhook: Emby must post to us; nothing can ask it whether it does until something plays",
                advice=f"Settings → Notifications → Add Notification → Webhooks: http://HOST:7465/hooks/{source}/<secret> "
                "(needs Premiere), all Playback events; or give `url`, `api_key` and `sessions: true`",
            )
        ]
    if server is None:
        missing = [name for name in ("url", "api_key") if getattr(options, name) is UNSET]
        one_given = len(missing) == 1 or options.sessions is True
        advice = "give both `url` and `api_key`, or neither; `sessions` needs both"
        if not one_given:
            advice = "with `url` and `api_key` series are known by their ids, and missed plays are caught up"
        what = f"look-ups at the server: off, {' and '.join(f'`{name}`' for name in missing)} not given"
        return [*results, CheckResult(good=not one_given, what=what, advice=advice)]
    try:
        return [*results, *await _ask(options, server)]
    except Exception as error:  # noqa: BLE001 (the client's own errors are not part of the plugin API)
        results.append(
            CheckResult(
                good=False,
                what=f"server: no answer from {options.url} ({type(error).__name__})",
                advice="check `url`: the server's own address as this machine sees it, port 8096 by default",
            )
        )
        return results


async def _ask(options: EmbyOptions, server: Server) -> list[CheckResult]:
    public = await server.get("/System/Info/Public")
    version = Fields(public.content).text("Version")
    if not version:
        return [
            CheckResult(
                good=False,
                what=f"server: {options.url} answers with HTTP {public.status}, but not as an Emby server",
                advice="check `url`: http or https, and the base path if the server has one",
            )
        ]
    results = [CheckResult(good=True, what=f"server: {options.url} answers, version {version}")]
    sessions = await server.get("/Sessions")
    if sessions.status != 200:
        what = f"api_key: refused with HTTP {sessions.status}"
        return [*results, CheckResult(good=False, what=what, advice="make a key under Settings → API Keys")]
    results.append(CheckResult(good=True, what="api_key: accepted"))
    return results + _mapped(options, await server.users())


def _mapped(options: EmbyOptions, users: Sequence[User]) -> list[CheckResult]:
    wanted = options.users if isinstance(options.users, dict) and users else {}
    known = {user.name.casefold() for user in users} | {_bare(user.id) for user in users} | {"*"}
    names = ", ".join(sorted(user.name for user in users))
    return [
        CheckResult(good=False, what=f"users: the server has no user `{key}`", advice=f"its users are: {names}")
        for key in wanted
        if key.strip().casefold() not in known and _bare(key) not in known
    ]


def _bare(text: str) -> str:
    return text.strip().casefold().replace("-", "")
