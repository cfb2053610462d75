"""What every source of a media server is: a hook, a listener of its sessions, or both, and a reader of its history."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import UNSET

from scrobbler.api.events import PlayerEvent
from scrobbler.api.options import SourceOptions
from scrobbler.api.plugin import HookPlugin, ListenerPlugin

_LONGEST_CATCH_UP = timedelta(days=14)


class ServerPlugin(HookPlugin, ListenerPlugin):
    """One media server. Its options have `sessions` beside those of a hook."""

    @property
    def asks(self) -> bool:
        """Whether there is a server that may be asked: both its address and its key are given."""
        raise NotImplementedError

    async def history(self, since: datetime) -> Sequence[PlayerEvent]:
        """Read what the server noted after `since`, oldest first. May raise HttpError."""
        raise NotImplementedError

    def listens(self) -> bool:
        """Tell whether to listen to sessions: where `sessions` says so, else where no hook is set up but a server is."""
        wanted = self.options.secret is UNSET if self.options.sessions is UNSET else self.options.sessions
        return self.asks and bool(wanted)

    async def missed(self, since: datetime) -> Sequence[PlayerEvent]:
        """Return what was finished after `since`, at most 14 days back. May raise HttpError."""
        if not self.asks:
            return ()
        oldest = self.context.clock.now().utc - _LONGEST_CATCH_UP
        return await self.history(max(since.astimezone(UTC), oldest))


def is_mapped(options: SourceOptions, identity: str, name: str) -> bool:
    """Tell whether `users:` gives a user of the server an account: by id, by name, or by `*`."""
    if not isinstance(options.users, dict):
        return False
    mapped = {key.strip().casefold(): accounts for key, accounts in options.users.items()}
    by_id = {bare(key): accounts for key, accounts in mapped.items()}
    if identity and bare(identity) in by_id:
        return bool(by_id[bare(identity)])
    return bool(mapped.get(name.strip().casefold(), mapped.get("*")))


def bare(identity: str) -> str:
    """Write an id as users compare: without case and dashes."""
    return identity.strip().casefold().replace("-", "")
