"""`scrobbler pause`: private mode."""

from pathlib import Path

import click

from scrobbler.cli.common import check_account, config_option, load, now_ms


@click.command("pause")
@config_option
@click.argument("duration", required=False)
@click.option("--account", metavar="ACCOUNT", help="Only this account; otherwise all.")
def command(config_file: Path | None, duration: str | None, account: str | None) -> None:
    """Begin private mode: nothing that is watched is recorded, for DURATION (90m, 2h, 1d) or until `scrobbler resume`.

    What plays at this moment is let go of.
    """
    from scrobbler.control.client import NoDaemonError, call
    from scrobbler.status.formatting import until

    loaded, state_dir = load(config_file)
    check_account(account, loaded.config.accounts)
    now = now_ms()
    end = _end(duration, now)
    try:
        names = [str(name) for name in call(state_dir, "pause", account=account, until_utc_ms=end)]
    except NoDaemonError:
        names = [account] if account is not None else list(loaded.config.accounts)
        _note(state_dir, names, end)
    click.echo(f"private {until(end, now)}: {', '.join(names)}")


def _end(duration: str | None, now_utc_ms: int) -> int:
    from scrobbler.config.values import ValueProblemError, parse_duration
    from scrobbler.status.formatting import FOREVER_MS

    if duration is None:
        return FOREVER_MS
    try:
        seconds = parse_duration(duration)
    except ValueProblemError as error:
        raise click.UsageError(f"DURATION {duration!r} {error}") from None
    if seconds <= 0:
        raise click.UsageError("DURATION must be longer than nothing; `scrobbler resume` ends the private mode")
    return min(FOREVER_MS, now_utc_ms + int(seconds * 1000))


def _note(state_dir: Path, names: list[str], end_utc_ms: int) -> None:
    from scrobbler.cli.offline import read_pauses
    from scrobbler.cli.owner import change
    from scrobbler.cli.resume import keep_pauses
    from scrobbler.store.database import Connection

    def work(connection: Connection) -> None:
        keep_pauses(connection, {**read_pauses(connection), **dict.fromkeys(names, end_utc_ms)})

    change(state_dir, work)
