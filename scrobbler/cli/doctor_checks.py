"""What `scrobbler doctor` tries, one thing after the other."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from shlex import quote as shell_quote
from urllib.parse import quote

import structlog
from msgspec import Struct

from scrobbler.api import Context, HookPlugin, PlayerEvent, SourceOptions, SourcePlugin
from scrobbler.clock import Clock, SystemClock
from scrobbler.config.addresses import Address, listen_addresses
from scrobbler.config.models import Config
from scrobbler.control import client
from scrobbler.http import HttpClient, HttpError, new_client
from scrobbler.simkl.client import Simkl
from scrobbler.simkl.errors import NotLinked, SimklError
from scrobbler.simkl.token_store import Grants
from scrobbler.simkl.tokens import TokenFileError
from scrobbler.sources.registry import installed, obstacle
from scrobbler.sources.secrets import SecretsError, hook_secrets

SANE_YEARS = range(2025, 2100)
CHECK_TIMEOUT_S = 20.0

_PRIVATE_FILES = ("tokens.json", "secrets.json", "scrobbler.db", "control.sock")


class Finding(Struct, frozen=True, kw_only=True):
    """One line of the report. `link` marks findings about a missing link, which have an exit code of their own."""

    good: bool
    what: str
    advice: str = ""
    link: bool = False


def _tried(*, good: bool, what: str, advice: str = "", link: bool = False) -> Finding:
    """Make a finding whose advice counts only if it is not good."""
    return Finding(good=good, what=what, advice="" if good else advice, link=link)


async def examine(config: Config, state_dir: Path, *, sandbox: bool = False) -> AsyncIterator[Finding]:
    """Try everything, and yield what was found as it is found. In the sandbox all accounts are linked, whatever they are."""
    clock = SystemClock()
    yield _clock_sane(clock)
    for finding in _files(state_dir):
        yield finding
    running = client.running(state_dir)
    yield _tried(good=True, what=f"daemon: {'runs' if running else 'does not run now'}")
    async with new_client(read_timeout_s=15, connect_timeout_s=5) as http:
        if sandbox:
            yield Finding(good=True, what="accounts: not tried, since the daemon runs in its sandbox")
        else:
            async for finding in _accounts(config, state_dir, clock, http):
                yield finding
        async for finding in _address(config, http, running=running):
            yield finding
        for name, options in config.sources.items():
            async for finding in _source(config, state_dir, name, options, http, running=running):
                yield finding


def _clock_sane(clock: Clock) -> Finding:
    now = clock.now().utc
    return _tried(
        good=now.year in SANE_YEARS,
        what=f"clock: {now:%Y-%m-%d %H:%M} UTC",
        advice="set the clock of this machine: plays are recorded with its time",
    )


def _files(state_dir: Path) -> Iterator[Finding]:
    there = next(one for one in (state_dir, *state_dir.parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.R_OK | os.W_OK | os.X_OK)):
        yield _tried(
            good=False,
            what=f"state directory: {state_dir} cannot be used: this user may not write into {there}",
            advice="change its owner or mode, choose another `state_dir`, or run this command as the user of the daemon",
        )
        return
    if there != state_dir:
        yield _tried(good=True, what=f"state directory: {state_dir} is made at the first start")
        return
    mode = stat.S_IMODE(state_dir.stat().st_mode)
    yield _tried(
        good=not mode & 0o077,
        what=f"state directory: {state_dir} has mode {mode:04o}",
        advice=f"chmod 700 {state_dir}",
    )
    for name in _PRIVATE_FILES:
        path = state_dir / name
        with suppress(OSError):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                yield _tried(
                    good=False, what=f"{path} has mode {mode:04o}: others may read it", advice=f"chmod 600 {path}"
                )


async def _accounts(config: Config, state_dir: Path, clock: Clock, http: HttpClient) -> AsyncIterator[Finding]:
    try:
        grants = Grants(state_dir / "tokens.json", clock)
    except TokenFileError as error:
        yield _tried(good=False, what=str(error))
        return
    simkl = Simkl(
        client_id=config.simkl.client_id,
        api_url=config.simkl.api_url,
        http=lambda: http,
        clock=clock,
        grants=grants,
        random=Random(),  # noqa: S311 (jitter)
    )
    for name in config.accounts:
        why_not = grants.why_not(name, config.simkl.client_id)
        if why_not:
            yield _tried(good=False, what=why_not, advice=f"scrobbler auth {shell_quote(name)}", link=True)
            continue
        try:
            info = await simkl.settings(name)
        except NotLinked as error:
            yield _tried(good=False, what=error.reason, advice=f"scrobbler auth {shell_quote(name)}", link=True)
        except SimklError as error:
            yield _tried(
                good=False,
                what=f"account {name}: {config.simkl.api_url} said: {error.reason}",
                advice="check this machine's way to the network; if it is good, Simkl may be away",
            )
        else:
            left = simkl.allowance(name).remaining
            calls = "" if left is None else f", {left} calls left today"
            yield _tried(good=True, what=f"account {name}: linked as {info.name} ({info.plan}){calls}")


async def _address(config: Config, http: HttpClient, *, running: bool) -> AsyncIterator[Finding]:
    for address in listen_addresses(config):
        if running:
            yield await _healthy(address, http)
        elif address.port:
            yield await _free(address)


async def _healthy(address: Address, http: HttpClient) -> Finding:
    url = f"{_base(address, local=True)}/healthz"
    try:
        reply = await http.get(url)
    except HttpError as error:
        return _tried(
            good=False,
            what=f"{address}: the daemon does not answer there ({type(error).__name__})",
            advice="restart the daemon, if `http.listen` was changed since it started",
        )
    faults = [] if reply.status_code == 200 else reply.json().get("faults", [])
    return _tried(
        good=reply.status_code == 200,
        what=f"{address}: the daemon answers{''.join(f'; fault: {one}' for one in faults)}",
        advice="its log says more",
    )


async def _free(address: Address) -> Finding:
    from scrobbler.hooks.server import ListenError, bind  # only without a daemon

    try:
        sockets = await bind(address.host, address.port)
    except ListenError as error:
        return _tried(good=False, what=str(error))
    for one in sockets:
        one.close()
    return _tried(good=True, what=f"{address}: free for the daemon")


async def _source(
    config: Config, state_dir: Path, name: str, options: SourceOptions, http: HttpClient, *, running: bool
) -> AsyncIterator[Finding]:
    if not options.enabled:
        yield _tried(good=True, what=f"source {name}: disabled (`enabled: false`), so nothing is tried")
        return
    plugin = _made(name, options, http)
    if isinstance(plugin, Finding):
        yield plugin
        return
    async for finding in _proved(name, options.type, plugin):
        yield finding
    if isinstance(plugin, HookPlugin):
        async for finding in _hook(config, state_dir, name, options, http, running=running):
            yield finding


def _made(name: str, options: SourceOptions, http: HttpClient) -> SourcePlugin | Finding:
    """Make a source's plugin, or say in which state it ends and why."""
    found = installed().get(options.type)
    if found is None or found.plugin is None:
        state, problem = ("import failed", "it is not installed") if found is None else (found.finding, found.problem)
        return _tried(
            good=False,
            what=f"source {name}: plugin {options.type}: {state}: {problem}",
            advice="install the plugin anew, or ask its author; the rest of the daemon runs without it",
        )
    why_not = obstacle(found.plugin)
    if why_not:
        return _tried(good=False, what=f"source {name}: self-check failed: {why_not}", advice="see the plugin's page")
    try:
        return found.plugin(options, _context(name, http))
    except Exception as error:  # noqa: BLE001 (a stranger's code; its failure is the finding)
        return _tried(
            good=False,
            what=f"source {name}: bad options: {type(error).__name__}: {error}",
            advice=f"see the page of {options.type} for what its options may be",
        )


