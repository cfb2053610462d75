"""`python -m scrobbler.sandbox`: the sandbox as a process of its own."""

import argparse
import asyncio
import signal
import sys

from scrobbler.sandbox.server import SandboxServer


async def _serve(host: str, port: int) -> None:
    server = SandboxServer()
    await server.start(host, port)
    print(f"listening on {server.url}", flush=True)  # noqa: T201 - what a script that starts this reads
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
    await server.stop()


def main() -> int:
    """Read the arguments and serve until a signal comes."""
    parser = argparse.ArgumentParser(
        prog="python -m scrobbler.sandbox", description="A local server that behaves like Simkl."
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="the port; 0 takes a free one (default)")
    options = parser.parse_args()
    try:
        asyncio.run(_serve(options.host, options.port))
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a port is a number from 0 to 65535"
        print(f"cannot listen on {options.host}:{options.port}: {reason}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
