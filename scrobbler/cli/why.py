"""`scrobbler why`: the whole chain of one play."""

from datetime import UTC, datetime
from pathlib import Path

import click

from scrobbler.cli.common import config_option, load, plain, play_id, show_json


@click.command("why")
@config_option
@click.argument("play")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(config_file: Path | None, play: str, *, as_json: bool) -> None:
    """Tell all that happened to PLAY: what the player said, how it was judged, what Simkl answered.

    PLAY is an id that `scrobbler history` shows.
    """
    from scrobbler.cli.offline import open_store, waiting_reasons
    from scrobbler.store.database import FILE_NAME
    from scrobbler.store.explain import why

    loaded, state_dir = load(config_file)
    name = play_id(play)
    with open_store(state_dir / FILE_NAME) as connection:
        story = why(connection, name, waiting_reasons(connection, loaded.config, state_dir))
    if story is None:
        raise click.ClickException(f"there is no play {name}; `scrobbler history` shows those that there are")
    if as_json:
        show_json(story)
        return
    found = story.play
    click.echo(plain(f"{found.id}: {found.title}, {found.account}: {found.outcome}"))
    if found.link:
        click.echo(found.link)
    day = ""
    for line in story.lines:
        then = datetime.fromtimestamp(line.utc_ms / 1000, UTC).astimezone()
        if f"{then:%A, %Y-%m-%d}" != day:
            day = f"{then:%A, %Y-%m-%d}"
            click.echo(f"\n{day}")
        click.echo(f"  {then:%H:%M:%S}  {plain(line.text)}")
