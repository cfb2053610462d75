"""What Simkl's answers say (simkl-api.md 4.1, 4.5, 4.6, 7)."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from scrobbler.api import Episode, Ids, Movie, Show, Work
from scrobbler.simkl.tokens import Plan
from scrobbler.simkl.wire import Reply

# Catalogue spellings of ids that differ from those of requests (simkl-api.md 3.1, 7).
_SPELLINGS = {"simkl_id": "simkl", "tmdbtv": "tmdb"}


class ScrobbleReply(Struct, frozen=True, kw_only=True):
    """What Simkl made of a start, pause or stop.

    `action` is `start`, `pause`, or `scrobble` (it counts as watched). `playback_id` names the saved position; 0 after a start.
    `already`: it was recorded before (409), which is as good as success; then `watched_at` says when, and the rest is empty.
    `matched` is what Simkl took it for; `doubt` says in plain words where that looks like something else, empty if it does not.
    """

    action: str
    playback_id: int = 0
    progress: float = 0.0
    already: bool = False
    watched_at: datetime | None = None
    matched: Work | None = None
    doubt: str = ""
    rewatch_status: str | None = None


class HistoryReply(Struct, frozen=True, kw_only=True):
    """The places, in the list that was sent, of what Simkl did not find."""

    not_found: frozenset[int] = frozenset()


class AccountInfo(Struct, frozen=True, kw_only=True):
    """The account at Simkl behind a link."""

    account_id: int
    name: str
    plan: Plan


def scrobble(reply: Reply, sent: Work) -> ScrobbleReply | None:
    """Read the answer to a scrobble; None if it is none."""
    fields = reply.fields
    action = _text(fields, "action")
    if not action and not any(key in fields for key in ("movie", "show", "anime")):
        return None
    matched = work(fields)
    return ScrobbleReply(
        action=action,
        playback_id=_int(fields.get("id")) or 0,
        progress=_float(fields.get("progress")),
        matched=matched,
        doubt=_doubt(sent, matched, fields),
        rewatch_status=_text(fields, "rewatch_status") or None,
    )


def already(reply: Reply) -> ScrobbleReply:
    """Read a 409: with or without `error`, with `Z` or an offset (simkl-api.md 4.5)."""
    return ScrobbleReply(action="scrobble", already=True, watched_at=moment(reply.fields.get("watched_at")))


def account(reply: Reply) -> AccountInfo | None:
    """Read `/users/settings`; None if the account's id is missing."""
    user, own = _object(reply.fields, "user"), _object(reply.fields, "account")
    account_id = _int(own.get("id"))
    if account_id is None:
        return None
    name = "".join(letter for letter in _text(user, "name") if letter.isprintable()) or f"account {account_id}"
    told = _text(own, "type").lower()
    plan: Plan = "vip" if told == "vip" else "pro" if told == "pro" else "free"
    return AccountInfo(account_id=account_id, name=name, plan=plan)


def work(fields: Mapping[str, Any]) -> Work | None:
    """Read the film or the episode that an answer names. None for a series without an episode."""
    if isinstance(fields.get("movie"), Mapping):
        found = _object(fields, "movie")
        return Movie(title=_text(found, "title"), year=_int(found.get("year")), ids=_ids(found))
    key = "anime" if isinstance(fields.get("anime"), Mapping) else "show"
    series, episode = _object(fields, key), _object(fields, "episode")
    if not series or not episode:
        return None
    ids = _ids(series)
    # Simkl numbers anime by cour; under TVDB's numbers only where it says so (simkl-api.md 3.3).
    native = key == "anime" or bool(ids.mal or ids.anidb or ids.anilist or ids.kitsu)
    return Episode(
        show=Show(title=_text(series, "title"), year=_int(series.get("year")), ids=ids),
        season=_int(episode.get("season")),
        number=_int(episode.get("number", episode.get("episode"))),
        title=_text(episode, "title"),
        ids=_ids(episode),
        native=native,
    )


def moment(value: object) -> datetime | None:
    """Read a time with `Z` or an offset, as UTC; None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).astimezone(UTC)


def _doubt(sent: Work, matched: Work | None, fields: Mapping[str, Any]) -> str:
    """Compare what was sent with what was matched: a thin payload risks a silent wrong match (simkl-api.md 3.1)."""
    match sent, matched:
        case Movie(), Movie():
            return _title_doubt(sent.title, sent.ids, matched.title, matched.ids)
        case Episode(), Episode():
            doubt = _title_doubt(sent.show.title, sent.show.ids, matched.show.title, matched.show.ids)
            return doubt or _number_doubt(sent, fields)
        case Movie(), Episode():
            return f"Simkl took the film for an episode of {matched.show.title!r}"
        case Episode(), Movie() if not sent.native:
            return f"Simkl took the episode for the film {matched.title!r}"
    return ""


def _title_doubt(sent: str, sent_ids: Ids, matched: str, matched_ids: Ids) -> str:
    theirs = dict(matched_ids.pairs())
    if any(theirs.get(name) == value for name, value in sent_ids.pairs()):
        return ""
    ours, found = _plain(sent), _plain(matched)
    if not ours or not found or ours in found or found in ours:
        return ""
    return f"Simkl took {sent!r} for {matched!r}"


def _number_doubt(sent: Episode, fields: Mapping[str, Any]) -> str:
    episode = _object(fields, "episode")
    season, number = _int(episode.get("season")), _int(episode.get("number"))
    tvdb = (_int(episode.get("tvdb_season")), _int(episode.get("tvdb_number")))
    if sent.number is None or number is None or (sent.season, sent.number) in {(season, number), tvdb}:
        return ""
    if (sent.native or sent.season is None) and sent.number == number:
        return ""
    named = f"season {season}, episode {number}" if season is not None else f"episode {number}"
    return f"Simkl took it for {named}"


def _plain(title: str) -> str:
    spread = unicodedata.normalize("NFKD", title).casefold()
    return "".join(letter for letter in spread if letter.isalnum())


def _ids(holder: Mapping[str, Any]) -> Ids:
    given = _object(holder, "ids")
    found: dict[str, str] = {}
    for name, value in given.items():
        key = _SPELLINGS.get(name, name)
        if key in Ids.__struct_fields__ and isinstance(value, str | int) and not isinstance(value, bool) and value:
            found.setdefault(key, str(value))
    simkl = _int(found.pop("simkl", None))
    return Ids(simkl=simkl, **found)


def _object(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def _int(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
