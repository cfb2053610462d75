"""The systemd units."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

UNITS = {"--system": "systemd/scrobbler.service", "--user": "systemd/user/scrobbler.service"}


def _unit(path: str) -> dict[str, str]:
    text = (ROOT / path).read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z]+)=(.*)$", text, flags=re.MULTILINE))


@pytest.mark.real
@pytest.mark.parametrize("mode", UNITS)
def test_systemd_accepts_the_unit(mode: str, tmp_path: Path) -> None:
    """`systemd-analyze verify` finds nothing to say about the unit, given that the program is installed."""
    text = (ROOT / UNITS[mode]).read_text(encoding="utf-8")
    unit = tmp_path / "scrobbler.service"
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", text), encoding="utf-8")
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    done = subprocess.run(
        ["systemd-analyze", "verify", mode, "--man=no", str(unit)],
        env=os.environ | {"XDG_RUNTIME_DIR": str(runtime), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("path", UNITS.values())
def test_units_speak_the_daemons_language(path: str) -> None:
    """Readiness, watchdog, reload by SIGHUP, restart after a failure, but not when the configuration is wrong (exit 2)."""
    unit = _unit(path)
    assert unit["Type"] == "notify"
    assert unit["ExecStart"].endswith("/bin/scrobbler run")
    assert unit["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert unit["Restart"] == "on-failure"
    assert unit["RestartPreventExitStatus"] == "2"
    assert unit["TimeoutStopSec"] == "30s"
    assert unit["WatchdogSec"] == "60s"


def test_the_system_unit_keeps_to_its_places() -> None:
    """The system unit runs as a user of its own, with its state and configuration where the documentation says."""
    unit = _unit(UNITS["--system"])
    assert unit["User"] == "scrobbler"
    assert (unit["StateDirectory"], unit["StateDirectoryMode"]) == ("scrobbler", "0700")
    assert unit["ConfigurationDirectory"] == "scrobbler"
    assert unit["After"] == unit["Wants"] == "network-online.target"
