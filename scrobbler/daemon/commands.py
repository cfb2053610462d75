"""What the command line may ask of a running daemon."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from scrobbler.api import PlayerEvent, Work, describe
from scrobbler.control.server import ControlError
from scrobbler.engine.correcting import CorrectionError, correct
from scrobbler.status.report import StatusReport, report
from scrobbler.store import outbox

if TYPE_CHECKING:
    from scrobbler.control.server import Handler, Streamer
    from scrobbler.daemon.app import Daemon


def handlers(daemon: "Daemon") -> Mapping[str, "Handler"]:
    """List the commands that answer once."""

    async def status(_args: dict[str, Any]) -> StatusReport:
        return await report(daemon.view)

    async def retry(args: dict[str, Any]) -> int:
        play = args.get("play")
        count = await daemon.database.write(lambda connection: outbox.reopen(connection, play))
        daemon.accounts.wake(list(daemon.accounts.senders))
        return count

    async def pause(args: dict[str, Any]) -> list[str]:
        accounts = _accounts(daemon, args.get("account"))
        for account in accounts:
            await daemon.privacy.hide(account, int(args["until_utc_ms"]))
            await daemon.engine.hide(account)
        return accounts

    async def resume(args: dict[str, Any]) -> list[str]:
        accounts = _accounts(daemon, args.get("account"))
        for account in accounts:
            await daemon.privacy.show(account)
        return accounts

    async def fix(args: dict[str, Any]) -> str:
        work: Work = msgspec.convert(args["work"], Work, strict=False)
        try:
            words = await correct(daemon.engine, daemon.database, daemon.clock, str(args["play"]), work)
        except CorrectionError as error:
            raise ControlError(str(error)) from None
        daemon.accounts.wake(list(daemon.accounts.senders))
        return f"{args['play']} is {describe(work)} now; {words}"

    async def link_changed(_args: dict[str, Any]) -> bool:
        await daemon.accounts.settle_owners()
        daemon.accounts.check_links(daemon.supervisor)
        return True

    return {
        "status": status,
        "retry": retry,
        "pause": pause,
        "resume": resume,
        "fix": fix,
        "link_changed": link_changed,
    }


def _accounts(daemon: "Daemon", name: str | None) -> list[str]:
    known = list(daemon.config.accounts)
    if name is None:
        return known
    if name not in known:
        raise ControlError(f"there is no account {name}; accounts are {', '.join(known)}")
    return [name]


def streams(daemon: "Daemon") -> Mapping[str, "Streamer"]:
    """List the commands that go on answering."""

    async def test(args: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        source = daemon.sources.get(str(args.get("source")))
        if source is None:
            names = ", ".join(one.name for one in daemon.sources) or "none"
            raise ControlError(f"there is no running source {args.get('source')}; running are {names}")
        queue: asyncio.Queue[tuple[PlayerEvent, str]] = asyncio.Queue(1000)
        watch: Callable[[PlayerEvent, str], None] = lambda event, words: _offer(queue, event, words)  # noqa: E731
        source.watchers.append(watch)
        try:
            while True:
                event, words = await queue.get()
                yield {"event": event, "words": words}
        finally:
            source.watchers.remove(watch)

    return {"test": test}


def _offer(queue: "asyncio.Queue[tuple[PlayerEvent, str]]", event: PlayerEvent, words: str) -> None:
    if not queue.full():
        queue.put_nowait((event, words))
