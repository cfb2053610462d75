"""`scrobbler status`: how everything stands."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scrobbler.cli.common import config_option, load, show_json, table

if TYPE_CHECKING:
    from scrobbler.status.report import StatusReport


@click.command("status")
@config_option
@click.option("--json", "as_json", is_flag=True, help="What /api/status answers, for programs.")
def command(config_file: Path | None, *, as_json: bool) -> None:
    """Show accounts, sources, what plays now, what waits, and the last requests to Simkl.

    Asks the running daemon. Without one it shows what is stored, and says so.
    """
    status = ask(config_file)
    if as_json:
        show_json(status)
        return
    click.echo("\n".join(_lines(status)))


def ask(config_file: Path | None) -> "StatusReport":
    """Ask the running daemon how everything stands, or look into the store where none runs."""
    import asyncio

    from scrobbler.cli.offline import OfflineHouse
    from scrobbler.control.client import NoDaemonError, call
    from scrobbler.status.report import from_values, report

    loaded, state_dir = load(config_file)
    try:
        return from_values(call(state_dir, "status"))
    except NoDaemonError:
        return asyncio.run(report(OfflineHouse(loaded.config, state_dir)))


def _lines(status: "StatusReport") -> Iterator[str]:
    from scrobbler.status.formatting import moment, span
    from scrobbler.status.sentences import account_words, playing_words, source_words

    now = status.now_utc_ms
    if status.running and status.started_utc_ms is not None:
        yield f"scrobblerd {status.version}, running since {moment(status.started_utc_ms, now)}"
    else:
        yield f"scrobblerd {status.version}, no daemon runs" if not status.running else f"scrobblerd {status.version}"
    yield from _section("Faults", [[fault] for fault in status.faults])
    playing = [
        [one.play, one.title, one.account, one.device or one.source, playing_words(one)] for one in status.playing
    ]
    if status.running:
        yield from _section("Playing now", playing or [["nothing"]])
    yield from _section("Accounts", [[one.name, account_words(one, now)] for one in status.accounts])
    yield from _section("Sources", [[one.name, one.type, source_words(one, now)] for one in status.sources])
    waiting = [
        [one.account, f"{one.due} to deliver, the oldest for {span(now - one.oldest_utc_ms)}"] for one in status.queue
    ]
    yield from _section("Waiting for Simkl", waiting)
    requests = [
        [moment(one.utc_ms, now), one.account, one.action, one.title, one.result or "its answer is awaited"]
        for one in status.deliveries
    ]
    yield from _section("Last requests to Simkl", requests)
    if status.undecided:
        yield f"\n{status.undecided} need a decision: `scrobbler review`"


def _section(title: str, rows: list[list[str]]) -> Iterator[str]:
    if rows:
        yield f"\n{title}"
        yield table(rows, indent="  ")
