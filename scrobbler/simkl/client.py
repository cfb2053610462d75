"""The client: what the daemon asks of Simkl, in the daemon's own words."""

import random as random_module
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias

import structlog

from scrobbler.api import Episode, Movie, Work
from scrobbler.clock import Clock
from scrobbler.http import HttpClient
from scrobbler.simkl import history as batches
from scrobbler.simkl import replies
from scrobbler.simkl.allowance import Allowance
from scrobbler.simkl.calls import Calls, unreadable
from scrobbler.simkl.errors import NoMatch, SimklError
from scrobbler.simkl.payloads import Form, Watch, forms, percent
from scrobbler.simkl.replies import AccountInfo, HistoryReply, ScrobbleReply
from scrobbler.simkl.token_store import Grants
from scrobbler.simkl.wire import Reply

Action: TypeAlias = Literal["start", "pause", "stop"]

REMEMBERED_FORMS = 128

log = structlog.get_logger()


class Simkl:
    """Everything that the daemon does at Simkl for its accounts.

    All methods raise the errors of `scrobbler.simkl.errors` and nothing else for what goes wrong outside. Writes made inside
    `turn` use that turn; made without, they take one.
    """

    def __init__(
        self,
        *,
        client_id: str,
        api_url: str,
        http: Callable[[], HttpClient],
        clock: Clock,
        grants: Grants,
        random: random_module.Random,
    ) -> None:
        self.client_id = client_id
        self.grants = grants
        self._calls = Calls(client_id=client_id, api_url=api_url, http=http, clock=clock, grants=grants, random=random)
        self._form_that_matched: dict[Work, int] = {}

    @asynccontextmanager
    async def turn(self, account: str) -> AsyncIterator[None]:
        """Wait for the right to one write: nothing else in flight, and 1.1 s since the last (rules.md rule 16).

        Decide what to write after this has been entered: what was true before the wait may be true no more.
        """
        lane = self._calls.lane(account)
        async with lane.hold():
            await lane.space()
            yield

    async def scrobble(
        self, account: str, action: Action, work: Work, progress: float, *, rewatch: bool = False
    ) -> ScrobbleReply:
        """Send a start, pause or stop at `progress` percent. 409 comes back as `already`, which is success.

        Where Simkl does not know the work by its best name, the next best is tried in the same turn. Rewatch is asked for on a
        completing stop alone: on a start it would apply to another title (simkl-api.md 4.6).
        """
        ways = forms(work)
        done = percent(progress)
        params = {"allow_rewatch": "yes"} if rewatch and action == "stop" and done >= 80 else None
        first = min(self._form_that_matched.get(work, 0), len(ways) - 1)
        order = [first, *(index for index in range(len(ways)) if index != first)]
        async with self._calls.lane(account).hold():
            reply = await self._first_match(account, f"/scrobble/{action}", [(i, ways[i]) for i in order], done, params)
        self._remember(work, reply[0])
        if reply[1].status == 409:
            return replies.already(reply[1])
        read = replies.scrobble(reply[1], work)
        if read is None:
            raise unreadable(reply[1])
        return read

    async def history(self, account: str, watches: Sequence[Watch], *, rewatch: bool = False) -> HistoryReply:
        """Write up to 50 watches with their true times, in order. Raises ValueError for more, or for none.

        What Simkl did not find by its best name is sent once more by the next best; `not_found` holds the places of the rest,
        and of those that cannot be named at all.
        """
        if not 0 < len(watches) <= batches.BATCH:
            raise ValueError(f"a history write takes 1 to {batches.BATCH} watches, not {len(watches)}")
        ways: dict[int, tuple[Form, ...]] = {}
        for index, watch in enumerate(watches):
            try:
                ways[index] = forms(watch.work)
            except SimklError as error:
                log.info("watch cannot be named", why=error.reason)
        params = {"allow_rewatch": "yes"} if rewatch else None
        open_ones, taken = set(ways), False
        async with self._calls.lane(account).hold():
            for attempt in range(max((len(found) for found in ways.values()), default=0)):
                entries = [
                    batches.Entry(index=index, form=ways[index][attempt], at_utc_ms=watches[index].at_utc_ms)
                    for index in sorted(open_ones)
                    if attempt < len(ways[index])
                ]
                if not entries:
                    break
                try:
                    missing = await self._write_history(account, entries, params)
                except SimklError as error:
                    error.maybe_done = error.maybe_done or taken
                    raise
                taken = taken or len(missing) < len(entries)
                open_ones -= {entry.index for entry in entries} - missing
                if not open_ones:
                    break
        return HistoryReply(not_found=frozenset(range(len(watches))) - (frozenset(ways) - open_ones))

    async def delete_playback(self, account: str, playback_id: int) -> None:
        """Delete a saved position; that it is gone already is fine."""
        reply = await self._calls.call(account, "DELETE", f"/sync/playback/{playback_id}")
        if not reply.ok and reply.status != 404:
            raise self._calls.refusal(account, reply)

    async def settings(self, account: str) -> AccountInfo:
        """Ask who the account at Simkl is, and keep name and plan with the token."""
        reply = await self._calls.call(account, "GET", "/users/settings")
        if not reply.ok:
            raise self._calls.refusal(account, reply)
        info = replies.account(reply)
        if info is None:
            raise unreadable(reply)
        await self.grants.describe(account, account_id=info.account_id, name=info.name, plan=info.plan)
        return info

    async def search_file(self, account: str, path_tail: str, part: int = 1) -> Movie | Episode | None:
        """Ask what a file is by the last parts of its path; `part` counts the episodes in the file from 1.

        None where Simkl does not know it, or knows the series alone. It counts as a write, and takes a turn.
        """
        reply = await self._calls.call(account, "POST", "/search/file", json={"file": path_tail, "part": part})
        if not reply.ok:
            raise self._calls.refusal(account, reply)
        return replies.work(reply.fields)

    def allowance(self, account: str) -> Allowance:
        """Tell what Simkl last said about the day's calls of this account."""
        return self._calls.allowance(account)

    async def _first_match(
        self,
        account: str,
        path: str,
        ways: Sequence[tuple[int, Form]],
        progress: float,
        params: Mapping[str, str] | None,
    ) -> tuple[int, Reply]:
        refusal: SimklError | None = None
        for index, form in ways:
            reply = await self._calls.call(account, "POST", path, json=form.scrobble(progress), params=params)
            if reply.ok or reply.status == 409:
                self._calls.note_accepted(account)
                return index, reply
            refusal = self._calls.refusal(account, reply)
            if not isinstance(refusal, NoMatch):
                break
        assert refusal is not None
        raise refusal

    def _remember(self, work: Work, form: int) -> None:
        self._form_that_matched.pop(work, None)
        if form:
            self._form_that_matched[work] = form
        while len(self._form_that_matched) > REMEMBERED_FORMS:
            self._form_that_matched.pop(next(iter(self._form_that_matched)))

    async def _write_history(
        self, account: str, entries: Sequence[batches.Entry], params: Mapping[str, str] | None
    ) -> frozenset[int]:
        reply = await self._calls.call(account, "POST", "/sync/history", json=batches.body(entries), params=params)
        if reply.status == 409:
            return frozenset()
        if not reply.ok:
            raise self._calls.refusal(account, reply)
        self._calls.note_accepted(account)
        if "added" not in reply.fields and "not_found" not in reply.fields:
            raise unreadable(reply)
        return batches.not_found(reply.fields, entries)
