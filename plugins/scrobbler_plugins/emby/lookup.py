"""What is asked of an Emby server in a way of its own (players.md 3.4)."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from scrobbler.api import Context, User
from scrobbler.api.servers.client import Answer
from scrobbler.api.servers.mediabrowser.fields import MediaFields
from scrobbler.api.servers.mediabrowser.server import MediaServer, lines_of, users_of
from scrobbler_plugins.emby.options import EmbyOptions


class Server(MediaServer):
    """An Emby server. The key goes into a header, and into an address for a websocket alone that takes no header.

    Whether the positions of its sessions run on between a client's words is not known, nor is the path of its websocket
    documented for all versions.
    """

    counts_on = False
    first_word_s = 10.0

    def __init__(self, options: EmbyOptions, context: Context) -> None:
        url = str(options.url).rstrip("/")
        self._key = str(options.api_key)
        base = url if url.lower().endswith("/emby") else f"{url}/emby"
        super().__init__(base, {"X-Emby-Token": self._key}, options, context)

    def sockets(self, device: str) -> Sequence[str]:
        """Return where the websocket may be: the key as a header first, in the address for servers that want it there."""
        root = f"{self.url[: -len('/emby')]}/embywebsocket"
        named = {"deviceId": device}
        return [f"{root}?{urlencode(named)}", f"{root}?{urlencode({**named, 'api_key': self._key})}"]

    async def item(self, item_id: str, user_id: str, fields: str) -> MediaFields | None:
        """Fetch one item; None when the server does not know it or does not let us."""
        del user_id
        answer = await self.get("/Items", {"Ids": item_id, "Fields": fields})
        return next((line for line in lines_of(answer) if line.identity("Id") == item_id), None)

    async def users(self) -> list[User]:
        """Return the server's users; none when we may not know."""
        answer = await self.get("/Users/Query")
        if answer.status in (400, 404, 405):
            answer = await self.get("/Users")
        return users_of(answer)

    async def items_of(self, user_id: str, wanted: Mapping[str, str]) -> Answer:
        """Ask for a list of items with the eyes of a user."""
        return await self.get(f"/Users/{user_id}/Items", wanted)
