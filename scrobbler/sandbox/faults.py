"""Faults that a test injects (simkl-api.md 12.37)."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

FaultKind: TypeAlias = Literal[
    "status",  # answer with `status` and nothing done, perhaps with `Retry-After`
    "drop_before",  # close the connection, nothing done
    "drop_after",  # do it, then close the connection without an answer
    "slow",  # take `seconds` over it (a write holds its lock meanwhile), then answer
    "html",  # answer with an HTML page and `status`, nothing done
    "truncated",  # do it, then answer with half of the JSON
    "unauthorized",  # answer 401 although the token is good
    "clock_jump",  # move the server's clock by `seconds`, then go on
]


class Fault(Struct, kw_only=True, forbid_unknown_fields=True):
    """One fault and which calls it meets.

    It meets calls whose path begins with `path`, of `method` and `user`, where these are given; `count` times, None: until
    cleared. `seconds` is for `slow` and `clock_jump`; `status` and `retry_after` (s) for `status` and `html`.
    """

    kind: FaultKind
    status: Annotated[int, Meta(ge=200, le=599)] = 503
    retry_after: int | None = None
    seconds: float = 25.0
    path: str = ""
    method: str = ""
    user: str = ""
    count: Annotated[int, Meta(ge=1)] | None = 1

    def meets(self, method: str, path: str, user: str | None) -> bool:
        """Say whether a call is one that this fault waits for."""
        return (
            path.startswith(self.path)
            and self.method in ("", method)
            and self.user in ("", user or "")
            and self.count != 0
        )


class Faults:
    """The faults that wait."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, method: str, path: str, user: str | None) -> Fault | None:
        """Return the first fault that meets a call, and count it."""
        for fault in self.waiting:
            if fault.meets(method, path, user):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self.waiting.remove(fault)
                return fault
        return None
