"""What is asked of a Jellyfin server in a way of its own (players.md 2.5, 2.6)."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from scrobbler.api import Context, User
from scrobbler.api.servers.client import Answer
from scrobbler.api.servers.mediabrowser.fields import MediaFields
from scrobbler.api.servers.mediabrowser.server import MediaServer, users_of
from scrobbler_plugins.jellyfin.options import JellyfinOptions


class Server(MediaServer):
    """A Jellyfin server. The key goes into a header, in the one form that servers from 12.0 on take by default."""

    active_s = 960
    counts_on = True

    def __init__(self, options: JellyfinOptions, context: Context) -> None:
        super().__init__(
            str(options.url), {"Authorization": f'MediaBrowser Token="{options.api_key}"'}, options, context
        )

    def sockets(self, device: str) -> Sequence[str]:
        """Return where the websocket is; a key without a device would share its session with all others who use it."""
        return [f"{self.url}/socket?{urlencode({'deviceId': device})}"]

    async def item(self, item_id: str, user_id: str, fields: str) -> MediaFields | None:
        """Fetch one item; None when the server does not know it or does not let us.

        Servers before 10.9 have items only under a user.
        """
        params = {"Fields": fields} | ({"UserId": user_id} if user_id else {})
        answer = await self.get(f"/Items/{item_id}", params)
        if answer.status in (400, 404, 405) and user_id:
            answer = await self.get(f"/Users/{user_id}/Items/{item_id}", {"Fields": fields})
        return MediaFields(answer.content) if answer.status == 200 else None

    async def users(self) -> list[User]:
        """Return the server's users; none when we may not know."""
        return users_of(await self.get("/Users"))

    async def items_of(self, user_id: str, wanted: Mapping[str, str]) -> Answer:
        """Ask for a list of items with the eyes of a user."""
        return await self.get("/Items", {**wanted, "UserId": user_id})
