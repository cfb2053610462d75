"""Accounts: who is signed in, who is woken, and when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast

import pytest

from scrobbler.clock import Clock, wait_for_either
from scrobbler.daemon.accounts import Accounts
from scrobbler.daemon.app import Daemon
from scrobbler.daemon.privacy import Privacy
from scrobbler.daemon.supervisor import Supervisor
from scrobbler.plays.model import NowPlaying
from scrobbler.plays.state import Change, State
from scrobbler.simkl.errors import NotLinked
from scrobbler.simkl.signin import Linked, OtherAccount, Prompt, SignIn
from scrobbler.store.database import FILE_NAME
from tests.kit.virtual import PaperSimkl, VirtualClock, open_inline, run_down

if TYPE_CHECKING:
    from scrobbler.simkl.client import Simkl
    from scrobbler.simkl.tokens import Token

pytestmark = pytest.mark.anyio


class Links:
    """Who is linked; that the file has changed is told once, to whoever asks first."""

    def __init__(self, *linked: str) -> None:
        self.linked_ones = set(linked)
        self.changed = False

    def reload_if_changed(self) -> bool:
        changed, self.changed = self.changed, False
        return changed

    def linked(self, account: str, _client_id: str) -> bool:
        return account in self.linked_ones

    def why_not(self, account: str, client_id: str) -> str:
        return "" if self.linked(account, client_id) else f"account '{account}' is not linked to Simkl"

    def get(self, _account: str) -> None:
        return None

    def belongs(self, _owners: object) -> None:
        pass


class Desk:
    """Signs people in, when the test says so."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self.answers: dict[str, asyncio.Future[Linked | OtherAccount]] = {}
        self.broken: Exception | None = None

    async def until_linked(
        self, account: str, say: Callable[[Prompt], None], _trouble: Callable[[str], None]
    ) -> Linked | OtherAccount:
        self.asked.append(account)
        if self.broken is not None:
            raise self.broken
        say(
            Prompt(
                account=account,
                code="CODE",
                link="https://s/pin",
                link_complete="https://s/pin/CODE",
                expires_utc_ms=self.clock.now().utc_ms + 900_000,
            )
        )
        self.answers[account] = asyncio.get_running_loop().create_future()
        return await self.answers[account]


class Rig:
    """Two accounts, of which alice is linked."""

    def __init__(self, database: Any) -> None:
        self.clock = VirtualClock()
        self.simkl = PaperSimkl(self.clock)
        self.links = Links("alice")
        cast("Any", self.simkl).grants = self.links
        self.desk = Desk(self.clock)
        self.state = State()
        self.supervisor = Supervisor(self.clock)
        self.accounts = Accounts(
            ["alice", "bob"],
            client_id="abc",
            simkl=cast("Simkl", self.simkl),
            signin=cast("SignIn", self.desk),
            state=lambda: self.state,
            database=database,
            clock=self.clock,
            random=Random(1),
            privacy=Privacy(database, self.clock),
        )

    def of(self, name: str) -> Any:
        """Say how an account stands."""
        return next(one for one in self.accounts.states() if one.name == name)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Accounts that are served."""
    database = await open_inline(tmp_path / FILE_NAME)
    made = Rig(database)
    end = asyncio.Event()
    runner = asyncio.ensure_future(made.supervisor.run(end))
    await run_down()
    made.accounts.serve(made.supervisor)
    await run_down()
    yield made
    end.set()
    await runner
    await database.close()


async def test_who_is_not_linked_is_signed_in(rig: Rig) -> None:
    """Sign-in starts by itself, once, and shows its code; who is linked is left alone."""
    rig.accounts.check_links(rig.supervisor)
    rig.accounts.check_links(rig.supervisor)
    await run_down()
    assert rig.desk.asked == ["bob"]
    assert rig.of("bob").sign_in.code == "CODE"
    assert rig.of("bob").parked == "account 'bob' is not linked to Simkl"
    assert rig.of("alice").sign_in is None


async def test_linking_wakes_the_sender(rig: Rig) -> None:
    """After the sign-in what waited is delivered, without another event."""
    rig.accounts.senders["bob"]._not_linked(NotLinked("not linked"))
    rig.links.linked_ones.add("bob")
    rig.desk.answers["bob"].set_result(Linked(account="bob", name="Bob", account_id=2, generation="V2"))
    await run_down()
    assert rig.accounts.senders["bob"].status.linked
    assert rig.of("bob").sign_in is None


async def test_a_link_made_elsewhere_is_noticed(rig: Rig) -> None:
    """`scrobbler auth` of another process: the sender goes on although somebody else saw the change of the file first."""
    sender = rig.accounts.senders["alice"]
    sender._not_linked(NotLinked("parked"))
    rig.links.changed = True
    assert rig.links.reload_if_changed()
    rig.accounts.check_links(rig.supervisor)
    assert sender.status.linked


async def test_a_link_that_is_lost_begins_a_sign_in(rig: Rig) -> None:
    """A token that Simkl refuses for good leads to a new code within a minute."""
    rig.links.linked_ones.clear()
    rig.accounts.check_links(rig.supervisor)
    await run_down()
    assert sorted(rig.desk.asked) == ["alice", "bob"]


async def test_a_failed_sign_in_is_tried_again_once(rig: Rig) -> None:
    """The supervisor begins it anew; looking after links meanwhile does not begin a second one beside it."""
    rig.desk.broken = RuntimeError("no way")
    rig.links.linked_ones.clear()
    rig.accounts.check_links(rig.supervisor)
    await run_down()
    assert rig.desk.asked.count("alice") == 1
    assert "sign-in alice" in rig.supervisor.faults
    rig.accounts.check_links(rig.supervisor)
    rig.desk.broken = None
    await rig.clock.advance(60)
    assert rig.desk.asked.count("alice") == 2


async def test_another_account_at_simkl_is_refused(rig: Rig) -> None:
    """Signed in as somebody else than before: nothing is taken over, and the next look offers a new code."""
    rig.desk.answers["bob"].set_result(
        OtherAccount(account="bob", old_name="Bob", new_name="Eve", token=cast("Token", None))
    )
    await run_down()
    assert not rig.of("bob").linked
    rig.accounts.check_links(rig.supervisor)
    await run_down()
    assert rig.desk.asked == ["bob", "bob"]


async def test_only_who_is_concerned_is_woken() -> None:
    """A step that changes one account's now playing wakes that account; one that moves positions alone wakes nobody."""
    woken: list[list[str]] = []

    class Bell:
        def wake(self, names: list[str]) -> None:
            woken.append(list(names))

    daemon = Daemon.__new__(Daemon)
    daemon._revisions = {}
    daemon.accounts = cast("Accounts", Bell())
    for revisions in ((1, 1), (1, 1), (1, 2)):
        names = zip(("alice", "bob"), revisions, strict=True)
        now_playing = {name: NowPlaying(account=name, revision=number) for name, number in names}
        daemon._on_change((), Change(now_playing=now_playing))
    assert woken == [["alice", "bob"], [], ["bob"]]


async def test_waiting_for_either_ends_with_the_first() -> None:
    """The event ends a wait early, the time ends it in any case, and no task or sleeper is left."""
    clock, event, before = VirtualClock(), asyncio.Event(), asyncio.all_tasks()
    for ring in (True, False):
        event.clear()
        waiting = asyncio.ensure_future(wait_for_either(clock, event, 10))
        await clock.advance(5)
        assert not waiting.done()
        if ring:
            event.set()
            await run_down()
        else:
            await clock.advance(6)
        assert waiting.done()
    await run_down()
    assert clock.sleepers == 0
    assert asyncio.all_tasks() == before
