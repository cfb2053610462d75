"""Webhooks of Plex, request by request and evening by evening (players.md 1.1 to 1.6)."""

import json
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrobbler.api import HookRequest, UnreadableError, UnsupportedTypeError, User
from scrobbler.api.testkit import Recorder, check_events, hook_request
from scrobbler_plugins.plex.parse import parse
from tests.kit.servers import PLEX_SERVER, PlexEvening, plex_episode, plex_movie, plex_payload
from tests.plugins.plex.kit import events_of, one, plugin, request_of


def kinds(evening: PlexEvening) -> list[tuple[str, int | None]]:
    """Parse an evening into kinds and positions."""
    events = [event for step in evening.steps for event in parse(request_of(step.content_type, step.body)).events]
    check_events(events)
    return [(event.kind, event.position_ms) for event in events]


@pytest.mark.parametrize("payload_as", ["field", "typed field", "file"])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_payload_arrives_in_every_dress(payload_as: Literal["field", "typed field", "file"], line_end: bytes) -> None:
    """The payload is found as a plain field, as a part with a content type, as a file, and with bare line feeds (1.1)."""
    event = one("media.play", payload_as=payload_as, line_end=line_end)
    assert event.item_key == f"{PLEX_SERVER}/4001"


def test_payload_as_plain_json() -> None:
    """A relay may send the payload alone, as JSON, also behind the mark that some systems put before text."""
    payload = json.dumps(plex_payload("media.play", plex_movie())).encode()
    for body in (payload, b"\xef\xbb\xbf" + payload):
        (event,) = parse(hook_request(body=body, content_type="application/json")).events
        assert event.kind == "play"


def test_payload_as_json_under_the_type_of_a_form() -> None:
    """`curl -d` calls JSON a form."""
    text = json.dumps(plex_payload("media.play", plex_movie()))
    request = HookRequest(content_type="application/x-www-form-urlencoded", body=text.encode(), form={text: ""})
    assert [event.kind for event in parse(request).events] == ["play"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("media.play", "play"),
        ("media.resume", "play"),
        ("media.pause", "pause"),
        ("media.stop", "stop"),
        ("media.scrobble", "watched"),
    ],
)
def test_each_event_has_its_kind(name: str, kind: str) -> None:
    """The five events of a play map to our kinds (1.4)."""
    assert one(name).kind == kind


@pytest.mark.parametrize(
    "name",
    [
        "media.rate",
        "library.new",
        "library.on.deck",
        "playback.started",
        "admin.database.backup",
        "admin.database.corrupted",
        "device.new",
        "something.else",
    ],
)
def test_other_events_are_nothing_of_ours(name: str) -> None:
    """Ratings, library news and the duplicate `playback.started` give no event (1.4)."""
    assert events_of(name) == []


def test_event_carries_all_that_the_daemon_needs() -> None:
    """Player and account, item, user, length, library and device come from the payload."""
    event = one("media.play", plex_movie(viewOffset=745_000), account={"id": 7, "title": "Bob K"})
    assert event.player == "abc123-player:7"
    assert event.user == User(id="7", name="Bob K")
    assert (event.position_ms, event.observed) == (745_000, True)
    assert (event.duration_ms, event.nominal) == (6_000_000, True)
    assert (event.library, event.device, event.skip, event.at) == ("Movies", "Living Room", None, None)


def test_two_accounts_on_one_player_are_two_players() -> None:
    """The same device with another account is another player."""
    assert one("media.play").player != one("media.play", account={"id": 2, "title": "bob"}).player


def test_library_falls_back_to_its_number() -> None:
    """A library without a title is named by its number, which may be a string."""
    assert one("media.play", plex_movie(librarySectionTitle=None)).library == "1"
    assert one("media.play", plex_movie(librarySectionTitle=None, librarySectionID="2")).library == "2"


@pytest.mark.parametrize(
    ("name", "offset", "position"),
    [
        ("media.play", None, 0),
        ("media.play", 0, 0),
        ("media.play", 745_000, 745_000),
        ("media.play", "745000", 745_000),
        ("media.resume", None, None),
        ("media.pause", None, None),
        ("media.stop", None, None),
        ("media.stop", 0, None),
        ("media.stop", -5, None),
        ("media.stop", 745_000, 745_000),
        ("media.scrobble", None, None),
        ("media.scrobble", 5_400_000, 5_400_000),
    ],
)
def test_missing_offset_is_zero_only_at_the_beginning(name: str, offset: object, position: int | None) -> None:
    """A missing `viewOffset` on a stop, pause, resume or scrobble is unknown, never 0 % (1.6 items 1 and 3)."""
    assert one(name, plex_movie(viewOffset=offset)).position_ms == position


def test_stop_in_the_first_minute_has_no_position() -> None:
    """A stop with neither `viewOffset` nor `viewCount` is no stop at 0 (1.6 item 1)."""
    event = one("media.stop", plex_movie(viewOffset=None, viewCount=None))
    assert (event.kind, event.position_ms) == ("stop", None)


@pytest.mark.parametrize("duration", [None, 0, "", -1])
def test_missing_length_is_unknown(duration: object) -> None:
    """A missing length is None, and then nothing is called nominal (1.3)."""
    event = one("media.play", plex_movie(duration=duration))
    assert (event.duration_ms, event.nominal) == (None, False)


def test_ids_of_account_may_be_strings_or_missing() -> None:
    """An account id reads alike as number and string; without an account there is no user."""
    assert one("media.play", account={"id": "1", "title": "alice"}) == one("media.play")
    assert one("media.play", Account=None).user is None


