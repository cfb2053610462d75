"""Posted events: what is read, what is refused and with which words, and that the page about it is right."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from scrobbler.api import Episode, Kind, Movie, PlayerEvent, Skip, UnreadableError, UnsupportedTypeError, User
from scrobbler.api.testkit import Recorder, check_events, hook_request
from scrobbler_plugins.events import Plugin

PAGE = Path(__file__).parents[3] / "docs" / "players" / "events.md"
MINIMAL: dict[str, Any] = {
    "kind": "play",
    "player": "tv",
    "item_key": "x",
    "item": {"type": "movie", "title": "Sintel", "year": 2010},
    "position_ms": 0,
    "duration_ms": 888_000,
}


@pytest.fixture
def plugin() -> Plugin:
    """Return the plugin with the options of a source without users."""
    return Plugin(Plugin.Options(type="events", account="alice"), Recorder().context)


def with_value(**values: Any) -> dict[str, Any]:
    """Return the minimal example with some values changed."""
    return {**MINIMAL, **values}


def test_the_minimal_example_is_one_event(plugin: Plugin) -> None:
    """The example of the page is understood as it stands."""
    events = plugin.parse(hook_request(json=MINIMAL))
    assert events == [
        PlayerEvent(
            kind="play",
            player="tv",
            item_key="x",
            item=Movie(title="Sintel", year=2010),
            position_ms=0,
            duration_ms=888_000,
        )
    ]
    check_events(events)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([MINIMAL, with_value(kind="pause", position_ms=5000)]),
        "\n".join([json.dumps(MINIMAL), "", json.dumps(with_value(kind="pause", position_ms=5000)), ""]),
        "\ufeff" + json.dumps(MINIMAL) + "\r\n" + json.dumps(with_value(kind="pause", position_ms=5000)),
    ],
    ids=["array", "lines", "lines with a mark of order and carriage returns"],
)
def test_several_events_come_in_order(plugin: Plugin, body: str) -> None:
    """An array and the replay format give the same events in the same order."""
    events = plugin.parse(hook_request(body=body, content_type="text/plain"))
    assert [(event.kind, event.position_ms) for event in events] == [("play", 0), ("pause", 5000)]


def test_an_event_printed_over_several_lines_is_one(plugin: Plugin) -> None:
    """Pretty-printed JSON is one event, not a row of broken lines."""
    assert len(plugin.parse(hook_request(body=json.dumps(MINIMAL, indent=2)))) == 1


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain", "application/x-ndjson"])
def test_types_that_are_read(plugin: Plugin, kind: str) -> None:
    """JSON comes under several names, or none."""
    assert len(plugin.parse(hook_request(body=json.dumps(MINIMAL), content_type=kind))) == 1


def test_curl_without_a_header_is_read(plugin: Plugin) -> None:
    """`curl -d` calls everything a form; JSON in it is read nevertheless."""
    request = hook_request(body=json.dumps(MINIMAL), content_type="application/x-www-form-urlencoded")
    assert len(plugin.parse(request)) == 1


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "application/xml"])
def test_types_that_are_never_read(plugin: Plugin, kind: str) -> None:
    """Another type is refused by name."""
    with pytest.raises(UnsupportedTypeError, match=re.escape(kind)):
        plugin.parse(hook_request(body="kind=play", content_type=kind))


def test_everything_an_event_can_say_survives(plugin: Plugin) -> None:
    """An event written by us is read back equal."""
    event = PlayerEvent(
        kind="watched",
        player="attic",
        item_key="77",
        item=Episode(season=0, number=0, last_number=2),
        user=User(id="1", name="Alice"),
        position_ms=1,
        observed=False,
        duration_ms=2,
        nominal=True,
        speed=1.5,
        at=datetime(2026, 1, 15, 20, 0, tzinfo=UTC),
        library="TV",
        device="Shield",
        skip="trailer",
    )

    assert plugin.parse(hook_request(body=msgspec.json.encode(event))) == [event]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "empty"),
        ("{", "not JSON"),
        ('"play"', "JSON object, not a text"),
        (json.dumps(MINIMAL) + "\nnope", "line 2 is not JSON"),
        (json.dumps([MINIMAL, 3]), "event 2: an event is a JSON object, not a number"),
        (json.dumps(with_value(kind="start")), r"`kind`: invalid enum value 'start'; allowed are play, pause,"),
        (json.dumps(with_value(skip="boring")), r"`skip`: .*allowed are live_tv,"),
        (json.dumps(with_value(item={"type": "song"})), r"`item.type`: .*allowed are movie, episode, file"),
        (json.dumps(with_value(position=5)), r"unknown field `position`; allowed are kind, player,"),
        (json.dumps(with_value(position_ms="5")), r"`position_ms`: expected `int \| null`, got `str`"),
        (json.dumps(with_value(position_ms=-1)), r"`position_ms`: must be from 0"),
        (json.dumps(with_value(duration_ms=0)), r"`duration_ms`: must be from 1"),
        (json.dumps(with_value(speed=0)), r"`speed`: must be above 0"),
        (json.dumps(with_value(player=" ")), r"`player`: must not be empty"),
        (json.dumps(with_value(item_key="")), r"`item_key`: must not be empty"),
        (json.dumps(with_value(user={})), r"`user`: must have an id or a name"),
        (json.dumps(with_value(at="2026-01-15T20:00:00")), r"`at`: wanted is a time with its zone"),
        (json.dumps(with_value(at="yesterday")), r"`at`: .*wanted is a time with its zone"),
        (json.dumps(with_value(item={"type": "movie", "year": 10**30})), r"`item.year`: the number is too large"),
        (json.dumps({"kind": "play", "player": "tv"}), r"missing required field `item_key`"),
        ('{"kind": "play", "player": "\\ud800", "item_key": "x"}', "not JSON"),
        (b'{"kind": "\xff"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":' * 100_000 + b"\n{}", "line 1 is not JSON"),
    ],
)
def test_what_is_wrong_is_named(plugin: Plugin, body: str | bytes, words: str) -> None:
    """A body that cannot be understood is refused with the field and what is allowed there."""
    with pytest.raises(UnreadableError, match=words):
        plugin.parse(hook_request(body=body))


def test_one_wrong_event_refuses_the_request(plugin: Plugin) -> None:
    """Half of a request is never taken: the sender can repeat the whole."""
    with pytest.raises(UnreadableError, match="event 2: `kind`"):
        plugin.parse(hook_request(json=[MINIMAL, with_value(kind="x")]))


def test_an_empty_array_is_nothing(plugin: Plugin) -> None:
    """No event is understood as none."""
    assert list(plugin.parse(hook_request(json=[]))) == []


def table(heading: str) -> dict[str, list[str]]:
    """Read a table of the page: its first column, and the rest of each row."""
    section = PAGE.read_text().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


def test_the_page_has_every_field() -> None:
    """The table of fields names exactly the fields of the model, and which of them are needed."""
    rows = table("Fields")
    assert list(rows) == list(PlayerEvent.__struct_fields__)
    needed = {name for name, cells in rows.items() if cells[1] == "yes"}
    assert needed == {"kind", "player", "item_key"}


def test_the_page_has_every_kind_and_skip() -> None:
    """The page lists every kind and every reason to skip."""
    assert list(table("Kinds")) == list(get_args(Kind))
    assert list(table("Reasons to skip")) == list(get_args(Skip))


def test_the_examples_of_the_page_are_read(plugin: Plugin) -> None:
    """Every JSON example of the page is a good request."""
    examples = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(examples) >= 3
    for example in examples:
        check_events(plugin.parse(hook_request(body=example)))
    curl = re.search(r"-d '(\{.*?\})'", PAGE.read_text(), re.DOTALL)
    assert curl is not None
    check_events(plugin.parse(hook_request(body=curl.group(1))))


@pytest.mark.anyio
@pytest.mark.parametrize("who", [{"account": "alice"}, {"users": {"Al": "alice"}}])
async def test_doctor_says_how_to_post(who: dict[str, Any]) -> None:
    """Doctor has the address to post to, and says whether events must name a user."""
    (result,) = await Plugin(Plugin.Options(type="events", **who), Recorder("scripts").context).check()
    assert result.good
    assert "/hooks/scripts/<secret>" in result.advice
    assert ("must name its user" in result.what) == ("users" in who)
