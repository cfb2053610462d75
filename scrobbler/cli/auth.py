"""`scrobbler auth`: link an account with Simkl, link it anew, unlink it."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scrobbler.config.models import Config
    from scrobbler.simkl.signin import OtherAccount, Prompt, SignIn
    from scrobbler.simkl.token_store import Grants

GOOD, FAILED, USAGE, NOT_LINKED = 0, 1, 2, 3


@click.command("auth")
@click.argument("account", required=False)
@click.option(
    "-c", "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="The configuration file."
)
@click.option("--unlink", is_flag=True, help="Forget the link, and withdraw it at Simkl where Simkl lets us.")
@click.option("--replace", "accept", is_flag=True, help="Link with another Simkl account than before without asking.")
def command(account: str | None, config_file: Path | None, *, unlink: bool, accept: bool) -> None:
    """Link ACCOUNT with Simkl: shows a code and a link, and waits until you have allowed it.

    Without ACCOUNT the only one of the configuration is taken. It needs no terminal and asks nothing, except whether to go on
    when you signed in with another Simkl account than before. The exit code is 0 when the account is linked, 3 when it is not.
    """
    import asyncio

    from scrobbler.config.models import Log
    from scrobbler.config.paths import state_dir
    from scrobbler.daemon import logs

    logs.configure(Log(level="warning"))
    config = _load(config_file)
    name = _choose(account, config)
    tokens = state_dir(config, os.environ) / "tokens.json"
    code = asyncio.run(_run(config, name, tokens, unlink=unlink, accept=accept))
    _tell_daemon(tokens.parent, name)
    raise SystemExit(code)


def _tell_daemon(state_dir: Path, account: str) -> None:
    """Let a running daemon look at the link at once; it would find out by itself within a minute."""
    from contextlib import suppress

    from scrobbler.control.client import CommandError, NoDaemonError, call

    with suppress(NoDaemonError, CommandError):
        call(state_dir, "link_changed", account=account)


async def _run(config: "Config", account: str, tokens: Path, *, unlink: bool, accept: bool) -> int:
    from scrobbler.clock import SystemClock
    from scrobbler.http import new_client
    from scrobbler.simkl.errors import SimklError
    from scrobbler.simkl.signin import SignIn, SignInError, SimklApp
    from scrobbler.simkl.token_store import Grants
    from scrobbler.simkl.tokens import TokenFileError, check_writable

    settings = config.simkl
    app = SimklApp(client_id=settings.client_id, api_url=settings.api_url, auth=settings.auth)
    try:
        grants = Grants(tokens, SystemClock())
        _know_owners(grants, list(config.accounts))
        if not unlink:
            check_writable(tokens)
        async with new_client() as http:
            signin = SignIn(app, http=lambda: http, clock=SystemClock(), grants=grants)
            return await (_unlink(signin, account) if unlink else _link(signin, grants, account, accept=accept))
    except SignInError as error:
        click.echo(str(error), err=True)
        return NOT_LINKED
    except SimklError as error:
        click.echo(f"{error.reason}. Try again later.", err=True)
        return NOT_LINKED
    except TokenFileError as error:
        click.echo(str(error), err=True)
        return FAILED


def _know_owners(grants: "Grants", accounts: list[str]) -> None:
    """Look for whom the plays are that wait, also after unlinking; where the store cannot be read, the daemon looks again."""
    from contextlib import suppress

    from scrobbler.cli.offline import open_store
    from scrobbler.daemon import account_binding
    from scrobbler.store.database import FILE_NAME, StorageError

    with suppress(StorageError), open_store(grants.path.parent / FILE_NAME) as connection:
        grants.belongs(account_binding.settled(connection, accounts, grants.get))


async def _link(signin: "SignIn", grants: "Grants", account: str, *, accept: bool) -> int:
    from scrobbler.simkl.signin import Linked, OtherAccount

    old = grants.get(account)
    if old is not None:
        why = grants.why_not(account, signin.app.client_id) or f"account {account!r} is linked as {old.name}"
        click.echo(f"Now: {why}.")
    result = await signin.link(account, _show)
    if isinstance(result, OtherAccount):
        if not (accept or _confirm(result)):
            await signin.refuse(result)
            click.echo(
                f"Not linked: account {account!r} was linked as {result.old_name}, and you signed in as {result.new_name}. "
                "Sign in with the former account, or use --replace.",
                err=True,
            )
            return FAILED
        result = await signin.accept(result)
    if isinstance(result, Linked):
        click.echo(f"Account {account!r} is linked as {result.name}.")
        return GOOD
    click.echo(
        f"Nobody allowed account {account!r} before the code expired. Run the command again for a new one.", err=True
    )
    return NOT_LINKED


async def _unlink(signin: "SignIn", account: str) -> int:
    from scrobbler.simkl.signin import APPS_PAGE

    told = await signin.unlink(account)
    click.echo(f"Account {account!r} is no longer linked.")
    if not told:
        click.echo(f"Simkl still lists the app: remove it at {APPS_PAGE}")
    return GOOD


def _show(prompt: "Prompt") -> None:
    from datetime import UTC, datetime

    until = datetime.fromtimestamp(prompt.expires_utc_ms / 1000, UTC).astimezone()
    click.echo(f"To link account {prompt.account!r}, open {prompt.link_complete}")
    click.echo(f"or go to {prompt.link} and type {prompt.code}")
    if sys.stdout.isatty() and "utf" in (sys.stdout.encoding or "").lower():
        from scrobbler.simkl.qr import qr_text

        click.echo(qr_text(prompt.link_complete))
    click.echo(f"The code is good until {until:%H:%M}. Waiting for your answer at Simkl …")


def _confirm(other: "OtherAccount") -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    click.echo(f"Account {other.account!r} was linked as {other.old_name}; you signed in as {other.new_name}.")
    return click.confirm(f"Link it as {other.new_name} from now on? Plays that still wait would go there too.")


def _load(config_file: Path | None) -> "Config":
    from scrobbler.config.loader import load_file
    from scrobbler.config.paths import find_file
    from scrobbler.config.problems import ConfigError
    from scrobbler.sources.registry import kinds

    try:
        return load_file(find_file(config_file, os.environ), os.environ, kinds()).config
    except ConfigError as error:
        click.echo(str(error), err=True)
        raise SystemExit(USAGE) from None


def _choose(account: str | None, config: "Config") -> str:
    names = list(config.accounts)
    listed = ", ".join(names) if names else "none"
    if account is None:
        if len(names) == 1:
            return names[0]
        if not names or not (sys.stdin.isatty() and sys.stdout.isatty()):
            click.echo(f"Which account? Name one of those in the configuration: {listed}.", err=True)
            raise SystemExit(USAGE)
        return str(click.prompt("Which account", type=click.Choice(names)))
    if account not in names:
        from difflib import get_close_matches

        close = get_close_matches(account, names, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        click.echo(f"There is no account {account!r} in the configuration, only: {listed}.{hint}", err=True)
        raise SystemExit(USAGE)
    return account
