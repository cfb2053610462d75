"""What the commands share: the option for the file, the configuration, ids of plays, tables."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from scrobbler.config.loader import Loaded

Command = TypeVar("Command", bound=Callable[..., Any])


def config_option(command: Command) -> Command:
    """Give a command the option `-c FILE`."""
    option = click.option(
        "-c", "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="The configuration file."
    )
    return option(command)


def load(config_file: Path | None, *, without_simkl: bool = True) -> tuple["Loaded", Path]:
    """Load the configuration and find the state directory. Raises ConfigError, and CommandError where it may not look.

    A file whose `simkl` section alone is not right will do, as it does for `run --sandbox`; without `without_simkl` only
    where the daemon's sandbox is in use.
    """
    from scrobbler.config.loader import load_file
    from scrobbler.config.paths import find_file, state_dir
    from scrobbler.config.problems import ConfigError
    from scrobbler.sources.registry import kinds

    path = find_file(config_file, os.environ)
    wrong: ConfigError | None = None
    try:
        loaded = load_file(path, os.environ, kinds())
    except ConfigError as error:
        if not all(problem.path.startswith("simkl") for problem in error.problems):
            raise
        wrong = error
        loaded = load_file(path, os.environ, kinds(), sandbox=True)
    usual = state_dir(loaded.config, os.environ)
    found = _in_use(usual)
    if found != usual:
        return load_file(path, os.environ, kinds(), sandbox=True), found
    if wrong is not None and not without_simkl:
        raise wrong
    return loaded, found


def _in_use(state_dir: Path) -> Path:
    """Choose between a state directory and the one inside it that `run --sandbox` keeps for itself."""
    from scrobbler.control.client import running
    from scrobbler.store.database import FILE_NAME

    sandbox = state_dir / "sandbox"
    # Asked first: where another user owns the folder, this says so, and a look into it would fail without words.
    if running(state_dir) or not sandbox.is_dir():
        return state_dir
    alone = (sandbox / FILE_NAME).exists() and not (state_dir / FILE_NAME).exists()
    return sandbox if alone or running(sandbox) else state_dir


def play_id(text: str) -> str:
    """Read the id of a play as `history` shows it: `p12`, or 12. Raises click.UsageError."""
    digits = text.strip().lower().removeprefix("p")
    if not digits.isascii() or not digits.isdecimal():
        raise click.UsageError(f"{text!r} is not the id of a play; `scrobbler history` shows them, such as p12")
    return f"p{int(digits)}"


def check_account(account: str | None, accounts: Mapping[str, object]) -> None:
    """Refuse an account that is not configured. Raises click.UsageError."""
    if account is not None and account not in accounts:
        raise click.UsageError(f"there is no account {account!r}; configured are {', '.join(accounts)}")


def table(rows: Iterable[Sequence[str]], *, indent: str = "") -> str:
    """Align rows in columns; the last column is as long as it wants to be."""
    rows = [[plain(cell) for cell in row] for row in rows]
    if not rows:
        return ""
    widths = [max(_width(row[index]) for row in rows) for index in range(len(rows[0]) - 1)]
    lines = (
        indent
        + "  ".join([*(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _width(text: str) -> int:
    """Count the columns that a text takes on a terminal: titles in Chinese and Japanese take two for each character."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # most tables need none of it

    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def plain(text: str) -> str:
    """Take out what would steer a terminal: titles come from strangers' files."""
    return "".join(one if one.isprintable() else " " for one in text)


def show_json(value: object) -> None:
    """Print a value as JSON, as stable as the types it is made of."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def now_ms() -> int:
    """Read the wall clock, in ms since 1970."""
    from scrobbler.clock import SystemClock

    return SystemClock().now().utc_ms
