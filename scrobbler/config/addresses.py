"""Networks that may call, and addresses to listen at."""

import re
from collections.abc import Iterable, Mapping
from ipaddress import AddressValueError, IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from scrobbler.config.models import Config
from scrobbler.config.problems import quoted

Network: TypeAlias = IPv4Network | IPv6Network

LISTEN_VARIABLE = "SCROBBLER_LISTEN"
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_LISTEN = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")


class Address(NamedTuple):
    """Where to listen. `host` is an IP address (v6 without brackets) or a host name; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback_host(self.host)


def parse_listen(text: str) -> Address:
    """Read `host:port` or `[::1]:7465`. Raises ValueError saying what is allowed."""
    match = _LISTEN.fullmatch(text.strip())
    if match is None or int(match["port"]) > 65535:
        raise ValueError(
            f"{quoted(text)} is no address to listen at, it must be host:port, such as 127.0.0.1:7465 or [::1]:7465"
        )
    host = match["host"] if match["v6"] is None else match["v6"]
    try:
        ip_address(host)
    except (AddressValueError, ValueError):
        # What looks like numbers is a mistyped address; a resolver would take some of these for others.
        if match["v6"] is not None or not _HOST.fullmatch(host) or not re.search("[A-Za-z]", host):
            raise ValueError(
                f"{quoted(text)} names no host, it must be host:port, such as 127.0.0.1:7465 or [::1]:7465"
            ) from None
    return Address(host, int(match["port"]))


def parse_network(text: str) -> Network:
    """Read an address or a network such as `10.0.0.0/8`. Raises ValueError saying what is allowed."""
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        near = f", did you mean {quoted(str(ip_network(text, strict=False)))}?"
    except ValueError:
        near = ""
    raise ValueError(
        f"{quoted(text)} is no network{near or ','} it must be an address or a network, such as 10.0.0.0/8 or ::1"
    )


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Turn an `allow` list of a valid configuration into networks."""
    return tuple(ip_network(text) for text in texts)


def listen_texts(listen: str | Iterable[str], env: Mapping[str, str]) -> tuple[str, ...]:
    """Choose what counts: $SCROBBLER_LISTEN (several with commas or spaces between), else the setting."""
    from_env = env.get(LISTEN_VARIABLE, "").replace(",", " ").split()
    if from_env:
        return tuple(from_env)
    return (listen,) if isinstance(listen, str) else tuple(listen)


def listen_addresses(config: Config) -> tuple[Address, ...]:
    """Give the addresses to listen at; $SCROBBLER_LISTEN is part of a loaded configuration already."""
    return tuple(parse_listen(text) for text in listen_texts(config.http.listen, {}))


def is_loopback_host(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_api_url(text: str) -> str:
    """Return what is wrong with the address of an API, or nothing."""
    allowed = "it must be an address such as https://api.simkl.com"
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        return f"cannot be read as an address, {allowed}"
    if url.scheme not in {"http", "https"} or not host or re.search(r"\s", text):
        return f"is no web address, {allowed}"
    if url.username is not None or url.query or url.fragment:
        return f"must have neither user, query nor fragment, {allowed}"
    if url.scheme == "http" and not is_loopback_host(host):
        return (
            "must begin with https:// (http:// is allowed on loopback alone), the sign-in of your accounts goes there"
        )
    return ""
