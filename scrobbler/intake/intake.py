"""The door of the house: who watches this, and may it count."""

from collections.abc import Mapping, Sequence

from msgspec import UNSET, Struct, UnsetType

from scrobbler.api import SKIP_WORDS, File, Filter, Item, Names, PlayerEvent, SourceOptions, Traits, User
from scrobbler.intake.filters import lets_in, matches, title_of
from scrobbler.intake.users import UserMap, as_list
from scrobbler.plays.model import AccountPolicy, Heard, SourceTraits


class Refused(Struct, frozen=True, kw_only=True):
    """An event that is none of ours. `once` names what is worth saying once in the log; nothing of it is stored."""

    reason: str
    once: str = ""


class Rules(Struct, frozen=True, kw_only=True):
    """What of the configuration concerns every source: the accounts, and what to ignore."""

    accounts: Mapping[str, AccountPolicy]
    ignore_paths: tuple[str, ...] = ()
    ignore_titles: tuple[str, ...] = ()
    shorter_than_ms: int = 300_000


class SourceIntake:
    """The intake of one source."""

    def __init__(self, source: str, options: SourceOptions, traits: Traits, rules: Rules) -> None:
        self._source = source
        self._libraries: Filter = options.libraries
        self._paths: Filter = options.paths
        self._marks = options.marks
        self._rules = rules
        self._users = _user_map(options.users)
        self._accounts = () if options.account is UNSET else as_list(options.account)
        self._traits = SourceTraits(
            ticks=traits.ticks,
            quiet_ms=int(traits.quiet_s * 1000),
            close_ms=int(traits.close_s * 1000),
            richness=traits.richness,
        )

    def admit(self, event: PlayerEvent, hidden: frozenset[str] = frozenset()) -> Heard | Refused:
        """Decide on one event. `hidden` are the accounts in private mode."""
        mapped = self._who(event)
        if mapped is None:
            user = event.user or User()
            why = "its user is not under `users`" if event.user else "it names no user, and `users` has no `*`"
            return Refused(reason=f"nobody's: {why}", once=f"user:{user.id or user.name}")
        known = [name for name in dict.fromkeys(mapped) if name in self._rules.accounts]
        accounts = tuple(self._rules.accounts[name] for name in known if name not in hidden)
        if not accounts:
            return Refused(reason=_nobody(mapped, known))
        if event.kind == "marked" and not self._marks:
            return Refused(reason="marks by hand are not taken over here (`marks: true` changes that)")
        if isinstance(event.item, File) and self.outside(event.item.path):
            return Refused(reason="outside the paths that count here")
        return Heard(
            source=self._source,
            traits=self._traits,
            accounts=accounts,
            event=event,
            shorter_than_ms=self._rules.shorter_than_ms,
            ignored=self._why_not(event),
            undecided=self._undecided(event),
        )

    def outside(self, path: str) -> bool:
        """Tell whether a file lies outside `paths`: nothing of it is stored or sent."""
        return not lets_in(self._paths, path)

    def why_not(self, item: Item | None, *, path: str | None, library: str | None) -> str:
        """Say what speaks against a play once its title, path or library is known; empty: nothing."""
        if library is not None and not lets_in(self._libraries, library):
            return f"library {library} is not among those that count here"
        if path is not None and (self.outside(path) or matches(path, self._rules.ignore_paths)):
            return "its path is excluded"
        title = title_of(item)
        if title and matches(title, self._rules.ignore_titles):
            return f"title {title} is on the ignore list"
        return ""

    def _undecided(self, event: PlayerEvent) -> str:
        if event.library is None and (self._libraries.include or self._libraries.exclude):
            return "library"
        if not isinstance(event.item, File) and (self._paths.include or self._paths.exclude):
            return "path"
        return ""

    def _why_not(self, event: PlayerEvent) -> str:
        if event.skip is not None:
            return SKIP_WORDS[event.skip]
        path = event.item.path if isinstance(event.item, File) else None
        return self.why_not(event.item, path=path, library=event.library)

    def _who(self, event: PlayerEvent) -> tuple[str, ...] | None:
        if self._users is None or (event.user is None and self._accounts):
            return self._accounts
        return self._users.anybody() if event.user is None else self._users.accounts(event.user)


def _nobody(accounts: Sequence[str], known: Sequence[str]) -> str:
    if known:
        return "private mode"
    return "its account counts after a restart of the daemon" if accounts else "a user who is mapped to nobody"


def _user_map(users: dict[str, Names] | UnsetType) -> UserMap | None:
    return None if users is UNSET else UserMap(users)
