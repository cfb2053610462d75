"""Templates instead of Send All Properties, and the plugin's form (players.md 2.1, 2.3)."""

import json
from typing import Any

import pytest

from scrobbler.api import Episode, Movie
from scrobbler.api.testkit import hook_request
from scrobbler_plugins.jellyfin.parse import parse
from tests.kit.servers import jellyfin_episode, jellyfin_movie
from tests.plugins.jellyfin.kit import TEMPLATE, one, rendered


def test_our_template_gives_valid_json_for_films_and_episodes() -> None:
    """The shipped template is JSON for a film, where every key of an episode is missing, and for an episode."""
    for item in (jellyfin_movie(), jellyfin_episode(), jellyfin_episode(EpisodeNumberEnd=3, SeasonNumber=None)):
        values = json.loads(rendered("PlaybackProgress", item))
        assert all(isinstance(value, str) for value in values.values())


@pytest.mark.parametrize("item", [jellyfin_movie(), jellyfin_episode(), jellyfin_episode(EpisodeNumberEnd=3)])
@pytest.mark.parametrize("changes", [{}, {"IsPaused": True}, {"IsAutomated": True}])
@pytest.mark.parametrize("kind", ["PlaybackStart", "PlaybackProgress", "PlaybackStop"])
def test_our_template_says_the_same_as_all_properties(
    kind: str, item: dict[str, object], changes: dict[str, Any]
) -> None:
    """What our template sends reads like Send All Properties, but for the time, which .NET prints in its culture."""
    (found,) = parse(hook_request(body=rendered(kind, item, position_ms=745_000, **changes), content_type="")).events
    plain = one(kind, item, position_ms=745_000, UtcTimestamp=None, **changes)
    assert found == plain


def test_our_template_as_the_plugins_form() -> None:
    """Generic Form sends the template's keys as fields, each a string."""
    fields = json.loads(rendered("PlaybackStop", jellyfin_episode(), position_ms=745_000))
    (found,) = parse(hook_request(form=fields)).events
    assert found == one("PlaybackStop", jellyfin_episode(), position_ms=745_000, UtcTimestamp=None)


def test_our_template_carries_marks() -> None:
    """A click on "played" passes through the template."""
    body = rendered("UserDataSaved", jellyfin_movie(), SaveReason="TogglePlayed", Played=True)
    (found,) = parse(hook_request(body=body, content_type="")).events
    assert found.kind == "marked"


@pytest.mark.parametrize("title", ['12 "Angry" Men', "Tom & Jerry's <Film>", "AC\\DC", "Léon", "A&notB"])
def test_names_survive_our_template(title: str) -> None:
    """Quotes, ampersands, backslashes and accents arrive as they are."""
    body = rendered("PlaybackStart", jellyfin_movie(Name=title), NotificationUsername='O\'Brien & "Co"')
    (found,) = parse(hook_request(body=body, content_type="")).events
    assert isinstance(found.item, Movie)
    assert found.item.title == title
    assert found.user is not None
    assert found.user.name == 'O\'Brien & "Co"'


@pytest.mark.parametrize("title", ['12 "Angry" Men', "Tom & Jerry's <Film>"])
def test_names_survive_somebodys_template_with_double_braces(title: str) -> None:
    """Double braces escape for HTML, and spoil the plugin's own escape; both are undone."""
    template = TEMPLATE.read_text().replace("{{{", "{{").replace("}}}", "}}")
    body = rendered("PlaybackStart", jellyfin_episode(SeriesName=title), template=template)
    (found,) = parse(hook_request(body=body, content_type="")).events
    assert isinstance(found.item, Episode)
    assert found.item.show.title == title
