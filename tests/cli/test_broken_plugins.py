"""`doctor` and plugins that do not behave: each has its time, and the next one is tried all the same."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import pytest

from scrobbler.api import CheckResult, ListenerPlugin, SourceOptions, Traits
from scrobbler.cli import doctor_checks
from scrobbler.http import new_client
from scrobbler.sources.registry import Found

pytestmark = pytest.mark.anyio


class Good(ListenerPlugin):
    """A plugin that proves itself."""

    Options: ClassVar[type[SourceOptions]] = SourceOptions
    traits: ClassVar[Traits] = Traits(ticks=True, knows_users=False, quiet_s=60, close_s=1800, richness=50)

    async def check(self) -> Sequence[CheckResult]:
        return [CheckResult(good=True, what="all is well")]


class Hanging(Good):
    """A plugin whose check never ends."""

    async def check(self) -> Sequence[CheckResult]:
        await asyncio.Event().wait()
        return []


class Raising(Good):
    """A plugin whose check has a bug."""

    async def check(self) -> Sequence[CheckResult]:
        raise KeyError("its own bug")


PLUGINS = {"hanging": Hanging, "raising": Raising, "good": Good}


async def test_a_check_that_hangs_or_fails_ends_with_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that hangs is given up after its time, one that raises is named; those behind them are tried."""
    monkeypatch.setattr(doctor_checks, "CHECK_TIMEOUT_S", 0.1)
    found = {
        name: Found(name=name, distributions=("x",), finding="usable", plugin=plugin)
        for name, plugin in PLUGINS.items()
    }
    monkeypatch.setattr(doctor_checks, "installed", lambda: found)
    said = []
    async with new_client() as http:
        for name in PLUGINS:
            made = doctor_checks._made(name, SourceOptions(type=name, account="alice"), http)
            assert isinstance(made, Good)
            said += [finding async for finding in doctor_checks._proved(name, name, made)]
    assert [(one.good, one.what) for one in said] == [
        (False, "source hanging: its check did not end within 0.1 seconds"),
        (False, "source raising: its check failed (KeyError: 'its own bug')"),
        (True, "source good: all is well"),
    ]
