"""The sandbox as one object: a server's state and what a program may do to it directly."""

import random

from scrobbler.clock import Clock
from scrobbler.sandbox.catalogue import Title, episodes_of_cour, episodes_of_seasons
from scrobbler.sandbox.clock import SandboxClock, stamp
from scrobbler.sandbox.describe import user_view
from scrobbler.sandbox.gate import Gate
from scrobbler.sandbox.orders import AddTitle
from scrobbler.sandbox.people import FULL_SCOPE, Plan
from scrobbler.sandbox.routes import all_routes
from scrobbler.sandbox.signin import SignIn
from scrobbler.sandbox.state import State
from scrobbler.sandbox.switches import Switches
from scrobbler.sandbox.views import Call, Grant, Ledger, UserView


class Sandbox:
    """One pretended Simkl, all in memory. `clock` is what its own, movable clock is based on."""

    def __init__(self, clock: Clock | None = None, rng: random.Random | None = None) -> None:
        self.clock = SandboxClock(clock)
        self._rng = rng or random.SystemRandom()
        self._begin()

    def _begin(self) -> None:
        self.state = State(self.clock, self._rng)
        self.signin = SignIn(self.state)
        self.gate = Gate(self.state, all_routes(self.state, self.signin))

    @property
    def switches(self) -> Switches:
        """The switches; change their attributes at will."""
        return self.state.switches

    def reset(self) -> None:
        """Forget everything; the clock goes on from where it is."""
        self._begin()

    def link(self, user: str, client_id: str = "sandbox", scope: str = FULL_SCOPE) -> Grant:
        """Link a user to an application, as if the sign-in had been approved. Raises ValueError for an unknown one."""
        app = self.state.people.apps.get(client_id)
        if app is None:
            raise ValueError(f"no application {client_id!r}; there are {', '.join(self.state.people.apps)}")
        people = self.state.people
        return people.granted(people.grant(app, people.user(user), scope))

    def plan(self, user: str, plan: Plan) -> None:
        """Give a user a plan; a new one moves `settings.all` of the activities."""
        who = self.state.people.user(user)
        if who.plan != plan:
            who.plan = plan
            who.library.touch_settings(self.clock.now_ms())

    def view(self, user: str) -> UserView:
        """Describe one user, made on first use."""
        return user_view(self.state.people.user(user), self.state, self.gate)

    def calls(self, user: str = "", path_prefix: str = "") -> list[Call]:
        """Return the calls in order, of one user and one part of the addresses where these are given."""
        calls = (record.call for record in self.gate.recorder.records)
        return [c for c in calls if user in ("", c.user or "") and c.path.startswith(path_prefix)]

    def ledger(self) -> Ledger:
        """Return everything at once."""
        return Ledger(
            now=stamp(self.clock.now_ms()) or "",
            users=[self.view(name) for name in list(self.state.people.users)],
            calls=self.calls(),
            codes=self.signin.views(),
            counters=self.gate.recorder.counters(),
        )

    def add_title(self, order: AddTitle) -> Title:
        """Take a title into the catalogue. Raises ValueError if its Simkl id is taken."""
        catalogue = self.state.catalogue
        number = order.simkl or catalogue.next_id()
        first = order.first_episode_tvdb or number * 1000
        if order.kind == "anime" and order.places:
            episodes = episodes_of_cour(order.places, first, unaired=order.unaired)
        else:
            seasons = {int(season): count for season, count in order.seasons.items()}
            episodes = episodes_of_seasons(seasons, first, unaired=order.unaired)
        title = Title(
            simkl=number,
            kind=order.kind,
            title=order.title,
            year=order.year,
            ids=order.ids,
            runtime=order.runtime,
            status=order.status,
            anime_type=order.anime_type or ("tv" if order.kind == "anime" and episodes else None),
            episodes=episodes,
        )
        catalogue.add(title)
        return title
