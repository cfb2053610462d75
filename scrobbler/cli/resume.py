"""`scrobbler resume`: the end of private mode."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scrobbler.cli.common import check_account, config_option, load

if TYPE_CHECKING:
    from scrobbler.store.database import Connection


@click.command("resume")
@config_option
@click.option("--account", metavar="ACCOUNT", help="Only this account; otherwise all.")
def command(config_file: Path | None, account: str | None) -> None:
    """End private mode: what is watched from now on is recorded again."""
    from scrobbler.control.client import NoDaemonError, call

    loaded, state_dir = load(config_file)
    check_account(account, loaded.config.accounts)
    try:
        names = [str(name) for name in call(state_dir, "resume", account=account)]
    except NoDaemonError:
        names = [account] if account is not None else list(loaded.config.accounts)
        _note(state_dir, names)
    click.echo(f"recording again: {', '.join(names)}")


def _note(state_dir: Path, names: list[str]) -> None:
    from scrobbler.cli.offline import read_pauses
    from scrobbler.cli.owner import change

    def work(connection: "Connection") -> None:
        pauses = {name: end for name, end in read_pauses(connection).items() if name not in names}
        keep_pauses(connection, pauses)

    change(state_dir, work)


def keep_pauses(connection: "Connection", pauses: dict[str, int]) -> None:
    """Write until when which account is in private mode."""
    import msgspec

    from scrobbler.cli.offline import PAUSES
    from scrobbler.store.play_state import set_meta

    set_meta(connection, PAUSES, msgspec.json.encode(pauses).decode())
