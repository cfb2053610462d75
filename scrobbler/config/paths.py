"""Where the configuration file is looked for, and where the daemon keeps its state (contract.md 1.4)."""

from collections.abc import Mapping
from pathlib import Path
from stat import S_ISREG

from msgspec import UnsetType

from scrobbler.config.models import Config
from scrobbler.config.problems import ConfigError, Problem

FILE_NAME = "config.yaml"
SYSTEM_FILE = Path("/etc/scrobbler") / FILE_NAME


def find_file(explicit: Path | None, env: Mapping[str, str]) -> Path:
    """Choose the configuration file: `-c`, $SCROBBLER_CONFIG, then the first of the usual places that exists.

    The first two are meant by name, so they are taken even if nothing is there: `load_file` then says so.
    Raises ConfigError listing all places when there is no file.
    """
    named = explicit or (Path(env["SCROBBLER_CONFIG"]).expanduser() if env.get("SCROBBLER_CONFIG") else None)
    if named is not None:
        return named
    candidates = usual_files(env)
    for candidate in candidates:
        if _is_there(candidate):
            return candidate
    places = ", ".join(map(str, candidates))
    message = (
        f"no configuration found; looked for {places}. "
        "config.example.yaml is one to start from, `-c FILE` names another place"
    )
    raise ConfigError([Problem("scrobbler", 0, 0, "", message)])


def usual_files(env: Mapping[str, str]) -> tuple[Path, ...]:
    """List where a configuration file may be, the first that exists wins."""
    folders = [Path(folder) for folder in env.get("CONFIGURATION_DIRECTORY", "").split(":") if folder]
    folders.append(_xdg(env, "XDG_CONFIG_HOME", ".config") / "scrobbler")
    return (*(folder / FILE_NAME for folder in folders), SYSTEM_FILE)


def state_dir(config: Config, env: Mapping[str, str]) -> Path:
    """Choose the state directory: `state_dir`, $STATE_DIRECTORY (the first of several), $XDG_STATE_HOME/scrobbler.

    The directory is not made here.
    """
    if not isinstance(config.state_dir, UnsetType):
        return Path(config.state_dir)
    given = env.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(given) if given else _xdg(env, "XDG_STATE_HOME", ".local/state") / "scrobbler"


def _is_there(path: Path) -> bool:
    """Say whether there is a file; one in a folder that may not be looked into counts, and cannot be read then."""
    try:
        return S_ISREG(path.stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


def _xdg(env: Mapping[str, str], name: str, default: str) -> Path:
    value = env.get(name, "")
    # The XDG specification: what is not a full path is to be ignored.
    if value.startswith("/"):
        return Path(value)
    home = env.get("HOME", "")
    return (Path(home) if home else Path.home()) / default
