"""What went wrong, in one sentence, and the exit code that goes with it (contract.md 1.3)."""

FAILED = 1
BAD_CONFIGURATION = 2
NOT_LINKED = 3


def explain(error: Exception) -> tuple[str, int]:
    """Put an error that no command has handled into one sentence. Only errors of ours have a text for people."""
    from scrobbler.config.problems import ConfigError
    from scrobbler.control.client import CommandError, NoDaemonError
    from scrobbler.control.lock import StateDirError
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
        case CommandError() | NoDaemonError() | StateDirError() | TokenFileError() | StorageError():
            return str(error), FAILED
        case _:
            sentence = (
                f"an error inside scrobbler ({type(error).__name__}); the daemon's log may say more "
                "(`journalctl -u scrobbler`), and SCROBBLER_DEBUG=1 shows where it happened"
            )
            return sentence, FAILED
