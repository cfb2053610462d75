"""What plays: from names, tags, NFO files and ids to a film or an episode, and to the aliases under which sources meet."""

from scrobbler.identify.aliases import Alias, aliases, contradicts, normal_title
from scrobbler.identify.exclude import name_skip
from scrobbler.identify.guess import ChildGuesser, Guess, GuessCache, GuessError, GuessSource, MemoryGuessCache, clipped
from scrobbler.identify.resolver import identify
from scrobbler.identify.work import Confidence, Identification

__all__ = [
    "Alias",
    "ChildGuesser",
    "Confidence",
    "Guess",
    "GuessCache",
    "GuessError",
    "GuessSource",
    "Identification",
    "MemoryGuessCache",
    "aliases",
    "clipped",
    "contradicts",
    "identify",
    "name_skip",
    "normal_title",
]
