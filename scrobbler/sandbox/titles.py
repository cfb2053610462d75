"""The titles that the sandbox begins with.

Names and ids of titles are the real ones as far as they are known here; Simkl's ids and those of episodes are invented.
"""

from collections.abc import Iterator

from msgspec import Struct

from scrobbler.sandbox.catalogue import Status, Title, episodes_of_cour, episodes_of_seasons

# title, year, imdb, tmdb, minutes (0: unknown to the catalogue)
FILMS: tuple[tuple[str, int, str, str, int], ...] = (
    ("Sintel", 2010, "tt1727587", "45745", 15),
    ("Big Buck Bunny", 2008, "tt1254207", "10378", 10),
    ("Elephants Dream", 2006, "tt0807840", "9761", 0),
    ("Tears of Steel", 2012, "tt2285752", "133701", 12),
    ("Night of the Living Dead", 1968, "tt0063350", "10331", 96),
    ("Nosferatu", 1922, "tt0013442", "653", 95),
    ("Metropolis", 1927, "tt0017136", "19", 153),
    ("The General", 1926, "tt0017925", "961", 79),
    ("His Girl Friday", 1940, "tt0032599", "3085", 92),
    ("Charade", 1963, "tt0056923", "4808", 0),
    ("Plan 9 from Outer Space", 1957, "tt0052077", "10513", 79),
    ("The Matrix", 1999, "tt0133093", "603", 136),
    ("The Matrix Reloaded", 2003, "tt0234215", "604", 138),
    ("Blade Runner", 1982, "tt0083658", "78", 117),
    ("Blade Runner 2049", 2017, "tt1856101", "335984", 164),
    ("Inception", 2010, "tt1375666", "27205", 148),
    ("Interstellar", 2014, "tt0816692", "157336", 169),
    ("Arrival", 2016, "tt2543164", "329865", 116),
    ("Dune", 1984, "tt0087182", "841", 137),
    ("Dune", 2021, "tt1160419", "438631", 155),
    ("Ocean's Eleven", 1960, "tt0054135", "299", 127),
    ("Ocean's Eleven", 2001, "tt0240772", "161", 116),
    ("Parasite", 2019, "tt6751668", "496243", 133),
    ("The Godfather", 1972, "tt0068646", "238", 175),
    ("Pulp Fiction", 1994, "tt0110912", "680", 154),
    ("Fight Club", 1999, "tt0137523", "550", 139),
    ("Alien", 1979, "tt0078748", "348", 117),
    ("Toy Story", 1995, "tt0114709", "862", 81),
    ("Oppenheimer", 2023, "tt15398776", "872585", 181),
    ("Die Hard", 1988, "tt0095016", "562", 132),
    ("Paddington 2", 2017, "tt4468740", "346648", 104),
)


class Series(Struct, frozen=True):
    """One series; `seasons` counts the episodes from season 1 on, `specials` those of season 0."""

    title: str
    year: int
    imdb: str
    tmdb: str
    tvdb: str
    minutes: int | None
    seasons: tuple[int, ...]
    specials: int = 0
    status: Status = "ended"
    unaired: int = 0


