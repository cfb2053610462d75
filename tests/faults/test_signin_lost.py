"""A link that Simkl takes back: the queue is parked and not dropped, it is told once, and goes on after linking again."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from scrobbler.api import Ids, Movie
from scrobbler.clock import iso
from scrobbler.sandbox.orders import AddTitle
from scrobbler.simkl import tokens
from scrobbler.status.sentences import account_words
from tests.faults.house import FILM, House, open_house

pytestmark = pytest.mark.anyio

SECOND = Movie(title="The Other Example", year=2015, ids=Ids(imdb="tt9000007"))


async def _lose(house: House) -> None:
    """Let Alice take the link back at Simkl, and watch two films."""
    order = AddTitle(kind="movie", title=SECOND.title, year=2015, ids={"imdb": "tt9000007"}, runtime=10)
    house.sandbox.add_title(order)
    house.sandbox.state.people.revoke_user("alice")
    await house.watch()
    await house.passes(60)
    await house.watch(SECOND)
    await house.passes(60)


async def _words(house: House) -> str:
    status = await house.status()
    return account_words(status.accounts[0], status.now_utc_ms)


async def _sign_in(house: House, user: str) -> None:
    """Answer the daemon's sign-in at Simkl as this user, as the chore of every minute begins it."""
    house.daemon.accounts.check_links(house.daemon.supervisor)
    await house.passes(10)
    (account,) = (await house.status()).accounts
    assert account.sign_in is not None
    assert account.sign_in.code in await _words(house)
    assert house.sandbox.signin.decide(account.sign_in.code, "approve", user) is not None
    await house.passes(30)


async def test_parked_and_told_once(tmp_path: Path) -> None:
    """After a 401 that no renewal mends nothing more is sent, both watches wait, and the log says it once."""
    async with open_house(tmp_path) as house:
        await _lose(house)
        assert house.told() == ["start 401", "refresh 400"]
        status = await house.status()
        assert [(one.account, one.due) for one in status.queue] == [("alice", 2)]
        assert "withdrawn" in await _words(house)
        assert "scrobbler auth alice" in await _words(house)
        for _ in range(3):
            house.daemon.accounts.check_links(house.daemon.supervisor)
            await house.passes(60)
        (warned,) = [line for line in house.logs if line["level"] == "warning"]
        assert warned["event"] == "account is not linked"
        assert "withdrawn" in warned["reason"]
        assert await house.health() == 200, "an account that is not linked is no fault of the daemon"


async def test_the_same_account_again(tmp_path: Path) -> None:
    """After linking to the same account both watches arrive, in order, with the times when they were watched."""
    async with open_house(tmp_path) as house:
        ended = house.clock.now().utc_ms + 600_000
        await _lose(house)
        await _sign_in(house, "alice")
        await house.settled()
        history = house.simkl().history
        assert [(watch.title, watch.source) for watch in history] == [
            (FILM.title, "history"),
            (SECOND.title, "history"),
        ]
        assert history[0].watched_at == iso(ended)
        assert history[1].watched_at == iso(ended + 660_000)
        assert "linked as alice" in await _words(house)


async def test_another_account_is_refused(tmp_path: Path) -> None:
    """A link to another account at Simkl gets nothing of the queue; it is refused and said, and the queue still waits."""
    async with open_house(tmp_path) as house:
        await _lose(house)
        await _sign_in(house, "bob")
        (refused,) = house.logged("linked with another account, refused")
        assert (refused["before"], refused["now"]) == ("alice", "bob")
        assert house.simkl("bob").history == []
        assert house.simkl("bob").grants == 0, "the unwanted link is withdrawn"
        assert [one.due for one in (await house.status()).queue] == [2]
        await _sign_in(house, "alice")
        await house.settled()
        assert len(house.simkl().history) == 2


