"""`scrobbler test`: watches one source and prints each event as it is understood."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scrobbler.cli.common import config_option, load, plain

if TYPE_CHECKING:
    from scrobbler.api import PlayerEvent, SourceOptions
    from scrobbler.config.models import Config


@click.command("test")
@config_option
@click.argument("source")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: what `scrobbler replay` reads.")
def command(config_file: Path | None, source: str, *, as_json: bool) -> None:
    """Watch SOURCE and print each event as it is understood, until Ctrl-C. Nothing is recorded by this.

    While the daemon runs, what it hears is shown. Without it, the source is watched from here; sources that post to
    the daemon need it.
    """
    from scrobbler.control.client import running, stream

    loaded, state_dir = load(config_file)
    if source not in loaded.config.sources:
        names = ", ".join(loaded.config.sources) or "none"
        raise click.UsageError(f"there is no source {source!r}; configured are {names}")
    with suppress(KeyboardInterrupt):
        if not running(state_dir):
            asyncio.run(_watch_alone(loaded.config, source, as_json=as_json))
            return
        click.echo(f"watching {source}, Ctrl-C ends", err=True)
        for item in stream(state_dir, "test", source=source):
            _show_item(item, as_json=as_json)


def _show_item(item: Mapping[str, Any], *, as_json: bool) -> None:
    import msgspec

    from scrobbler.api import PlayerEvent

    event = msgspec.convert(item["event"], PlayerEvent)
    show(event, str(item.get("words", "")), as_json=as_json)


def show(event: "PlayerEvent", ignored: str, *, as_json: bool) -> None:
    """Print one event: for people with the reason why it counts for nothing, or as one line of JSON."""
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(event))
        return
    click.echo(plain(in_words(event, ignored)))


def in_words(event: "PlayerEvent", ignored: str) -> str:
    """Put an event into one line."""
    from scrobbler.api import describe
    from scrobbler.status.formatting import clock

    said = [f"{event.kind:<8}"]
    if event.position_ms is not None:
        length = f" of {clock(event.duration_ms)}" if event.duration_ms else ""
        said.append(f"at {clock(event.position_ms)}{length}" + ("" if event.observed else " (calculated)"))
    if event.item is not None:
        said.append(describe(event.item))
    if event.user is not None:
        said.append(f"user {event.user.name or event.user.id}")
    if event.library:
        said.append(f"library {event.library}")
    said.append(f"player {event.device or event.player}")
    if event.at is not None:
        said.append(f"said at {event.at:%Y-%m-%d %H:%M:%S %Z}")
    if ignored:
        said.append(f"IGNORED: {ignored}")
    return "  ".join(said)


async def _watch_alone(config: "Config", source: str, *, as_json: bool) -> None:
    """Run a listener here, without a daemon."""
    from scrobbler.api import ListenerPlugin
    from scrobbler.config.models import Log
    from scrobbler.daemon import logs
    from scrobbler.sources.registry import installed

    options = config.sources[source]
    found = installed().get(options.type)
    if found is None or found.plugin is None:
        problem = "is not installed" if found is None else found.problem
        raise click.ClickException(f"the plugin {options.type} {problem}")
    if not issubclass(found.plugin, ListenerPlugin):
        raise click.ClickException(f"{source} posts to the daemon, and no daemon runs; start it first")
    logs.configure(Log(level="warning"))
    await _listen(found.plugin, config, source, options, as_json=as_json)


async def _listen(kind: type[Any], config: "Config", source: str, options: "SourceOptions", *, as_json: bool) -> None:
    import structlog

    from scrobbler.api import Context
    from scrobbler.clock import SystemClock
    from scrobbler.daemon.source_set import rules_of
    from scrobbler.http import new_client
    from scrobbler.intake.intake import Refused, SourceIntake

    intake = SourceIntake(source, options, kind.traits, rules_of(config))
    reached: list[bool] = []

    async def emit(event: "PlayerEvent") -> None:
        decision = intake.admit(event)
        show(event, decision.reason if isinstance(decision, Refused) else decision.ignored, as_json=as_json)

    def reachable(up: bool, why: str = "") -> None:  # noqa: FBT001 (the public shape of Context.reachable)
        if reached[-1:] != [up]:
            reached.append(up)
            click.echo("the player answers" if up else plain(f"the player does not answer: {why}"), err=True)

    async with new_client() as http:
        context = Context(
            source=source,
            clock=SystemClock(),
            log=structlog.get_logger("test").bind(source=source),
            emit=emit,
            reachable=reachable,
            http=lambda: http,
        )
        plugin = kind(options, context)
        if not plugin.listens():
            raise click.ClickException(f"{source} posts to the daemon, and no daemon runs; start it first")
        click.echo(f"watching {source} without a daemon, Ctrl-C ends", err=True)
        await plugin.run()
