"""What a reload does."""

import pytest

from scrobbler.config.changes import Change, Changes, diff
from tests.config.support import BASE, SECRET, config

SOURCES = (
    f"sources:\n  tv: {{type: mpv, account: alice}}\n  plex: {{type: plex, users: {{a: alice}}, secret: {SECRET}}}\n"
)


def changes(old: str, new: str) -> Changes:
    """Compare two texts."""
    return diff(config(BASE + old), config(BASE + new))


def test_the_same_file_changes_nothing():
    """Reading a file again without a change restarts nothing."""
    found = changes(SOURCES, "log: {level: info}\n" + SOURCES)
    assert not found
    assert found == Changes()


@pytest.mark.parametrize(
    ("old", "new", "path", "effect"),
    [
        ("", "watched_percent: 70\n", "watched_percent", "live"),
        ("watched_percent: {movie: 70}\n", "watched_percent: {movie: 71}\n", "watched_percent.movie", "live"),
        ("", "http: {listen: 127.0.0.1:1}\n", "http.listen", "daemon"),
        ("", "http: {status: {token: 0123456789abcdef}}\n", "http.status.token", "live"),
        ("", "ignore: {titles: [x]}\n", "ignore.titles", "live"),
        ("", "log: {format: json}\n", "log.format", "daemon"),
        ("", "log: {level: debug}\n", "log.level", "live"),
        ("", "state_dir: /x\n", "state_dir", "daemon"),
        ("", "catch_up: 0\n", "catch_up", "live"),
    ],
)
def test_each_setting_has_the_effect_that_its_model_names(old: str, new: str, path: str, effect: str):
    """A changed setting is named by its path, with what the change does."""
    found = changes(old, new)
    assert [(change.path, change.effect) for change in found.changes] == [(path, effect)]
    assert (found.live, found.daemon) == (((path,), ()) if effect == "live" else ((), (path,)))
    assert (found.added, found.removed, found.restarted) == ((), (), ())


def test_accounts_that_come_and_go_need_a_restart_their_settings_do_not():
    """One is a new worker at Simkl, the other a number."""
    old = config("simkl: {client_id: a}\naccounts: {alice: {}, bob: {}}\n")
    new = config("simkl: {client_id: a}\naccounts: {alice: {rewatch: true}, carol: {}}\n")
    assert diff(old, new).changes == (
        Change("accounts.alice.rewatch", "live"),
        Change("accounts.bob", "daemon"),
        Change("accounts.carol", "daemon"),
    )


def test_only_the_source_that_changed_starts_anew():
    """A new secret at one server leaves all other sources alone; the value is not told."""
    found = changes(SOURCES, SOURCES.replace(SECRET, SECRET[::-1]))
    assert found.restarted == ("plex",)
    assert found.changes == (Change("sources.plex.secret", "source"),)
    assert SECRET not in repr(found)


def test_sources_that_come_and_go_are_named():
    """Added and removed sources touch no other."""
    found = changes(SOURCES, SOURCES.replace("tv:", "den:"))
    assert (found.added, found.removed, found.restarted) == (("den",), ("tv",), ())


def test_a_source_of_another_type_starts_anew():
    """The same name with another plugin is another source."""
    found = changes("sources: {x: {type: mpv, account: bob}}\n", "sources: {x: {type: events, account: bob}}\n")
    assert found.restarted == ("x",)


def test_a_plugin_may_say_that_an_option_is_live():
    """Its own `effect` wins over the rule that a source starts anew."""
    found = changes("sources: {x: {type: mpv, account: bob}}\n", "sources: {x: {type: mpv, account: bob, poll: 9s}}\n")
    assert found.changes == (Change("sources.x.poll", "live"),)
    assert found.restarted == ()
