"""Whose plays wait: the account at Simkl that each of ours was linked with, kept beside the outbox it is about.

The token file alone cannot say: unlinking takes the token out of it, and a damaged one is moved away by hand.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from scrobbler.simkl.token_store import Owner
from scrobbler.simkl.tokens import Token
from scrobbler.store import outbox
from scrobbler.store.database import Connection
from scrobbler.store.play_state import get_meta, set_meta

_KEY = "owners"
_OWNERS = msgspec.json.Decoder(dict[str, Owner])


def read(connection: Connection) -> dict[str, Owner]:
    """Read whose the plays of each account are."""
    text = get_meta(connection, _KEY)
    try:
        return _OWNERS.decode(text) if text else {}
    except msgspec.MsgspecError:
        return {}


def write(connection: Connection, owners: Mapping[str, Owner]) -> None:
    """Keep whose the plays of each account are."""
    set_meta(connection, _KEY, msgspec.json.encode(owners).decode())


def settled(
    connection: Connection, accounts: Sequence[str], token_of: Callable[[str], Token | None]
) -> dict[str, Owner]:
    """Say whose the plays of each account are now.

    An account goes over to who is linked now when nothing waits for it, or when somebody has said that it may.
    """
    owners, due = read(connection), outbox.count_due(connection)
    for name in accounts:
        now = _settled(owners.pop(name, None), token_of(name), waiting=due.get(name, 0))
        if now is not None:
            owners[name] = now
    return owners


def _settled(owner: Owner | None, token: Token | None, *, waiting: int) -> Owner | None:
    if token is None:
        return owner if waiting else None
    if not token.account_id or (owner is not None and waiting and not token.may_have(owner.account_id)):
        return owner
    return Owner(account_id=token.account_id, name=token.name)
