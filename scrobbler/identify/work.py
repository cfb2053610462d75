"""What identification answers, and how sure it is."""

from enum import Enum

from msgspec import Struct

from scrobbler.api import Skip, Work


class Confidence(float, Enum):
    """How much a way of recognising a title is worth, from 0 to 1. The resolver never invents values between them."""

    IDS = 1.0  # ids of a catalogue, from the source, the path or an NFO
    SHARED_ID = 0.85  # an id on an episode's file, which may be the episode's instead of the show's
    NUMBERED = 0.8  # show title with season and number
    DATED = 0.75  # film title with its year
    LOOSE = 0.6  # show title with a number whose season was concluded, or a date
    SPECIAL = 0.45  # specials: every catalogue numbers them in its own way
    TITLE = 0.4  # a title alone
    WEAK = 0.25  # only the tag inside the file, or a number that may belong to the title
    NONE = 0.0


class Identification(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What plays, as far as its names tell.

    `work` is None where nothing usable was found; `reasons` then say what is missing. `confidence` goes from 0 to 1
    (`Confidence` names the steps). `reasons` are plain words for `scrobbler why`. `skip` says that the name shows something
    which is not a play of ours (contract.md 1.6).
    """

    work: Work | None = None
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()
    skip: Skip | None = None


class Reading(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the words of a path say, before any ids are added.

    `episode` decides between film and episode. `season` None with a `number` is an absolute number. `year` is the film's, or
    the year in which the show began. `year_printed` is False for a bare number that only looks like a year. `special` marks
    a number that counts specials.
    """

    episode: bool
    title: str = ""
    year: int | None = None
    season: int | None = None
    number: int | None = None
    last_number: int | None = None
    aired: str | None = None
    special: bool = False
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()