def test_mail_address_stays_out_of_the_player_name_and_the_log() -> None:
    """An account title may be an e-mail address: it is the user's name, and is logged nowhere (1.6 item 15)."""
    recorder = Recorder()
    twice = plex_movie(Guid=[{"id": "tmdb://1"}, {"id": "tmdb://2"}])
    payload = plex_payload("media.play", twice, account={"title": "carol@example.org"})
    (event,) = plugin(recorder.context).parse(hook_request(json=payload))
    assert event.user == User(name="carol@example.org")
    assert "carol" not in event.player
    assert "carol" not in str(recorder.log.lines)
    assert [line.level for line in recorder.log.lines] == ["debug"]


def test_live_tv_is_told_but_not_a_play() -> None:
    """What is a play but not of ours arrives with its reason."""
    assert one("media.play", plex_episode(live="1")).skip == "live_tv"


@pytest.mark.parametrize(
    "request_",
    [
        hook_request(form={"other": "x"}),
        hook_request(form={"payload": "{"}),
        hook_request(form={"payload": "[]"}),
        hook_request(form={"payload": '"text"'}),
        hook_request(body=b"", content_type="application/json"),
        hook_request(body=b'{"event": "\xff"}', content_type="application/json"),
        hook_request(body=b"[" * 100_000, content_type="application/json"),
        hook_request(json={"NotificationType": "PlaybackStart"}),
        hook_request(json={"event": "media.play"}),
        hook_request(json={"event": "media.play", "Metadata": []}),
    ],
)
def test_unreadable_content_is_refused_with_a_sentence(request_: HookRequest) -> None:
    """Content that is no webhook of Plex raises UnreadableError, whose text says what was expected."""
    with pytest.raises(UnreadableError) as caught:
        parse(request_)
    assert len(str(caught.value)) > 10


@pytest.mark.parametrize("content_type", ["application/xml", "image/jpeg", "text/html"])
def test_type_that_plex_never_sends(content_type: str) -> None:
    """A content type that Plex never sends raises UnsupportedTypeError."""
    with pytest.raises(UnsupportedTypeError):
        parse(hook_request(body=b"x", content_type=content_type))


def test_film_watched_through() -> None:
    """Play, verdict without offset, stop without offset: neither of the two says 0 (1.5)."""
    assert kinds(PlexEvening().watched_through(plex_movie())) == [("play", 0), ("watched", None), ("stop", None)]


def test_swapped_verdict_and_stop() -> None:
    """Verdict and stop may arrive swapped; each is read for itself (1.5)."""
    evening = PlexEvening().watched_through(plex_movie(), "swapped")
    assert [kind for kind, _ in kinds(evening)] == ["play", "stop", "watched"]


def test_pause_and_resume() -> None:
    """A pause and its resume carry the offset."""
    evening = PlexEvening().watched_with_pause(plex_movie(), 1_800_000)
    assert kinds(evening)[:3] == [("play", 0), ("pause", 1_800_000), ("play", 1_800_000)]


def test_continuation_is_a_play_with_the_resume_point() -> None:
    """What was stopped goes on tomorrow as a new play at the stored offset (1.5)."""
    film = plex_movie()
    evening = PlexEvening().stopped_at(film, 1_800_000).wait(80_000).stopped_at(film, 2_400_000, from_ms=1_795_000)
    assert kinds(evening) == [("play", 0), ("stop", 1_800_000), ("play", 1_795_000), ("stop", 2_400_000)]


@pytest.mark.parametrize(("stops", "count"), [("sent", 6), ("left out", 5)])
def test_autoplay_keeps_player_and_changes_item(stops: Literal["sent", "left out"], count: int) -> None:
    """The next episode comes on the same player under another key, with or without a stop of the old one (1.5)."""
    evening = PlexEvening().autoplay([plex_episode(1), plex_episode(2)], stops)
    events = [event for step in evening.steps for event in parse(request_of(step.content_type, step.body)).events]
    assert len(events) == count
    assert len({event.player for event in events}) == 1
    assert len({event.item_key for event in events}) == 2


def test_skipped_credits_raise_one_more_play() -> None:
    """The extra play after the verdict is passed on as it came; what it means is the state machine's (1.5)."""
    assert [kind for kind, _ in kinds(PlexEvening().credits_skipped(plex_movie()))] == [
        "play",
        "watched",
        "play",
        "stop",
    ]


def test_trailers_before_the_film_are_skipped() -> None:
    """Pre-roll and trailer carry their reasons, the film none (1.6 item 8)."""
    evening = PlexEvening(uuid="tv-7").trailers_then(plex_movie())
    events = [event for step in evening.steps for event in parse(request_of(step.content_type, step.body)).events]
    assert [event.skip for event in events] == ["preroll"] * 3 + ["trailer"] * 3 + [None] * 3
    assert {event.player for event in events} == {"tv-7:1"}


TEXT = st.text(alphabet='at01-/:.é\u200b\\"{ ', max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.dictionaries(st.sampled_from(sorted({*plex_episode(), "viewOffset", "live", "Media"})), JSON))
def test_odd_values_never_break_the_reading(changes: dict[str, Any]) -> None:
    """Whatever stands in a field, the request is read or refused, and events keep the rules."""
    payload = plex_payload("media.stop", {**plex_episode(), **changes})
    try:
        events = parse(hook_request(body=json.dumps(payload), content_type="application/json")).events
    except UnreadableError:
        return
    check_events(event for event in events if event.skip is None)
