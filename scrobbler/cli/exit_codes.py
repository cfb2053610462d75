"""What went wrong, in one sentence, and the exit code that goes with it (contract.md 1.3)."""

from collections.abc import Iterator

FAILED = 1
BAD_CONFIGURATION = 2
NOT_LINKED = 3


def explain(error: BaseException) -> tuple[str, int]:
    """Put an error that no command has handled into one sentence, and name the exit code.

    Only errors of ours have a text for people. A group of errors, such as a task group raises, is one line for each error in
    it; where their exit codes differ, the code is `FAILED`.
    """
    answers = dict.fromkeys(_explain_one(one) for one in _alone(error))
    codes = {code for _, code in answers}
    return "\n".join(sentence for sentence, _ in answers), codes.pop() if len(codes) == 1 else FAILED


def _alone(error: BaseException) -> Iterator[BaseException]:
    """Take the errors out of their groups."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _alone(one)
    else:
        yield error


def _explain_one(error: BaseException) -> tuple[str, int]:
    from scrobbler.config.problems import ConfigError
    from scrobbler.control.client import CommandError, NoDaemonError
    from scrobbler.control.lock import StateDirError
    from scrobbler.hooks.server import ListenError
    from scrobbler.simkl.errors import NotLinked, SimklError
    from scrobbler.simkl.tokens import TokenFileError
    from scrobbler.store.database import StorageError

    match error:
        case ConfigError():
            return str(error), BAD_CONFIGURATION
        case NotLinked(reason=reason):
            return reason, NOT_LINKED
        case SimklError(reason=reason):
            return reason, FAILED
        case CommandError() | NoDaemonError() | StateDirError() | TokenFileError() | StorageError() | ListenError():
            return str(error), FAILED
        case _:
            sentence = (
                f"an error inside scrobbler ({type(error).__name__}); the daemon's log may say more "
                "(`journalctl -u scrobbler`), and SCROBBLER_DEBUG=1 shows where it happened"
            )
            return sentence, FAILED
