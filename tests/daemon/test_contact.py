"""What the daemon makes of a source's word about its player: away once, back once, and why."""

from random import Random
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from scrobbler.api import ListenerPlugin, SourceOptions, Traits
from scrobbler.api.testkit import FakeClock
from scrobbler.intake.intake import Rules
from scrobbler.sources.source import Ports, Source


class Quiet(ListenerPlugin):
    """A source that says nothing by itself."""

    Options = SourceOptions
    traits = Traits(ticks=True, knows_users=False, quiet_s=60, close_s=1800, richness=50)


@pytest.fixture
def source() -> Source:
    """Return a source of which nothing is known yet."""
    ports = Ports(
        clock=FakeClock(),
        random=Random(1),
        http=cast("Any", None),
        hear=cast("Any", None),
        hidden=frozenset,
        recall=cast("Any", None),
        remember=cast("Any", None),
    )
    return Source("desk", Quiet, SourceOptions(type="quiet", account="alice"), Rules(accounts={}), ports)


def test_each_change_is_said_once(source: Source) -> None:
    """However often a source repeats itself, away and back are said once each."""
    reachable = source.plugin.context.reachable
    with capture_logs() as lines:
        for up in (False, False, True, True, False):
            reachable(up, "" if up else "it is off")
    assert [line["event"] for line in lines] == ["source is gone", "source is back", "source is gone"]


def test_a_new_reason_is_news(source: Source) -> None:
    """A player that was off and now refuses the password is away for another reason: status and log say so, once."""
    reachable = source.plugin.context.reachable
    reachable(False, "it is off")
    since = source.health.since_utc_ms
    with capture_logs() as lines:
        for why in ("wrong password", "wrong password", ""):
            reachable(False, why)
    assert [(line["event"], line["why"]) for line in lines] == [("source is still gone", "wrong password")]
    assert (source.health.problem, source.health.since_utc_ms) == ("wrong password", since)
