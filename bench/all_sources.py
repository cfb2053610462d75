"""What the daemon holds in memory with every source enabled and each server connected, at rest. The target is 48 MiB.

Plex, Jellyfin and Emby are stand-ins in this process, with an open websocket each; VLC and Kodi are off; nobody is on the
session bus.
"""

import time
from contextlib import ExitStack
from typing import Any

from bench.common import SECRET, Memory, memory, rig, table
from tests.kit.bus import SessionBus
from tests.kit.daemon import free_port
from tests.kit.emby import EMBY_KEY
from tests.kit.servers import JELLYFIN_KEY, PLEX_TOKEN
from tests.kit.session_servers import LiveEmby, LiveJellyfin, LivePlex

REST_S = 30


def main() -> None:
    with ExitStack() as stack:
        plex, jellyfin, emby = (stack.enter_context(server()) for server in (LivePlex, LiveJellyfin, LiveEmby))
        users = {"users": {"*": "alice"}, "secret": SECRET}
        sources: dict[str, dict[str, Any]] = {
            "mpv": {"type": "mpv", "account": "alice", "sockets": ["~/run/*.sock"]},
            "plex": {"type": "plex", **users, "url": plex.url, "token": PLEX_TOKEN, "sessions": True},
            "jellyfin": {"type": "jellyfin", **users, "url": jellyfin.url, "api_key": JELLYFIN_KEY, "sessions": True},
            "emby": {"type": "emby", **users, "url": emby.url, "api_key": EMBY_KEY, "sessions": True},
            "tautulli": {"type": "tautulli", **users},
            "kodi": {"type": "kodi", "account": "alice", "secret": SECRET, "url": f"kodi://127.0.0.1:{free_port()}"},
            "vlc": {
                "type": "vlc",
                "account": "alice",
                "url": f"http://127.0.0.1:{free_port()}",
                "password": "a-password",
            },
            "desktop": {"type": "mpris", "account": "alice"},
            "log": {"type": "logfile", "account": "alice", "path": "~/run/*.log", "format": "kodi"},
            "scripts": {"type": "events", "account": "alice", "secret": SECRET},
        }
        one = stack.enter_context(rig({"accounts": {"alice": {}}, "sources": sources}))
        bus = SessionBus(one.folder)
        bus.start()
        stack.callback(bus.stop)
        sources["desktop"]["bus"] = bus.address
        one.daemon.configure({"accounts": {"alice": {}}, "sources": sources})
        one.daemon.start()
        wanted = {"plex", "jellyfin", "emby", "desktop"}
        one.daemon.wait_for(
            lambda: wanted <= {source.name for source in one.daemon.status().sources if source.up},
            "every server is connected",
            60,
        )
        time.sleep(REST_S)
        found: Memory = memory(one.pid)
    table(
        f"memory at rest, {len(sources)} sources of {len({source['type'] for source in sources.values()})} types",
        {"rss": f"{found.rss / 1024:.1f} MiB", "private": f"{found.private / 1024:.1f} MiB"},
    )


if __name__ == "__main__":
    main()
