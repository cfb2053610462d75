"""Which address is answered by what (simkl-api.md 2, 4 to 7)."""

import re

from scrobbler.sandbox.clock import stamp
from scrobbler.sandbox.gate import Handler, Needs, Route
from scrobbler.sandbox.history import History
from scrobbler.sandbox.lists import Lists
from scrobbler.sandbox.lock import LockKind
from scrobbler.sandbox.playback import Playbacks
from scrobbler.sandbox.reply import Ask, Reply
from scrobbler.sandbox.scrobble import Scrobbler
from scrobbler.sandbox.search import Search
from scrobbler.sandbox.signin import SignIn
from scrobbler.sandbox.state import State


def _route(
    methods: str, pattern: str, handler: Handler, needs: Needs, *, lock: LockKind | None = None, exempt: bool = False
) -> Route:
    return Route(
        methods=frozenset(methods.split()),
        pattern=re.compile(pattern),
        handler=handler,
        needs=needs,
        lock=lock,
        exempt=exempt,
    )


def all_routes(state: State, signin: SignIn) -> list[Route]:
    """Return every route of Simkl that the sandbox plays."""
    scrobbler, playbacks, history = Scrobbler(state), Playbacks(state), History(state)
    lists, search = Lists(state), Search(state)
    return [
        _route("POST", "/oauth2/device", signin.device, "oauth"),
        _route("POST", "/oauth2/token", signin.token, "oauth"),
        _route("POST", "/oauth2/revoke", signin.revoke, "oauth"),
        _route("GET", "/oauth/pin", signin.pin, "pin"),
        _route("GET", "/oauth/pin/(?P<code>[^/]+)", signin.check_pin, "pin"),
        _route("POST", "/oauth/token", signin.exchange, "oauth"),
        _route("GET POST", "/users/settings/?", _settings, "user"),
        _route("POST", "/scrobble/start", scrobbler.start, "user", lock="scrobble"),
        _route("POST", "/scrobble/pause", scrobbler.pause, "user", lock="scrobble"),
        _route("POST", "/scrobble/stop", scrobbler.stop, "user", lock="scrobble"),
        _route("POST", "/scrobble/checkin", scrobbler.checkin, "user", lock="scrobble"),
        _route("GET POST", "/sync/playback(?:/(?P<kind>[^/]*))?", playbacks.listing, "user"),
        _route("DELETE", "/sync/playback(?:/(?P<id>[^/]*))?", playbacks.delete, "user"),
        _route("POST", "/sync/history", history.add, "user", lock="sync"),
        _route("POST", "/sync/history/remove", history.remove, "user", lock="sync"),
        _route("POST", "/sync/ratings", lists.rate, "user", lock="sync"),
        _route("POST", "/sync/ratings/remove", lists.unrate, "user", lock="sync"),
        _route("POST", "/sync/add-to-list", lists.add_to_list, "user", lock="sync"),
        _route("POST", "/sync/watched", lists.watched, "user", lock="sync"),
        _route("GET POST", "/sync/activities", lists.activities, "user"),
        _route("GET", "/sync/all-items/?(?P<type>[^/]*)(?:/(?P<status>[^/]*))?/?", lists.all_items, "user"),
        _route("POST", "/search/file/?", search.by_file, "token"),
        _route("GET", "/search/id", search.by_id, "token"),
        _route("GET", "/search/(?P<type>[^/]+)", search.by_text, "token"),
        _route("GET", "/redirect", search.redirect, "token", exempt=True),
        _route("GET", "/(?P<kind>tv|anime)/episodes/(?P<id>[^/]+)", search.episodes, "catalogue"),
        _route("GET", "/(?P<kind>movies|tv|anime)/(?P<id>[^/]+)", search.page, "catalogue"),
    ]


def _settings(ask: Ask) -> Reply:
    """`/users/settings` (simkl-api.md 7)."""
    user = ask.user
    body = {
        "user": {
            "name": user.name,
            "joined_at": stamp(user.joined_ms),
            "gender": "",
            "avatar": "",
            "bio": "",
            "loc": "",
            "age": "",
        },
        "account": {"id": user.account_id, "timezone": "UTC", "type": user.plan},
        "connections": {},
    }
    return Reply(body=body)
