"""The report, the page and the metrics."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import msgspec
import pytest
from msgspec.structs import replace

from scrobbler.status.formatting import FOREVER_MS, clock, moment, span, until
from scrobbler.status.page import StatusPages
from scrobbler.status.ports import SignInOffer
from scrobbler.status.report import from_values, report
from scrobbler.store.database import StorageError
from tests.status.world import World, WorldHouse, full_house

pytestmark = pytest.mark.anyio


class Page(HTMLParser):
    """Collects tags, links and text of a page, and checks that every tag is closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


async def test_report(world: World):
    """The report says what plays, what waits, what was delivered, and survives the way through JSON."""
    made = await full_house(world)
    found = await report(WorldHouse(world))
    (playing,) = found.playing
    assert playing.play == made["playing"]
    assert (playing.mode, playing.progress, playing.device) == ("playing", 20.0, "Living Room")
    assert [(one.account, one.due) for one in found.queue] == [("bob", 1)]
    assert found.deliveries[0].action == "stop"
    assert found.undecided == 2
    assert from_values(json.loads(msgspec.json.encode(found))) == found


async def test_a_change_that_was_not_taken_over(world: World):
    """A typing mistake in the configuration is shown everywhere and leaves the daemon healthy: nobody may restart it for that."""
    house = WorldHouse(world)
    house.refused_change = "the changed configuration is not valid"
    pages = StatusPages(house)
    assert (await report(house)).faults == ("the changed configuration is not valid",)
    assert "the changed configuration is not valid" in await pages.page()
    assert "scrobbler_faults 1" in await pages.metrics()
    assert pages.faults() == []


async def test_report_without_a_store(world: World, monkeypatch: pytest.MonkeyPatch):
    """A store that cannot be read is a fault in the report, which is given all the same."""
    house = WorldHouse(world)

    async def fail(_work: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(house, "read", fail)
    found = await report(house)
    assert found.faults == ("the disk is full",)
    assert "the disk is full" in await StatusPages(house).page()


async def test_the_page_is_escaped_and_whole(world: World):
    """Titles and errors of strangers are text on the page; it is well-formed and has neither script nor form."""
    await full_house(world)
    html = await StatusPages(WorldHouse(world)).page()
    page = Page(html)
    assert "<script>alert(1)</script> & co" in page.words
    assert "no module <b>" in page.words
    assert not {"script", "form", "img", "link", "iframe", "b"} & set(page.tags)
    assert not re.search(r"<[^>]*\son\w+=", html)


async def test_the_page_leads_to_simkl_alone(world: World):
    """Nothing is loaded from elsewhere, and every link leads to the title's page at Simkl."""
    await full_house(world)
    page = Page(await StatusPages(WorldHouse(world)).page())
    assert "https://simkl.com/movies/53992/sintel" in page.links
    assert all(link.startswith("https://simkl.com") for link in page.links)


async def test_the_page_says_what_to_do(world: World):
    """An account that is not linked shows its code and link; a phone and a dark room are thought of."""
    house = WorldHouse(world)
    offer = SignInOffer(link="https://simkl.com/pin/ABC", code="ABC")
    house.links = [replace(house.links[1], sign_in=offer)]
    html = await StatusPages(house).page()
    assert "https://simkl.com/pin/ABC" in Page(html).links
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html
    assert 'http-equiv="refresh"' in html


async def test_what_is_to_be_typed_can_be_typed(world: World):
    """A name with a space is quoted in the command that is asked for, and a play says for what it waits."""
    await full_house(world)
    house = WorldHouse(world)
    words = Page(await StatusPages(house).page()).words
    assert "waiting (not linked: account 'bob' is not linked to Simkl)" in words
    assert "run `scrobbler auth bob`" in words
    house.links = [replace(house.links[1], name="Bob K")]
    assert "run `scrobbler auth 'Bob K'`" in Page(await StatusPages(house).page()).words


async def test_an_empty_house(world: World):
    """On the first day there is a page as well."""
    assert "nothing" in Page(await StatusPages(WorldHouse(world)).page()).words


async def test_metrics(world: World):
    """Every line of the metrics has the form that Prometheus reads, and no series comes twice."""
    await full_house(world)
    text = await StatusPages(WorldHouse(world)).metrics()
    series = re.compile(r'[a-z_]+(\{([a-z]+="(\\.|[^"\\\n])*",?)+\})? [0-9.e+]+')
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(series.fullmatch(line) for line in lines)
    names = [line.rpartition(" ")[0] for line in lines]
    assert len(names) == len(set(names))
    for line in (
        'scrobbler_hook_requests_total{source="attic",code="401"} 1',
        'scrobbler_ledger_due{account="bob"} 1',
        'scrobbler_sessions{mode="playing"} 1',
        'scrobbler_allowance_remaining{account="alice"} 480',
        'scrobbler_account_linked{account="bob"} 0',
        'scrobbler_source_up{source="living-room",type="mpv"} 1',
        'scrobbler_source_enabled{source="attic",type="pl\\"ex"} 0',
        'scrobbler_deliveries_total{action="stop",result="refused"} 1',
        "scrobbler_faults 0",
    ):
        assert line in lines


async def test_metrics_name_their_families(world: World):
    """Each family has its help and type line once, before its series."""
    text = await StatusPages(WorldHouse(world)).metrics()
    helps = re.findall(r"# HELP (\S+) \S", text)
    types = re.findall(r"# TYPE (\S+) (?:gauge|counter)", text)
    assert helps == types
    assert len(helps) == len(set(helps))


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0, "0 s"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (3_600_000, "1 h"),
        (12_000_000, "3 h 20 min"),
        (86_400_000, "1 day"),
        (200_000_000, "2 days"),
        (-5, "0 s"),
    ],
)
async def test_spans(milliseconds: int, words: str):
    """Lengths of time are said in their largest units."""
    assert span(milliseconds) == words


async def test_moments():
    """Moments are as short as they stay clear."""
    now = 1_768_507_200_000
    day = 86_400_000
    assert re.fullmatch(r"\d\d:\d\d", moment(now, now))
    assert re.fullmatch(r"\w{3} \d\d:\d\d", moment(now - 2 * day, now))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", moment(now - 20 * day, now))
    assert until(FOREVER_MS, now) == "until you resume"
    assert clock(3_723_000) == "1:02:03"
    assert clock(425_000) == "7:05"


def test_jinja_is_imported_when_somebody_looks():
    """A daemon whose page nobody opens does without the template engine."""
    code = "import sys, scrobbler.status.page, scrobbler.hooks.app; print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
