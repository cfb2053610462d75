"""Four people and what they watch: a seed gives the days, with everything that players do to a play."""

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Literal, NamedTuple

from tests.soak.players import Delivery, Mouth, Play, Source
from tests.soak.reel import Reel
from tests.soak.titles import Shelf, Watchable

SECRET = "a-secret-of-the-soak-1"
FIRST_MS = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
"""The month has New York's change to summer time in it (8 March)."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ACCOUNTS = ("alice", "bob", "carol", "dave")


class Seat(NamedTuple):
    """A place to watch: a player, who sits there in the player's words, and whose accounts these are."""

    source: Source
    player: str
    user: str
    accounts: tuple[str, ...]


TV = {
    "alice": Seat("plex", "tv", "Alice", ("alice",)),
    "bob": Seat("plex", "tv", "Bob", ("bob",)),
    "both": Seat("plex", "tv", "Parents", ("alice", "bob")),
}
TABLET = Seat("plex", "tablet", "Alice", ("alice",))
DESK = Seat("relay", "desk", "Bobby", ("bob",))
SOFA = {
    "carol": Seat("jelly", "sofa", "Carol", ("carol",)),
    "dave": Seat("jelly", "sofa", "Dave", ("dave",)),
    "both": Seat("jelly", "sofa", "Both", ("carol", "dave")),
}
SHIM = Seat("relay", "shim", "Carol", ("carol",))
LOFT = Seat("relay", "loft", "Dave", ("dave",))

THRESHOLDS = {"alice": 80, "bob": 90, "carol": 60, "dave": 80}
"""From how many percent each of them counts a play as watched: as Simkl does, above that, and below."""

CONFIG: dict[str, Any] = {
    "accounts": {name: {"watched_percent": THRESHOLDS[name]} for name in ACCOUNTS},
    "sources": {
        "plex": {
            "type": "plex",
            "secret": SECRET,
            "users": {"Alice": "alice", "Bob": ["bob"], "Parents": ["alice", "bob"], "Guests": []},
        },
        "jelly": {
            "type": "jellyfin",
            "secret": SECRET,
            "users": {"Carol": "carol", "Dave": "dave", "Both": ["carol", "dave"]},
        },
        "relay": {
            "type": "events",
            "secret": SECRET,
            "users": {"Bobby": "bob", "Carol": "carol", "Dave": "dave"},
        },
    },
}


@dataclass(frozen=True)
class Month:
    """The whole script: every play, and every request in the order of their times."""

    plays: list[Play]
    deliveries: list[Delivery]
    begin_ms: int
    end_ms: int


@dataclass
class Unfinished:
    """Something that was left and will be continued."""

    seat: Seat
    title: Watchable
    position_ms: int