SERIES: tuple[Series, ...] = (
    Series("Breaking Bad", 2008, "tt0903747", "1396", "81189", 47, (7, 13, 13, 13, 16), 9),
    Series("Better Call Saul", 2015, "tt3032476", "60059", "273181", 46, (10, 10, 10, 10, 10, 13)),
    Series("The Office (US)", 2005, "tt0386676", "2316", "73244", 22, (6, 22, 25, 19, 28, 26, 26, 24, 25), 10),
    Series("The Office", 2001, "tt0290978", "2996", "78107", 30, (6, 6), 2),
    Series("Doctor Who", 1963, "tt0056751", "121", "76107", 25, (42, 39, 45, 43, 40, 44, 25), 3),
    Series("Doctor Who", 2005, "tt0436992", "57243", "78804", 45, (13,) * 6 + (15, 12, 12, 12, 10, 10, 6), 20),
    Series("Firefly", 2002, "tt0303461", "1437", "78874", None, (14,), 1),
    Series("24", 2001, "tt0285331", "1973", "76290", 43, (24,) * 8, 2),
    Series("Game of Thrones", 2011, "tt0944947", "1399", "121361", 55, (10,) * 6 + (7, 6), 12),
    Series("The Wire", 2002, "tt0306414", "1438", "79126", 59, (13, 12, 12, 13, 10)),
    Series("Severance", 2022, "tt11280740", "95396", "371980", 50, (9, 10), 0, "airing", 3),
    Series("Stranger Things", 2016, "tt4574334", "66732", "305288", 51, (8, 9, 8, 9, 8)),
    Series("Friends", 1994, "tt0108778", "1668", "79168", 22, (24, 24, 25, 24, 24, 25, 24, 24, 24, 18), 4),
    Series("Sherlock", 2010, "tt1475582", "19885", "176941", 90, (3, 3, 3, 3), 1),
    Series("Chernobyl", 2019, "tt7366338", "87108", "360893", 65, (5,)),
    Series("The Simpsons", 1989, "tt0096697", "456", "71663", 22, (13, 22, 24, 22, 22, 25, 25, 25), 3, "airing", 2),
    Series("Battlestar Galactica", 2004, "tt0407362", "1972", "73545", 44, (13, 20, 20, 20), 6),
    Series("Black Mirror", 2011, "tt2085059", "42009", "253463", None, (3, 3, 6, 6, 3, 5), 2, "airing"),
    Series("The Mandalorian", 2019, "tt8111088", "82856", "361753", 39, (8, 8, 8)),
    Series("Lost", 2004, "tt0411008", "4607", "73739", 42, (25, 24, 23, 14, 17, 18), 5),
    Series("The X-Files", 1993, "tt0106179", "4087", "77398", 45, (24, 25, 24, 24, 20, 22, 22, 21, 20, 6, 10)),
)


class Cour(Struct, frozen=True):
    """One anime title. `places` are its spans at TVDB: season, first number, count."""

    title: str
    year: int
    imdb: str
    tmdb: str
    tvdb: str
    mal: str
    anidb: str
    anilist: str
    minutes: int | None
    places: tuple[tuple[int, int, int], ...]
    status: Status = "ended"
    unaired: int = 0


TITAN = ("tt2560140", "1429", "267440")
MOB = ("tt5897304", "67075", "312919")
GATE = ("tt1910272", "42509", "244061")
# TVDB cuts One Piece into these seasons.
PIECE = (8, 22, 17, 13, 9, 22, 39, 13, 52, 31, 99, 56, 100, 35, 62, 50, 118, 36, 14, 101)


