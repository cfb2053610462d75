"""Applications, users and the grants between them (simkl-api.md 2, 12.6 to 12.9)."""

import random
import string
import zlib
from typing import Literal, TypeAlias

from msgspec import Struct

from scrobbler.sandbox.clock import SandboxClock
from scrobbler.sandbox.library import Library
from scrobbler.sandbox.views import Grant

Generation: TypeAlias = Literal["v1", "v2"]
Plan: TypeAlias = Literal["free", "pro", "vip"]

ACCESS_LIFE_S = 604_800
REFRESH_LIFE_S = 180 * 86_400
V1_LIFE_S = 157_680_000
READ = "media:read"
WRITE = "media:write"
FULL_SCOPE = f"{READ} {WRITE}"
_LETTERS = string.ascii_letters + string.digits


class App(Struct, frozen=True):
    """A registered application; its generation is for life."""

    client_id: str
    generation: Generation


class User(Struct, kw_only=True):
    """One person's account."""

    name: str
    account_id: int
    joined_ms: int
    library: Library
    plan: Plan = "free"


class Link(Struct, kw_only=True):
    """A live grant. `fresh`: its access token was not used yet. Times are ms since 1970."""

    app: App
    user: User
    scope: str
    access: str
    access_until_ms: int
    refresh: str = ""
    refresh_until_ms: int = 0
    fresh: bool = True

    @property
    def may_write(self) -> bool:
        """Whether the scope reaches beyond reading. AUTH V1 knows no scopes."""
        return self.app.generation == "v1" or WRITE in self.scope.split()


class RefreshError(Exception):
    """A refresh is refused; the text is the OAuth error."""


class People:
    """All applications, users and grants."""

    def __init__(self, clock: SandboxClock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self.apps = {"sandbox": App("sandbox", "v2"), "sandbox-v1": App("sandbox-v1", "v1")}
        self.users: dict[str, User] = {}
        self.links: list[Link] = []

    def random_text(self, length: int, alphabet: str = _LETTERS) -> str:
        """Return so many random characters."""
        return "".join(self._rng.choices(alphabet, k=length))

    def user(self, name: str) -> User:
        """Return the user of that name, made on first use; the account id follows from the name alone."""
        found = self.users.get(name)
        if found is None:
            taken = {user.account_id for user in self.users.values()}
            account_id = 1_000_000 + zlib.crc32(name.encode()) % 8_000_000
            while account_id in taken:
                account_id += 1
            found = User(name=name, account_id=account_id, joined_ms=self._clock.now_ms(), library=Library())
            self.users[name] = found
        return found

    def grant(self, app: App, user: User, scope: str) -> Link:
        """Link a user: AUTH V2 makes a new grant each time, AUTH V1 returns the one there is."""
        now = self._clock.now_ms()
        if app.generation == "v1":
            for link in self.links:
                if link.app == app and link.user is user:
                    return link
            token = self.random_text(64, string.hexdigits[:16])
            link = Link(app=app, user=user, scope="public", access=token, access_until_ms=now + V1_LIFE_S * 1000)
        else:
            link = Link(
                app=app,
                user=user,
                scope=scope,
                access=f"simkl_at_{self.random_text(34)}",
                access_until_ms=now + ACCESS_LIFE_S * 1000,
                refresh=f"simkl_rt_{self.random_text(34)}",
                refresh_until_ms=now + REFRESH_LIFE_S * 1000,
            )
        self.links.append(link)
        return link

    def granted(self, link: Link) -> Grant:
        """Describe a grant as its owner gets to know it."""
        return Grant(
            access_token=link.access,
            refresh_token=link.refresh,
            expires_in=V1_LIFE_S if link.app.generation == "v1" else ACCESS_LIFE_S,
            scope=link.scope,
            account_id=link.user.account_id,
        )

    def by_access(self, token: str) -> Link | None:
        """Return the grant whose access token this is, unless it ran out."""
        now = self._clock.now_ms()
        return next((link for link in self.links if link.access == token and now < link.access_until_ms), None)

    def refresh(self, app: App, token: str, scope: str | None) -> Link:
        """Exchange a refresh token: the same comes back, the old access token dies at once.

        Raises RefreshError (`invalid_grant`, `invalid_scope`).
        """
        now = self._clock.now_ms()
        for link in self.links:
            if token and link.refresh == token and link.app == app and now < link.refresh_until_ms:
                if scope is not None and not set(scope.split()) <= set(link.scope.split()):
                    raise RefreshError("invalid_scope")
                link.access = f"simkl_at_{self.random_text(34)}"
                link.access_until_ms = now + ACCESS_LIFE_S * 1000
                link.refresh_until_ms = now + REFRESH_LIFE_S * 1000
                link.fresh = True
                return link
        raise RefreshError("invalid_grant")

    def revoke_token(self, token: str) -> None:
        """End the grant that one of its tokens names; unknown tokens are passed over."""
        self.links = [link for link in self.links if token not in (link.access, link.refresh) or not token]

    def revoke_user(self, name: str) -> int:
        """End every grant of a user, as the user may on Simkl's pages; return how many there were."""
        before = len(self.links)
        self.links = [link for link in self.links if link.user.name != name]
        return before - len(self.links)
