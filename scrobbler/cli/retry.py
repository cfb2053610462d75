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
    from scrobbler.control.client import NoDaemonError, call

    _, state_dir = load(config_file)
    name = None if play is None else play_id(play)
    try:
        count, later = int(call(state_dir, "retry", play=name)), ""
    except NoDaemonError:
        count, later = _note(state_dir, name), " when the daemon runs again"
    if count == 0:
        raise click.ClickException("nothing was refused" if name is None else _why_nothing(state_dir, name))
    click.echo(f"{count} {'fact is' if count == 1 else 'facts are'} sent again{later}")


def _why_nothing(state_dir: Path, play: str) -> str:
    from scrobbler.cli.offline import open_store
    from scrobbler.store.database import FILE_NAME
    from scrobbler.store.reading import find_play

    with open_store(state_dir / FILE_NAME) as connection:
        if find_play(connection, play) is None:
            return f"there is no play {play}; `scrobbler history` shows those that there are"
    return f"{play} has nothing that could be sent again"


def _note(state_dir: Path, play: str | None) -> int:
    from scrobbler.cli.owner import change
    from scrobbler.store.outbox import reopen

    return change(state_dir, lambda connection: reopen(connection, play))