def _in_a_row(counts: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    return tuple((season, 1, count) for season, count in enumerate(counts, 1))


COURS: tuple[Cour, ...] = (
    Cour("Attack on Titan", 2013, *TITAN, "16498", "9541", "16498", 24, ((1, 1, 25),)),
    Cour("Attack on Titan Season 2", 2017, *TITAN, "25777", "10944", "20958", 24, ((2, 1, 12),)),
    Cour("Attack on Titan Season 3", 2018, *TITAN, "35760", "13241", "99147", 24, ((3, 1, 12),)),
    Cour("Attack on Titan Season 3 Part 2", 2019, *TITAN, "38524", "14444", "104578", 24, ((3, 13, 10),)),
    Cour("Attack on Titan The Final Season", 2020, *TITAN, "40028", "14977", "110277", 24, ((4, 1, 16),)),
    Cour("Attack on Titan The Final Season Part 2", 2022, *TITAN, "48583", "16177", "131681", 24, ((4, 17, 12),)),
    Cour("Mob Psycho 100", 2016, *MOB, "32182", "11833", "21507", 24, ((1, 1, 12),)),
    Cour("Mob Psycho 100 II", 2019, *MOB, "37510", "13896", "101338", 24, ((2, 1, 13),)),
    Cour("Mob Psycho 100 III", 2022, *MOB, "50172", "16741", "140439", 24, ((3, 1, 12),)),
    Cour("Steins;Gate", 2011, *GATE, "9253", "7729", "9253", None, ((1, 1, 24),)),
    Cour("One Piece", 1999, "tt0388629", "37854", "81797", "21", "69", "21", 24, _in_a_row(PIECE), "airing", 1),
    Cour(
        "Fullmetal Alchemist: Brotherhood",
        2009,
        "tt1355642",
        "31911",
        "85249",
        "5114",
        "6107",
        "5114",
        24,
        ((1, 1, 64),),
    ),
    Cour("Cowboy Bebop", 1998, "tt0213338", "30991", "76885", "1", "23", "1", None, ((1, 1, 26),)),
    Cour("Death Note", 2006, "tt0877057", "13916", "79481", "1535", "4563", "1535", 23, ((1, 1, 37),)),
)

# title, year, imdb, tmdb, mal, anidb, minutes
ANIME_FILMS: tuple[tuple[str, int, str, str, str, str, int], ...] = (
    ("Spirited Away", 2001, "tt0245429", "129", "199", "112", 125),
    ("Akira", 1988, "tt0094625", "149", "47", "28", 124),
    ("Your Name.", 2016, "tt5311514", "372058", "32281", "11829", 107),
)


def titles() -> Iterator[Title]:
    """Yield every title, always in the same order and with the same ids."""
    yield from _films()
    yield from _series()
    yield from _anime()
    yield Title(simkl=990_001, kind="movie", title="A Film Still to Come", year=2099, status="unreleased")
    yield Title(
        simkl=990_002,
        kind="tv",
        title="A Series Still to Come",
        year=2099,
        status="unreleased",
        episodes=episodes_of_seasons({1: 8}, 9_900_000, unaired=8),
    )


def _films() -> Iterator[Title]:
    for place, (title, year, imdb, tmdb, minutes) in enumerate(FILMS, 1):
        ids = {"imdb": imdb, "tmdb": tmdb}
        yield Title(simkl=500_000 + place, kind="movie", title=title, year=year, ids=ids, runtime=minutes or None)


def _series() -> Iterator[Title]:
    for place, series in enumerate(SERIES, 1):
        seasons = dict(enumerate(series.seasons, 1))
        if series.specials:
            seasons[0] = series.specials
        yield Title(
            simkl=600_000 + place,
            kind="tv",
            title=series.title,
            year=series.year,
            ids={"imdb": series.imdb, "tmdb": series.tmdb, "tvdb": series.tvdb},
            runtime=series.minutes,
            status=series.status,
            episodes=episodes_of_seasons(seasons, 6_000_000 + place * 1000, unaired=series.unaired),
        )


def _anime() -> Iterator[Title]:
    for place, cour in enumerate(COURS, 1):
        ids = {"imdb": cour.imdb, "tmdb": cour.tmdb, "tvdb": cour.tvdb}
        yield Title(
            simkl=700_000 + place,
            kind="anime",
            title=cour.title,
            year=cour.year,
            ids={**ids, "mal": cour.mal, "anidb": cour.anidb, "anilist": cour.anilist},
            runtime=cour.minutes,
            status=cour.status,
            anime_type="tv",
            episodes=episodes_of_cour(cour.places, 7_000_000 + place * 2000, unaired=cour.unaired),
        )
    for place, (title, year, imdb, tmdb, mal, anidb, minutes) in enumerate(ANIME_FILMS, 1):
        yield Title(
            simkl=750_000 + place,
            kind="anime",
            title=title,
            year=year,
            ids={"imdb": imdb, "tmdb": tmdb, "mal": mal, "anidb": anidb},
            runtime=minutes,
            anime_type="movie",
        )
