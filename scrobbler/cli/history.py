"""`scrobbler history`: plays and what became of them."""

from pathlib import Path

import click

from scrobbler.cli.common import config_option, load, now_ms, play_id, show_json, table


@click.command("history")
@config_option
@click.option("-n", "--number", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many plays.")
@click.option("--before", metavar="PLAY", help="Only plays older than this one.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(config_file: Path | None, number: int, before: str | None, *, as_json: bool) -> None:
    """Show plays, newest first, with their outcome.

    The first column is the id of the play, as `scrobbler why` takes it.
    """
    from scrobbler.cli.offline import open_store, waiting_reasons
    from scrobbler.status.formatting import moment
    from scrobbler.store.database import FILE_NAME
    from scrobbler.store.reading import history

    loaded, state_dir = load(config_file)
    oldest = None if before is None else play_id(before)
    with open_store(state_dir / FILE_NAME) as connection:
        plays = history(connection, number, oldest, waiting_reasons(connection, loaded.config, state_dir))
    if as_json:
        show_json(plays)
        return
    if not plays:
        click.echo("no plays yet")
        return
    now = now_ms()
    click.echo(
        table(
            [one.id, moment(one.watched_utc_ms or one.began_utc_ms, now), one.account, one.title, one.outcome]
            for one in plays
        )
    )
