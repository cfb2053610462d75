"""A source that is a hook and a listener gets both in the daemon; one that has nothing to listen to is not started."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from scrobbler.api.testkit import FakeClock
from scrobbler.daemon.source_set import SourceSet
from scrobbler.daemon.supervisor import Supervisor
from scrobbler.http import new_client
from scrobbler.intake.intake import Rules
from scrobbler.plays.model import AccountPolicy, Heard
from scrobbler.sources.source import Ports
from scrobbler_plugins.jellyfin.options import JellyfinOptions
from tests.kit.media_servers import JELLYFIN_KEY
from tests.kit.servers import EVENING
from tests.kit.session_servers import LiveJellyfin, jellyfin_playing_film, jellyfin_session

pytestmark = pytest.mark.anyio
RULES = Rules(accounts={"alice": AccountPolicy(account="alice")})


async def services(tmp_path: Path, heard: list[Heard], server: LiveJellyfin, **options: Any) -> list[str]:
    """Serve one source until it has been heard, or for a moment; return the tasks that ran for it."""

    async def hear(event: Heard) -> None:
        heard.append(event)
        news.set()

    async def recall(_key: str) -> str | None:
        return None

    async def remember(_key: str, _value: str) -> None:
        return None

    news, over = asyncio.Event(), asyncio.Event()
    clock = FakeClock(EVENING)
    async with new_client() as client:
        ports = Ports(
            clock=clock,
            random=Random(1),
            http=lambda: client,
            hear=hear,
            hidden=frozenset,
            recall=recall,
            remember=remember,
        )
        sources, supervisor = SourceSet(tmp_path, ports), Supervisor(clock)
        sources.add("attic", JellyfinOptions(type="jellyfin", users={"alice": "alice"}, **options), RULES)
        assert sources.source("attic") is not None, "its hook is not open"
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(supervisor.run(over))
            await asyncio.sleep(0)
            sources.serve(supervisor, "attic")
            names = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("source ")]
            if names:
                await news.wait()
                assert [one.reachable for one in sources.health()] == [True]
            over.set()
    assert [asked.path for asked in server.asked if asked.path == "/Sessions"] == ["/Sessions"] * len(names)
    return names


async def test_hook_that_listens_is_served_and_its_hook_is_open(tmp_path: Path) -> None:
    """With `url` and `api_key` alone, sessions are listened to, and a webhook may come beside them."""
    heard: list[Heard] = []
    with LiveJellyfin() as server:
        server.sessions = [jellyfin_session(jellyfin_playing_film())]
        assert await services(tmp_path, heard, server, url=server.url, api_key=JELLYFIN_KEY) == ["source attic"]
    assert [(one.event.kind, one.accounts[0].account) for one in heard] == [("play", "alice")]


async def test_hook_that_does_not_listen_costs_nothing(tmp_path: Path) -> None:
    """With the secret of a hook nothing is asked for, and no task runs."""
    heard: list[Heard] = []
    with LiveJellyfin() as server:
        options = {"url": server.url, "api_key": JELLYFIN_KEY, "secret": "0123456789abcdef"}
        assert await services(tmp_path, heard, server, **options) == []
    assert heard == []
