"""What can go wrong at Simkl, named by what happens next."""

from typing import Literal, TypeAlias

Cause: TypeAlias = Literal["busy", "rate", "quota", "server", "network"]
HaltCause: TypeAlias = Literal["client_id", "block"]


class SimklError(Exception):
    """The base. `reason` is in plain words, `status` the HTTP status if there was one, `code` Simkl's own `error`.

    `maybe_done` is True where the request, or a part of it, may have been carried out although no answer says so.
    """

    maybe_done = False

    def __init__(self, reason: str, *, status: int | None = None, code: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.code = code


class NotLinked(SimklError):  # noqa: N818  # named by what happens next
    """There is no usable token for this account: somebody must sign in. Nothing that waits is lost by it."""


class RetryLater(SimklError):  # noqa: N818
    """It may work later.

    `after_s` is the earliest sensible time from now; None leaves it to the caller's own schedule. `cause`: the account's
    write lock, the rate per second, the day's allowance, a fault at Simkl, or the way there.
    """

    def __init__(
        self,
        reason: str,
        *,
        after_s: float | None,
        cause: Cause,
        maybe_done: bool = False,
        status: int | None = None,
        code: str = "",
    ) -> None:
        super().__init__(reason, status=status, code=code)
        self.after_s = after_s
        self.cause: Cause = cause
        self.maybe_done = maybe_done


class HaltAll(SimklError):  # noqa: N818
    """412: no call with this client_id may be made for `after_s` seconds, whatever the account.

    Simkl answers a wrong or suspended client_id and a block for too many calls alike (simkl-api.md 8.1); `cause` is the
    likelier of the two, and `reason` says both.
    """

    def __init__(
        self, reason: str, *, after_s: float, cause: HaltCause, status: int | None = 412, code: str = ""
    ) -> None:
        super().__init__(reason, status=status, code=code)
        self.after_s = after_s
        self.cause: HaltCause = cause


class Rejected(SimklError):  # noqa: N818
    """Simkl will never take this, or it cannot even be said: sending the same again is of no use."""


class NoMatch(SimklError):  # noqa: N818
    """Simkl does not know the title or the episode (404 `id_err`), whichever way we named it."""
