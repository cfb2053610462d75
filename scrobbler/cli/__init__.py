"""The command `scrobbler`. Each subcommand is a module of its own, imported only when it runs (contract.md 1.3)."""

import os
import sys
from importlib import import_module

import click

from scrobbler import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "Run the daemon."),
    "auth": ("auth", "Link an account to Simkl, or unlink it."),
    "check": ("check", "Check the configuration and say everything that is wrong with it."),
    "doctor": ("doctor", "Try every source and account, and say what to change where."),
    "status": ("status", "Show accounts, sources, what plays now, and what waits."),
    "history": ("history", "Show plays, newest first, and what became of them."),
    "why": ("why", "Tell the whole chain of one play."),
    "review": ("review", "Show the plays that need a decision."),
    "fix": ("fix", "Say what a play really was."),
    "retry": ("retry", "Send again what was refused."),
    "pause": ("pause", "Private mode: record nothing for a while."),
    "resume": ("resume", "End the private mode."),
    "test": ("test_source", "Watch one source and print each event as it is understood."),
    "replay": ("replay", "Feed a recorded event file through a throw-away daemon."),
    "config": ("config_cmd", "Show the configuration as it counts, secrets masked."),
    "schema": ("schema_cmd", "Print the JSON Schema of the configuration."),
}
"""Name of each command: its module in this package, and its line in the help."""

EPILOG = "Exit codes: 0 good, 1 failed, 2 bad configuration or usage, 3 not linked."


class _Commands(click.Group):
    """Knows its commands by name alone, so that the help needs none of their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"scrobbler.cli.{COMMANDS[cmd_name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches  # only after a typing error

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"there is no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=_Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, message="scrobblerd %(version)s")
def cli() -> None:
    """Keep Simkl right: see what people watch on any player, and scrobble it."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        code = cli.main(prog_name="scrobbler", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has gone; Python must not complain about it while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("SCROBBLER_DEBUG"):
            raise
        from scrobbler.cli.exit_codes import explain

        sentence, status = explain(error)
        click.echo(sentence, err=True)
        sys.exit(status)
    sys.exit(code if isinstance(code, int) else 0)
