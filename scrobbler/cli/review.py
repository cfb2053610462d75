"""`scrobbler review`: plays that need a decision."""

from collections.abc import Iterator
from pathlib import Path

import click

from scrobbler.cli.common import config_option, load, now_ms, show_json, table


@click.command("review")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(config_file: Path | None, *, as_json: bool) -> None:
    """Show the plays that could not be recognised, or that Simkl refused, and what can be done."""
    from scrobbler.cli.offline import open_store
    from scrobbler.status.formatting import moment
    from scrobbler.store.database import FILE_NAME
    from scrobbler.store.reading import undecided

    _, state_dir = load(config_file)
    with open_store(state_dir / FILE_NAME) as connection:
        plays = undecided(connection)
    if as_json:
        show_json(plays)
        return
    parked = list(_parked(config_file))
    for line in parked:
        click.echo(line)
    if not plays:
        if not parked:
            click.echo("nothing needs a decision")
        return
    now = now_ms()
    click.echo(table([one.id, moment(one.began_utc_ms, now), one.account, one.title, one.outcome] for one in plays))
    first = plays[0].id
    click.echo(
        f"\n`scrobbler fix {first} --movie TITLE --year YEAR` or `scrobbler fix {first} --show TITLE --season 1 --episode 2` "
        f"says what it was;\n`scrobbler retry {first}` sends it again as it is; `scrobbler why {first}` tells more."
    )


def _parked(config_file: Path | None) -> Iterator[str]:
    """Say whose plays wait for a link, and what is to be done about it."""
    from scrobbler.cli.status import ask
    from scrobbler.status.sentences import account_words

    status = ask(config_file)
    due = {one.account: one.due for one in status.queue}
    for account in status.accounts:
        if not account.linked and due.get(account.name):
            what = "1 play of {} waits" if due[account.name] == 1 else f"{due[account.name]} plays of {{}} wait"
            yield f"{what.format(account.name)}: {account_words(account, status.now_utc_ms)}"
