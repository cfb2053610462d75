"""A player of our own: posts to a source of `type: events` what a test wants to have happened."""

from typing import Any

from tests.kit.daemon import SECRET, DaemonProcess

SINTEL = {"type": "movie", "title": "Sintel", "year": 2010, "ids": {"imdb": "tt1727587"}}
BUNNY = {"type": "movie", "title": "Big Buck Bunny", "year": 2008, "ids": {"imdb": "tt1254207"}}
LENGTH_MS = 900_000


def one_source(**more: Any) -> dict[str, Any]:
    """Return a configuration with the account alice and the source `script` that is hers."""
    return {
        "accounts": {"alice": {}},
        "sources": {"script": {"type": "events", "account": "alice", "secret": SECRET}},
        **more,
    }


def event(kind: str, at_percent: float | None = None, item: dict[str, Any] = SINTEL, **more: Any) -> dict[str, Any]:
    """Compose one event of a film of a quarter of an hour."""
    place = {} if at_percent is None else {"position_ms": int(LENGTH_MS * at_percent / 100)}
    return {
        "kind": kind,
        "player": "tv",
        "item_key": item["title"],
        "item": item,
        "duration_ms": LENGTH_MS,
        **place,
        **more,
    }


def tell(daemon: DaemonProcess, *events: dict[str, Any], source: str = "script") -> None:
    """Post events, which must be taken."""
    assert daemon.hook(source, list(events)) == 204


def watched(item: dict[str, Any] = SINTEL) -> tuple[dict[str, Any], ...]:
    """Compose the end of a play that the player itself calls watched."""
    return event("watched", item=item), event("stop", 100, item=item)
