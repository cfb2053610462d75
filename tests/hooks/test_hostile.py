"""Whatever is posted to a source of ours is taken, or refused in words: never an error of the daemon (contract.md 1.5, 1.6)."""

from importlib import import_module
from typing import Any

import pytest

from scrobbler.api.testkit import Recorder
from tests.hooks.house import SECRET, House, open_house

pytestmark = pytest.mark.anyio

HOOKS = ("plex", "jellyfin", "emby", "tautulli", "events", "kodi")
TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml")
BODIES: tuple[bytes, ...] = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"{}",
    b"\xff\xfe\x00",
    b"\x00" * 1000,
    b"[" * 100_000,
    b'{"a":' * 50_000,
    '{"kind":"play"}'.encode("utf-16"),
    b'{"event":"media.play","Metadata":{"ratingKey":"1","type":"movie","title":"\\u0000\\u001b[31m"}}',
    b'{"event":{"a":1},"Metadata":[]}',
    b'{"NotificationType":["x"],"ItemId":{}}',
    b'{"NotificationType":"PlaybackStop","ItemId":"1","UtcTimestamp":"9999-12-31T23:59:59-05:00"}',
    b'{"Event":"playback.start","Item":"x","User":5}',
    b'{"scrobblerd_template":"1","action":"play","rating_key":"1","unixtime":"99999999999999"}',
    b'{"kind":"play","player":"x","item_key":"y","duration_ms":1e400}',
    b"payload=%7B%22event%22",
    b'data={"Event":1}',
    b"a=1&" * 2000,
)


@pytest.mark.parametrize("kind", HOOKS)
async def test_hostile_bodies(kind: str) -> None:
    """Broken, deep, empty, wrongly encoded and half content is 204, 415 or 422, and no bug of a plugin."""
    found: Any = import_module(f"scrobbler_plugins.{kind}").Plugin
    house = House()
    house.door.plugin = found(found.Options(type=kind), Recorder().context)
    async with open_house(house):
        for body in BODIES:
            for content_type in TYPES:
                reply = await house.ask("POST", f"/hooks/attic/{SECRET}", {"Content-Type": content_type}, body)
                assert reply.code in (204, 415, 422), (content_type, body[:60], reply.text)
                assert "internal" not in reply.text, (content_type, body[:60])
