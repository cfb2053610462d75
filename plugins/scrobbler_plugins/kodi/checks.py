"""What `scrobbler doctor` tries for a Kodi source."""

from msgspec import UNSET

from scrobbler.api import CheckResult
from scrobbler.api.connection import GoneError
from scrobbler_plugins.kodi.connection import Address, FailedError, Kodi, connected
from scrobbler_plugins.kodi.fields import node, text, whole
from scrobbler_plugins.kodi.options import KodiOptions

_HERE = ("127.0.0.1", "localhost", "::1")
_OLDEST = 17


async def check(options: KodiOptions, source: str) -> list[CheckResult]:
    """Return one line for each way in which this source is heard."""
    results = [await _asked(options)] if options.url is not UNSET else []
    if options.secret is UNSET and results:
        return results
    hook = CheckResult(
        good=True,
        what="add-on: it must post to us; nothing can ask it whether it does until something plays",
        advice=f"in Kodi: Add-ons → HTTP Scrobbler → Configure → General → URL: http://HOST:PORT/hooks/{source}/<secret>",
    )
    return [*results, hook]


async def _asked(options: KodiOptions) -> CheckResult:
    try:
        address = Address.of(str(options.url))
    except ValueError as error:
        return CheckResult(good=False, what=f"url: {error}", advice="write `kodi://HOST`, or `ws://HOST:PORT`")
    try:
        async with connected(address) as kodi:
            return await _version(kodi, address, options)
    except (GoneError, FailedError) as error:
        which = "on this system" if address.host in _HERE else "on other systems"
        return CheckResult(
            good=False,
            what=f"Kodi at {address.shown}: {error}",
            advice="if it is switched on: in Kodi, Settings → Services → Control → Allow remote control from applications "
            f"{which}; its port is 9090, not the 8080 of the web server",
        )


async def _version(kodi: Kodi, address: Address, options: KodiOptions) -> CheckResult:
    answer = await kodi.ask("Application.GetProperties", {"properties": ["name", "version"]})
    version = node(answer, "version")
    major = whole(version, "major")
    name = f"{text(answer, 'name') or 'Kodi'} {major or '?'}.{text(version, 'minor') or '?'}"
    if major is not None and major < _OLDEST:
        return CheckResult(good=False, what=f"{name} at {address.shown} is too old", advice="Kodi 18 or newer is best")
    what = f"{name} answers at {address.shown}"
    if options.profile is UNSET:
        return CheckResult(good=True, what=what)
    profile = text(await kodi.ask("Profiles.GetCurrentProfile"), "label")
    return CheckResult(good=True, what=f"{what}; its profile is {profile}, and {options.profile} counts here")
