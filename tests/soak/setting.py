"""Where the household is set up: a folder, a configuration, links to the sandbox, and the wires of the players."""

import asyncio
import os
import tempfile
from pathlib import Path

import msgspec

from scrobbler.sandbox.sandbox import Sandbox
from scrobbler.simkl import tokens
from tests.soak.household import ACCOUNTS, CONFIG, SECRET
from tests.soak.players import Delivery

ANSWER_S = 30.0


def configure(folder: Path, sandbox: Sandbox, url: str, port: int) -> None:
    """Write the configuration, and link everybody."""
    state = folder / "state"
    state.mkdir(mode=0o700)
    config = {
        "simkl": {"client_id": "sandbox", "api_url": url},
        "state_dir": str(state),
        "http": {"listen": f"127.0.0.1:{port}"},
        **CONFIG,
    }
    file = folder / "config.yaml"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(config)))
    file.chmod(0o600)
    tokens.save(state / "tokens.json", {name: _token(sandbox, name) for name in ACCOUNTS})


def _token(sandbox: Sandbox, name: str) -> tokens.Token:
    grant = sandbox.link(name)
    now_ms, life_ms = sandbox.clock.now_ms(), grant.expires_in * 1000
    return tokens.Token(
        generation="V2",
        client_id="sandbox",
        access=grant.access_token,
        refresh=grant.refresh_token,
        expires_utc_ms=now_ms + life_ms,
        refresh_utc_ms=now_ms + life_ms - 86_400_000,
        scope=grant.scope,
        account_id=grant.account_id,
        name=name,
        linked_utc_ms=now_ms,
    )


class Players:
    """Posts as players do: once, and never again what was not answered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._kept: dict[str, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}

    async def post(self, delivery: Delivery) -> int:
        """Post one request; return the answer's code, 0 where there was none."""
        head = (
            f"POST /hooks/{delivery.source}/{SECRET} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: {delivery.content_type}\r\nContent-Length: {len(delivery.body)}\r\n"
            f"X-Soak-Delivery: {delivery.beat}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await self._connection(delivery.source)
                writer.write(head.encode() + delivery.body)
                status = await reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError):
            self._drop(delivery.source)
            return 0
        code = int(status.split(b" ", 2)[1])
        if code != 204:
            self._drop(delivery.source)
        return code

    def hang_up(self) -> None:
        """Close all connections."""
        for source in list(self._kept):
            self._drop(source)

    def _drop(self, source: str) -> None:
        kept = self._kept.pop(source, None)
        if kept is not None:
            kept[1].close()

    async def _connection(self, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        kept = self._kept.get(source)
        if kept is not None and not kept[0].at_eof():
            return kept
        self._drop(source)
        self._kept[source] = await asyncio.open_connection("127.0.0.1", self._port)
        return self._kept[source]


def memory_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder in memory where that is to be had: a SIGKILL loses nothing that was written, so no disk is needed."""
    shm = Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="soak-", dir=shm if os.access(shm, os.W_OK) else None)