async def _proved(name: str, kind: str, plugin: SourcePlugin) -> AsyncIterator[Finding]:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            results = await plugin.check()
    except TimeoutError:
        yield _tried(
            good=False,
            what=f"source {name}: its check did not end within {CHECK_TIMEOUT_S:g} seconds",
            advice="whatever it asks does not answer; if it does, report this to the plugin's author",
        )
        return
    except Exception as error:  # noqa: BLE001 (a stranger's code; its failure is the finding)
        yield _tried(
            good=False,
            what=f"source {name}: its check failed ({type(error).__name__}: {error})",
            advice="report this to the plugin's author",
        )
        return
    if not results:
        yield _tried(good=True, what=f"source {name}: {kind} has nothing to try")
    for result in results:
        yield Finding(good=result.good, what=f"source {name}: {result.what}", advice=result.advice)


def _context(name: str, http: HttpClient) -> Context:
    async def forget(_event: PlayerEvent) -> None:
        return None

    return Context(
        source=name,
        clock=SystemClock(),
        log=structlog.get_logger("doctor").bind(source=name),
        emit=forget,
        reachable=lambda *_: None,
        http=lambda: http,
    )


async def _hook(
    config: Config, state_dir: Path, name: str, options: SourceOptions, http: HttpClient, *, running: bool
) -> AsyncIterator[Finding]:
    try:
        secrets = hook_secrets(state_dir, name, options)
    except SecretsError as error:
        yield _tried(good=False, what=f"source {name}: {error}")
        return
    if not secrets:
        return
    for address in listen_addresses(config):
        path = f"/hooks/{name}/{quote(secrets[0], safe='')}"
        yield _tried(good=True, what=f"source {name}: post to {_base(address, local=False)}{path}")
        if running:
            yield await _knock(name, f"{_base(address, local=True)}{path}", http)


async def _knock(name: str, url: str, http: HttpClient) -> Finding:
    """Send the hook something that means nothing; the answer tells whether address and secret are right."""
    try:
        reply = await http.post(url, content=b"", headers={"X-Scrobbler-Probe": "1"})
    except HttpError as error:
        return _tried(good=False, what=f"source {name}: the hook cannot be reached ({type(error).__name__})")
    good = reply.status_code == 204
    return _tried(
        good=good,
        what=f"source {name}: the hook {'was reached' if good else f'answers {reply.status_code}'}",
        advice=reply.text.strip(),
    )


def _base(address: Address, *, local: bool) -> str:
    """Give the address as others reach it, or as this machine itself does."""
    host = address.host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 (read, not bound)
        host = ("::1" if ":" in host else "127.0.0.1") if local else socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{address.port}"