class Household:
    """Makes the script."""

    def __init__(self, seed: int, *, tick_s: int) -> None:
        self._random = Random(seed)
        self._shelf = Shelf(self._random)
        self._mouth = Mouth()
        self._tick_ms = tick_s * 1000
        self._unfinished: list[Unfinished] = []
        self._plays: list[Play] = []
        self._groups = 0

    def live(self, days: int) -> Month:
        """Let the days pass."""
        for day in range(days):
            self._day(FIRST_MS + day * DAY_MS)
        deliveries = self._mistreat(self._mouth.deliveries)
        end_ms = max(FIRST_MS + days * DAY_MS, deliveries[-1].at_ms + 1000)
        return Month(self._plays, deliveries, FIRST_MS, end_ms)

    def _day(self, day_ms: int) -> None:
        chance = self._random.random
        noon, evening = day_ms + 14 * HOUR_MS, day_ms + 19 * HOUR_MS
        if chance() < 0.5:
            self._sit(self._random.choice([TV["alice"], TABLET]), noon + self._minutes(60), 1)
        if chance() < 0.5:
            self._sit(SOFA["dave"], noon + self._minutes(60), 1)
        if chance() < 0.4:
            self._sit(DESK, noon + self._minutes(90), 1)
        late = self._parents(evening + self._minutes(60))
        if chance() < 0.2:
            self._sit(TABLET, evening + self._minutes(90), 1)
        if chance() < 0.2:
            self._sit(TV["bob"], late + self._minutes(30), 1)
        self._children(evening + self._minutes(60))

    def _parents(self, at_ms: int) -> int:
        if self._random.random() < 0.5:
            return self._sit(TV["both"], at_ms, 2)
        over = self._sit(TV["alice"], at_ms, 2)
        self._sit(DESK, at_ms + self._minutes(60), 1)
        return over

    def _children(self, at_ms: int) -> None:
        draw = self._random.random()
        if draw < 0.35:
            self._sit(SOFA["both"], at_ms, 1)
        elif draw < 0.6:
            self._shimmed(at_ms)
        else:
            self._sit(SOFA["carol"], at_ms, 1)
        if draw >= 0.35:
            self._sit(LOFT, at_ms + self._minutes(120), 2)

    def _minutes(self, most: int) -> int:
        return self._random.randrange(most * 60) * 1000

    def _sit(self, seat: Seat, at_ms: int, most: int) -> int:
        """Watch something, perhaps a second thing; return when the seat is free again."""
        for left in [one for one in self._unfinished if one.seat == seat]:
            self._unfinished.remove(left)
            at_ms = self._continue(left, at_ms) + 60_000
        for _ in range(self._random.randint(1, most)):
            at_ms = self._something(seat, at_ms) + self._random.choice([5_000, 60_000, 15 * 60_000])
        return at_ms

    def _something(self, seat: Seat, at_ms: int) -> int:
        kinds = ["film", "paused", "series", "series", "left", "tried", "skipped", "small skip", "lost", "again"]
        kinds.append({"plex": "trailer", "jelly": "ghost", "relay": "anime"}[seat.source])
        if seat.source != "plex":
            kinds += ["anime", "lost late"]
        match self._random.choice(kinds):
            case "series":
                return self._series(seat, at_ms, "tv")
            case "anime":
                return self._series(seat, at_ms, "anime")
            case "again":
                return self._again(seat, at_ms)
            case "left":
                return self._left(seat, at_ms)
            case "trailer":
                self._mouth.trailer(at_ms, seat.user)
                return self._one(seat, at_ms + 65_000, self._shelf.film(), "film")
            case kind:
                return self._one(seat, at_ms, self._shelf.film(), kind)

    def _reel(self, title: Watchable, at_ms: int) -> Reel:
        return Reel(at_ms, title.length_ms, self._tick_ms)

    def _play(self, seat: Seat, title: Watchable) -> Play:
        play = Play(seat.source, seat.player, seat.user, seat.accounts, title)
        self._plays.append(play)
        return play

    def _one(self, seat: Seat, at_ms: int, title: Watchable, kind: str) -> int:
        length, chance = title.length_ms, self._random.random
        reel = self._reel(title, at_ms).begin()
        ghost = False
        match kind:
            case "paused":
                reel.play(int(length * (0.1 + 0.5 * chance()))).pause(60 + 900 * chance())
                reel.play(length).end("finish")
            case "tried":
                reel.play(int(length * (0.03 + 0.2 * chance()))).end("stop")
            case "skipped":
                reel.play(int(length * 0.1)).jump(int(length * 0.7)).play(int(length * (0.83 + 0.04 * chance()))).end(
                    "stop"
                )
            case "small skip":
                reel.play(int(length * 0.3)).jump(int(length * 0.37)).play(length).end("finish")
            case "lost":
                reel.play(int(length * (0.2 + 0.4 * chance()))).end("vanish")
            case "lost late":
                reel.play(int(length * (0.84 + 0.1 * chance()))).end("vanish")
            case "ghost":
                reel.play(int(length * (0.3 + 0.3 * chance()))).end("vanish")
                ghost = True
            case _:
                reel.play(length).end("finish")
        play = self._play(seat, title)
        self._mouth.tell(play, reel)
        if ghost:
            return self._ghost(play, reel)
        return reel.at_ms

    def _ghost(self, play: Play, reel: Reel) -> int:
        """The client is dead; Jellyfin's timer counts on for ten minutes and then stops at its own position."""
        for second in range(30, 601, 30):
            at_ms, position_ms = reel.at_ms + second * 1000, reel.position_ms + second * 1000
            self._mouth.say(play, at_ms, "tick", position_ms, observed=False, silent_s=second)
        self._mouth.say(play, reel.at_ms + 600_500, "stop", reel.position_ms + 600_000, observed=False, silent_s=600.5)
        return reel.at_ms + 601_000

    def _series(self, seat: Seat, at_ms: int, kind: Literal["tv", "anime"]) -> int:
        """Watch some episodes with autoplay; some players tell no stop in between."""
        titles = self._shelf.episodes(kind, self._random.randint(2, 4))
        stops = self._random.random() < 0.6
        for place, title in enumerate(titles):
            reel = self._reel(title, at_ms).begin().play(title.length_ms)
            last = place == len(titles) - 1
            reel.end("finish" if stops or last else "vanish")
            self._mouth.tell(self._play(seat, title), reel)
            at_ms = reel.at_ms + self._random.choice([0, 800, 5_000])
        return at_ms

    def _again(self, seat: Seat, at_ms: int) -> int:
        """Watch something short, and the same once more within the hour."""
        title = self._shelf.short() or self._shelf.episodes("anime", 1)[0]
        over = self._one(seat, at_ms, title, "film")
        return self._one(seat, over + self._random.choice([200_000, 600_000, 1_800_000]), title, "film")

    def _left(self, seat: Seat, at_ms: int) -> int:
        """Stop in the middle; go on tomorrow or the day after."""
        title = self._shelf.film()
        reel = self._reel(title, at_ms).begin().play(int(title.length_ms * (0.25 + 0.4 * self._random.random())))
        self._mouth.tell(self._play(seat, title), reel.end("stop"))
        self._unfinished.append(Unfinished(seat, title, reel.position_ms))
        return reel.at_ms

    def _continue(self, left: Unfinished, at_ms: int) -> int:
        reel = self._reel(left.title, at_ms).begin(left.position_ms).play(left.title.length_ms)
        self._mouth.tell(self._play(left.seat, left.title), reel.end("finish"))
        return reel.at_ms

    def _shimmed(self, at_ms: int) -> None:
        """Watch through jellyfin-mpv-shim: Jellyfin and the mpv behind it report the same play."""
        self._groups += 1
        title = self._shelf.film()
        for seat, later_ms in ((SOFA["carol"], 0), (SHIM, 700)):
            reel = self._reel(title, at_ms + later_ms).begin().play(title.length_ms).end("finish")
            play = self._play(seat, title)
            play.group = self._groups
            self._mouth.tell(play, reel)

    def _mistreat(self, deliveries: list[Delivery]) -> list[Delivery]:
        """Repeat some requests, and swap some that lie close together."""
        out: list[tuple[int, int, Delivery]] = []
        for place, one in enumerate(sorted(deliveries, key=lambda each: each.at_ms)):
            out.append((one.at_ms, place, one))
            if one.edge and self._random.random() < 0.05:
                again_ms = one.at_ms + self._random.randint(50, 900)
                out.append((again_ms, place, _at(one, again_ms)))
        out.sort(key=lambda each: each[:2])
        done = [one for _, _, one in out]
        for place in range(1, len(done)):
            earlier, later = done[place - 1], done[place]
            close = later.at_ms - earlier.at_ms <= 900
            if earlier.source == later.source and earlier.edge and later.edge and close and self._random.random() < 0.3:
                done[place - 1], done[place] = _at(later, earlier.at_ms), _at(earlier, later.at_ms)
        return done


def _at(one: Delivery, at_ms: int) -> Delivery:
    return Delivery(at_ms, one.beat, one.source, one.content_type, one.body, one.edge)


__all__ = ["ACCOUNTS", "CONFIG", "DAY_MS", "FIRST_MS", "HOUR_MS", "SECRET", "Household", "Month"]
