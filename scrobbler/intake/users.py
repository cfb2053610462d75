"""Who watches: the users of a source and the accounts they are (design.md 1.4)."""

from collections.abc import Mapping

from scrobbler.api import Names, User

ANYBODY = "*"


def as_list(names: Names) -> tuple[str, ...]:
    """Take one name or a list of them."""
    return (names,) if isinstance(names, str) else tuple(names)


class UserMap:
    """The `users:` of one source. Names and ids are compared without case; ids also without dashes."""

    def __init__(self, users: Mapping[str, Names]) -> None:
        self._accounts = {_fold(name): as_list(accounts) for name, accounts in users.items()}

    def accounts(self, user: User) -> tuple[str, ...] | None:
        """Return the accounts that a user is; None when nobody said."""
        for name in (user.id, user.name):
            if not name:
                continue
            for form in (_fold(name), _fold(name).replace("-", "")):
                if form in self._accounts:
                    return self._accounts[form]
        return self._accounts.get(ANYBODY)


def _fold(name: str) -> str:
    return name.strip().casefold()
