"""`scrobbler fix`: say what a play really was."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scrobbler.cli.common import config_option, load, play_id

if TYPE_CHECKING:
    from scrobbler.api import Work


@click.command("fix")
@config_option
@click.argument("play")
@click.option("--movie", metavar="TITLE", help="It was this film.")
@click.option("--show", metavar="TITLE", help="It was an episode of this show.")
@click.option("--season", type=click.IntRange(0, 9999), help="The season; left out for absolute numbers (anime).")
@click.option("--episode", type=click.IntRange(0, 99999), help="The episode's number.")
@click.option("--year", type=click.IntRange(1870, 2200), help="The year of the film, or in which the show began.")
@click.option("--imdb", metavar="ID", help="Id of the film or show at IMDb, such as tt0111161.")
@click.option("--tmdb", metavar="ID", help="Id of the film or show at TMDB, a number.")
@click.option("--tvdb", metavar="ID", help="Id of the film or show at TheTVDB, a number.")
def command(config_file: Path | None, play: str, **given: Any) -> None:
    """Say what PLAY really was; it is recorded as that, with the time at which it was watched.

    The daemon must be running. Give --movie, or --show with --episode; ids make it certain.
    """
    import msgspec

    from scrobbler.control.client import NoDaemonError, call

    name = play_id(play)
    work = _work(**given)
    _, state_dir = load(config_file)
    try:
        said = call(state_dir, "fix", play=name, work=msgspec.to_builtins(work))
    except NoDaemonError:
        raise click.ClickException("`fix` needs the running daemon; start it first") from None
    click.echo(said or f"{name} is corrected")


def _work(
    *,
    movie: str | None,
    show: str | None,
    season: int | None,
    episode: int | None,
    year: int | None,
    imdb: str | None,
    tmdb: str | None,
    tvdb: str | None,
) -> "Work":
    from scrobbler.api import Episode, Ids, Movie, Show

    if (movie is None) == (show is None):
        raise click.UsageError("give either --movie TITLE or --show TITLE")
    if not (movie or show or "").strip():
        raise click.UsageError(f"{'--movie' if show is None else '--show'} needs a title")
    if imdb is not None and not re.fullmatch(r"tt\d{5,12}", imdb, re.ASCII):
        raise click.UsageError(f"--imdb {imdb!r} is no id of IMDb, it must be like tt0111161")
    for option, value in (("--tmdb", tmdb), ("--tvdb", tvdb)):
        if value is not None and not re.fullmatch(r"\d{1,12}", value, re.ASCII):
            raise click.UsageError(f"{option} {value!r} is no id, it must be a number")
    ids = Ids(imdb=imdb, tmdb=tmdb, tvdb=tvdb)
    if movie is not None:
        if season is not None or episode is not None:
            raise click.UsageError("a film has no --season and no --episode")
        return Movie(title=movie, year=year, ids=ids)
    assert show is not None
    if episode is None:
        raise click.UsageError("--show needs --episode, and --season unless the number is absolute")
    return Episode(show=Show(title=show, year=year, ids=ids), season=season, number=episode)
