"""From which percentage on a play counts as watched, for one account and one kind of work."""

from typing import Literal

from msgspec import UnsetType

from scrobbler.config.models import DEFAULT_PERCENT, Config, Watched


def watched_percent(config: Config, account: str, kind: Literal["movie", "episode"]) -> float:
    """Give the percentage (1 to 100): the account's own, else the general one, else 80.

    An account that is not configured (any more) has the general percentage.
    """
    own = config.accounts.get(account)
    for setting in (own.watched_percent if own else None, config.watched_percent):
        value = getattr(setting, kind) if isinstance(setting, Watched) else setting
        if value is not None and not isinstance(value, UnsetType):
            return float(value)
    return DEFAULT_PERCENT
