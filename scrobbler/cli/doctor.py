"""`scrobbler doctor`: tries everything, and says what to change where."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scrobbler.cli.common import config_option, load, plain
from scrobbler.cli.exit_codes import FAILED, NOT_LINKED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scrobbler.cli.doctor_checks import Finding


@click.command("doctor")
@config_option
def command(config_file: Path | None) -> None:
    """Try every source and account, the clock, the files and the daemon's own address.

    Each line says what was tried; a line that is not good says what to change where. The addresses of hooks are shown
    with their secrets: keep them to yourself. The exit code is 0 when all is good, 3 when only links are missing.
    """
    from scrobbler.cli.doctor_checks import examine
    from scrobbler.config import paths
    from scrobbler.config.models import Log
    from scrobbler.daemon import logs

    logs.configure(Log(level="error"))
    loaded, state_dir = load(config_file, without_simkl=False)
    click.echo(f"good  configuration: {loaded.file}")
    for warning in loaded.warnings:
        click.echo(f"note  {plain(str(warning))}")
    sandbox = state_dir != paths.state_dir(loaded.config, os.environ)
    bad = asyncio.run(_show(examine(loaded.config, state_dir, sandbox=sandbox)))
    if bad:
        raise SystemExit(NOT_LINKED if all(one.link for one in bad) else FAILED)


async def _show(findings: "AsyncIterator[Finding]") -> "list[Finding]":
    """Print each finding as it comes, and return those that are not good."""
    bad = []
    async for one in findings:
        click.echo(f"{'good' if one.good else 'BAD '}  {plain(one.what)}")
        if not one.good:
            bad.append(one)
        if one.advice:
            click.echo(f"      {'' if one.good else 'to do: '}{plain(one.advice)}")
    return bad
