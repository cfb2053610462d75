"""A person says what a play really was (`scrobbler fix`)."""

import msgspec
from msgspec.structs import replace

from scrobbler.api import Work, describe
from scrobbler.clock import Clock
from scrobbler.engine.engine import Answer, Engine
from scrobbler.identify.aliases import aliases
from scrobbler.plays.judge import part_work
from scrobbler.plays.model import Fact, Note
from scrobbler.store import play_state, reading, titles
from scrobbler.store.database import Connection, Database

_FACT = msgspec.json.Decoder(Fact)


class CorrectionError(Exception):
    """The play cannot be corrected. The text is one sentence."""


async def correct(engine: Engine, database: Database, clock: Clock, play_id: str, work: Work) -> str:
    """Make a play one of another work, and send again what that changes. Returns what happens, in words."""
    play = engine.state.plays.get(play_id)
    names = titles.Names(
        work=work,
        strong=tuple((one.scheme, one.value) for one in aliases(work) if not one.weak),
        weak=(),
        differs=lambda _one, _other: False,
    )
    if play is not None and play.work is None:
        for session in play.sessions:
            reasons = ("said so by hand",)
            await engine.identified(
                Answer(session=session, names=names, runtime_ms=play.runtime_ms, confidence=1.0, reasons=reasons)
            )
        return "it goes on its way"
    now = clock.now()

    def rewrite(connection: Connection) -> int:
        number = titles.work_number(connection, names, now.utc_ms, window_ms=0)
        rows = list(connection.execute("SELECT id, part, body FROM outbox WHERE play = ?", (play_id,)))
        for row_id, part, body in rows:
            fact = replace(_FACT.decode(body), work=part_work(work, part), work_id=number, live=False, rewatch=False)
            connection.execute(
                "UPDATE outbox SET state = 'due', outcome = '', settled_utc_ms = NULL, live = 0, stage = 'tell', "
                "work_id = ?, body = ?, playback_id = NULL, tries = 0, enqueued_utc_ms = ? WHERE id = ?",
                (number, msgspec.json.encode(fact), now.utc_ms, row_id),
            )
        if rows:
            connection.execute(
                "UPDATE plays SET title = ?, work_id = ? WHERE id = ?", (describe(work), number, play_id)
            )
            play_state.write_notes(
                connection,
                [Note(about=play_id, step="corrected", text=f"{describe(work)}, said so by hand")],
                now.utc_ms,
            )
        return len(rows)

    if await database.read(lambda connection: reading.find_play(connection, play_id)) is None:
        raise CorrectionError(f"there is no play {play_id}; `scrobbler history` shows those that there are")
    if await database.write(rewrite) == 0:
        raise CorrectionError(
            f"{play_id} has nothing that could be corrected; `scrobbler why {play_id}` tells its story"
        )
    return "it is sent again; an entry that Simkl already has under the wrong title must be removed there"
