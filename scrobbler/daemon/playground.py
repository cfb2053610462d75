"""`run --sandbox`: the built-in stand-in for Simkl, with every account already linked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scrobbler.clock import Clock
from scrobbler.simkl.token_store import Grants
from scrobbler.simkl.tokens import Token

if TYPE_CHECKING:
    from scrobbler.sandbox.server import SandboxServer

PORT = 7466


async def open_playground(host: str = "127.0.0.1") -> "SandboxServer":
    """Start the sandbox next to the daemon's own port, or on any free one."""
    from scrobbler.sandbox.server import SandboxServer  # only `--sandbox` pays for it

    server = SandboxServer()
    try:
        await server.start(host, PORT)
    except OSError:
        server = SandboxServer()
        await server.start(host, 0)
    server.sandbox.switches.invent_titles = True
    return server


async def link_all(
    server: "SandboxServer", grants: Grants, accounts: Sequence[str], client_id: str, clock: Clock
) -> None:
    """Link every account, as if somebody had signed in."""
    for account in accounts:
        grant = server.sandbox.link(account, client_id=client_id)
        now = clock.now().utc_ms
        life_ms = grant.expires_in * 1000
        await grants.store(
            account,
            Token(
                generation="V2",
                client_id=client_id,
                access=grant.access_token,
                refresh=grant.refresh_token,
                expires_utc_ms=now + life_ms,
                refresh_utc_ms=now + life_ms - 86_400_000,
                scope=grant.scope,
                account_id=grant.account_id,
                name=account,
                linked_utc_ms=now,
            ),
        )
