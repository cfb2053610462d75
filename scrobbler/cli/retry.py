"""`scrobbler retry`: send again what was refused."""

from pathlib import Path

import click

from scrobbler.cli.common import config_option, load, play_id


@click.command("retry")
@config_option
@click.argument("play", required=False)
def command(config_file: Path | None, play: str | None) -> None:
    """Send PLAY again, or everything that Simkl refused.

    Without a running daemon it is noted, and sent when the daemon runs again.
    """
    from scrobbler.control.client import NoDaemonError, call  # noqa: PLC0415 (only when the command runs)

    _, state_dir = load(config_file)
    name = None if play is None else play_id(play)
    try:
        count, later = int(call(state_dir, "retry", play=name)), ""
    except NoDaemonError:
        count, later = _note(state_dir, name), " when the daemon runs again"
    if count == 0:
        raise click.ClickException(
            "nothing was refused" if name is None else f"{name} has nothing that could be sent again"
        )
    click.echo(f"{count} {'fact is' if count == 1 else 'facts are'} sent again{later}")


def _note(state_dir: Path, play: str | None) -> int:
    from scrobbler.cli.owner import change  # noqa: PLC0415
    from scrobbler.store.ledger import reopen  # noqa: PLC0415

    return change(state_dir, lambda connection: reopen(connection, play))