async def test_linked_by_another_process(tmp_path: Path) -> None:
    """`scrobbler auth` writes the token file; the running daemon goes on at the next look, without a restart."""
    async with open_house(tmp_path) as house:
        await _lose(house)
        house.link()
        house.daemon.accounts.check_links(house.daemon.supervisor)
        await house.settled()
        assert len(house.simkl().history) == 2


async def test_a_restart_keeps_the_queue(tmp_path: Path) -> None:
    """What is parked is still there after a restart, and drains when the account is linked."""
    async with open_house(tmp_path) as house:
        await _lose(house)
        await house.end()
        await house.start()
        assert [one.due for one in (await house.status()).queue] == [2]
        house.link()
        await house.passes(10)
        house.daemon.accounts.check_links(house.daemon.supervisor)
        await house.settled()
        assert len(house.simkl().history) == 2


async def test_what_was_watched_before_the_first_link(tmp_path: Path) -> None:
    """Plays are collected before anybody has signed in, and delivered with their true times afterwards."""
    async with open_house(tmp_path, linked=False) as house:
        ended = house.clock.now().utc_ms + 600_000
        await house.watch()
        house.link()
        house.daemon.accounts.check_links(house.daemon.supervisor)
        await house.settled()
        (watch,) = house.simkl().history
        assert watch.watched_at == iso(ended)


async def _look(house: House) -> None:
    """Do what the daemon does every minute, and at once when `scrobbler auth` tells it."""
    await house.daemon.accounts.settle_owners()
    house.daemon.accounts.check_links(house.daemon.supervisor)
    await house.passes(10)


def _unlink(house: House) -> None:
    """Take the token out of the file, as `scrobbler auth --unlink` does, or whoever moves a damaged file away."""
    tokens.save(house.state / "tokens.json", {})


async def test_unlinked_and_signed_in_as_another(tmp_path: Path) -> None:
    """Also without the old token the daemon's own sign-in gives nobody else's account what waits; the status says why."""
    async with open_house(tmp_path) as house:
        await _lose(house)
        _unlink(house)
        await _look(house)
        await _sign_in(house, "bob")
        assert house.simkl("bob").history == []
        assert house.simkl("bob").grants == 0, "the unwanted link is withdrawn"
        words = await _words(house)
        assert "signed in as bob" in words
        assert "watched as alice" in words
        assert "scrobbler auth alice --replace" in words
        await _sign_in(house, "alice")
        await house.settled()
        assert len(house.simkl().history) == 2
        assert "bob" not in await _words(house)


async def test_a_link_of_another_behind_our_back(tmp_path: Path) -> None:
    """A token file with somebody else's link, also over a restart, delivers nothing until `--replace` says that it may."""
    async with open_house(tmp_path) as house:
        await _lose(house)
        for restart in (False, True):
            _unlink(house)
            bob = house.link("bob")
            if restart:
                await house.end()
                await house.start()
            await _look(house)
            await house.passes(3600)
            assert house.simkl("bob").history == []
            assert "watched as alice" in await _words(house)
            assert [one.due for one in (await house.status()).queue] == [2]
        alice = house.simkl("alice").account_id
        tokens.save(house.state / "tokens.json", {"alice": replace(bob, replaces=alice)})
        await _look(house)
        await house.settled()
        assert len(house.simkl("bob").history) == 2
        # From now on the account is Bob's.
        await _look(house)
        tokens.save(house.state / "tokens.json", {"alice": bob})
        await house.watch()
        await house.settled()
        assert "linked as bob" in await _words(house)


async def test_unlinked_with_nothing_waiting(tmp_path: Path) -> None:
    """Where nothing waits nobody is asked: the account is whose it is linked with next."""
    async with open_house(tmp_path) as house:
        await house.watch()
        await house.settled()
        _unlink(house)
        await _look(house)
        await _sign_in(house, "bob")
        await house.watch()
        await house.settled()
        assert [watch.title for watch in house.simkl("bob").history] == [FILM.title]
