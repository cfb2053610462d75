"""What `scrobbler doctor` tries for VLC."""

from scrobbler.api import CheckResult
from scrobbler.api.connection import GoneError
from scrobbler_plugins.vlc.client import NO_PASSWORD, WRONG_PASSWORD, Client, DeniedError, OffError
from scrobbler_plugins.vlc.messages import read_status

_TURN_ON = (
    "VLC → Tools → Preferences → All → Interface → Main interfaces: tick Web; Lua: set the HTTP password; restart VLC"
)

_REACH = "Check host and port of `url`, and that no firewall is between; VLC on another machine must listen there."
_CERTIFICATE = (
    "Give in `url` the name that the certificate is for, or start the daemon with SSL_CERT_FILE, the name of a bundle that "
    "holds it beside the usual ones."
)


async def examine(client: Client, url: str) -> list[CheckResult]:
    """Ask VLC for its status. That it is not running now is no fault."""
    try:
        status = read_status(await client.status())
    except OffError:
        what = f"{url}: no VLC is running here now"
        return [CheckResult(good=True, what=what, advice=f"If one is, its web interface is off. {_TURN_ON}")]
    except DeniedError as error:
        return [CheckResult(good=False, what=f"{url}: {error}", advice=_denied(str(error)))]
    except GoneError as error:
        advice = _CERTIFICATE if "certificate" in str(error) else _REACH
        return [CheckResult(good=False, what=f"{url}: {error}", advice=advice)]
    except ValueError:
        return [CheckResult(good=False, what=f"{url}: what answers is not VLC", advice=_denied(""))]
    doing = {"playing": "it plays", "paused": "it is paused"}.get(status.state, "it plays nothing")
    return [CheckResult(good=True, what=f"{url}: VLC {status.version} answers, {doing}")]


def _denied(why: str) -> str:
    if why == WRONG_PASSWORD:
        return "Write VLC's own password into `password`: Preferences → All → Interface → Main interfaces → Lua."
    if why == NO_PASSWORD:
        return _TURN_ON
    return "Another program has this port: give VLC a free one with `--http-port`, and put it into `url`."
