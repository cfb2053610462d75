"""Who watches: the users of a source and the accounts they are (contract.md 1.4)."""

from collections.abc import Mapping

from msgspec import UnsetType

from scrobbler.api import Names, SourceOptions, User

ANYBODY = "*"


def as_list(names: Names) -> tuple[str, ...]:
    """Take one name or a list of them."""
    return (names,) if isinstance(names, str) else tuple(names)


def accounts_of(options: SourceOptions) -> set[str]:
    """Name every account that a source speaks of, as its `account` or among its `users`."""
    named = [] if isinstance(options.account, UnsetType) else [options.account]
    if not isinstance(options.users, UnsetType):
        named += options.users.values()
    return {account for names in named for account in as_list(names)}


class UserMap:
    """The `users:` of one source. Names and ids are compared without case; ids also without dashes."""

    def __init__(self, users: Mapping[str, Names]) -> None:
        self._accounts = {_fold(name): as_list(accounts) for name, accounts in users.items()}
        self._by_id = {_bare(name): accounts for name, accounts in self._accounts.items()}

    def accounts(self, user: User) -> tuple[str, ...] | None:
        """Return the accounts that a user is; None when nobody said."""
        if user.id and _bare(user.id) in self._by_id:
            return self._by_id[_bare(user.id)]
        if user.name and _fold(user.name) in self._accounts:
            return self._accounts[_fold(user.name)]
        return self.anybody()

    def anybody(self) -> tuple[str, ...] | None:
        """Return the accounts of who is not named; None when nobody said."""
        return self._accounts.get(ANYBODY)


def _fold(name: str) -> str:
    return name.strip().casefold()


def _bare(name: str) -> str:
    return _fold(name).replace("-", "")
