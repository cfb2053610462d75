"""The two transition tables: what a session does with a word of its player, and what a play does when its sessions change.

They are what runs. `classify.py` says which row and which column apply, `apply_event.py` and `lifecycle.py` carry out the
action that stands there, and the documentation prints both tables from here.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, TypeVar

SessionState: TypeAlias = Literal["unknown", "playing", "paused", "quiet", "lost", "recorded", "finished", "ignored"]
EventClass: TypeAlias = Literal[
    "play",
    "progress",
    "pause",
    "seek",
    "repeat",
    "echo",
    "overtaken",
    "guess",
    "guessed pause",
    "guessed seek",
    "stop",
    "guessed stop",
    "ghost stop",
    "stale stop",
    "watched",
    "watched again",
    "watched late",
    "watched before",
    "marked",
    "marked again",
    "gone",
    "unwanted",
]
SessionAction: TypeAlias = Literal[
    "begin",
    "begin paused",
    "begin and finish",
    "recall",
    "mark",
    "note mark",
    "go on",
    "resume",
    "hold",
    "stay paused",
    "jump",
    "jump on",
    "update",
    "listen",
    "finish",
    "finish where it was",
    "count",
    "lose",
    "ignore",
    "reattach",
    "late word",
    "late stop",
    "late verdict",
    "swallow",
    "nothing",
    "never",
]

SESSION_STATES: dict[SessionState, str] = {
    "unknown": "nothing that counts is known of this item on this player within a day",
    "playing": "it plays",
    "paused": "it is paused",
    "quiet": "it was playing, and nothing was heard for longer than its source ever stays silent",
    "lost": "it was closed without a stop: contact lost, silence, or another item took its place",
    "recorded": "the same, and all of it counts as watched",
    "finished": "the player said that it is over",
    "ignored": "it is no play of ours",
}

EVENT_CLASSES: dict[EventClass, str] = {
    "play": "the player says that it plays",
    "progress": "it tells a position while it plays",
    "pause": "it says that it is paused",
    "seek": "it says that the position jumped",
    "repeat": "one of these four, near the end of what is recorded",
    "echo": "one of these four, near the end of what has just ended: it does not say that the item plays",
    "overtaken": "a later word arrived before this one (players.md 1.5)",
    "guess": "somebody calculated a position; nothing was observed",
    "guessed pause": "a pause that nobody observed",
    "guessed seek": "a jump that nobody observed",
    "stop": "the player says that it is over: `stop`, or `end` after a natural end",
    "guessed stop": "an end that nobody observed",
    "ghost stop": "a stop at a position that a server counted on without its player (players.md 2.4)",
    "stale stop": "a stop that comes too late to say anything of the play it belongs to",
    "watched": "the server counts it as watched",
    "watched again": "the server says what it has said, or what is recorded already",
    "watched late": "the same, minutes after the item was over",
    "watched before": "the server says when it was watched, and that is past: a play that was missed",
    "marked": "somebody marked it by hand",
    "marked again": "somebody marked by hand what is recorded already",
    "gone": "contact with the player is lost",
    "unwanted": "a filter speaks against it, or its length is below `shorter_than`",
}

SESSION_ACTIONS: dict[SessionAction, str] = {
    "begin": "a play begins here",
    "begin paused": "a play begins here, paused",
    "begin and finish": "a play that was not seen is over; its position may be saved",
    "recall": "a play that was not seen counts as watched",
    "mark": "a completion without a play",
    "note mark": "the journal tells of it, nothing else",
    "go on": "it plays, at this position",
    "resume": "it plays again",
    "hold": "it is paused from now on",
    "stay paused": "it is still paused, at this position",
    "jump": "the position jumped, and what lies between was not seen",
    "jump on": "the same, and it plays again",
    "update": "its plays are brought up to date, nothing new is known",
    "listen": "its position counts, nothing else",
    "finish": "it is over, and judged",
    "finish where it was": "it is over, and judged at the position before",
    "count": "the server counts it as watched; that settles when the play ends",
    "lose": "contact is lost, and it is judged at the last observed position",
    "ignore": "it is let go of; nothing of it reaches Simkl",
    "reattach": "the play goes on",
    "late word": "its position counts for the play that is over; what plays now plays on",
    "late stop": "it is judged again at the position of the stop",
    "late verdict": "it is judged again, with the server's verdict",
    "swallow": "an echo: the journal tells of a `play`, nothing else happens",
    "nothing": "nothing",
    "never": "cannot be",
}


def _session_row(rest: SessionAction, **cells: SessionAction) -> dict[SessionState, SessionAction]:
    """Write a row: what is named, and `rest` in all other states."""
    assert cells.keys() <= SESSION_STATES.keys()
    return {state: cells.get(state, rest) for state in SESSION_STATES}


SESSION_TABLE: dict[EventClass, dict[SessionState, SessionAction]] = {
    "play": _session_row(
        "nothing",
        unknown="begin",
        playing="go on",
        paused="resume",
        quiet="resume",
        lost="reattach",
        recorded="begin",
        finished="begin",
    ),
    "progress": _session_row(
        "nothing",
        unknown="begin",
        playing="go on",
        paused="resume",
        quiet="resume",
        lost="reattach",
        recorded="begin",
        finished="begin",
    ),
    "pause": _session_row(
        "nothing",
        unknown="begin paused",
        playing="hold",
        paused="stay paused",
        quiet="hold",
        lost="reattach",
        recorded="begin paused",
        finished="begin paused",
    ),
    "seek": _session_row(
        "nothing",
        unknown="begin",
        playing="jump",
        paused="jump",
        quiet="jump on",
        lost="reattach",
        recorded="begin",
        finished="begin",
    ),
    "repeat": _session_row("never", recorded="swallow"),
    "echo": _session_row("never", finished="swallow"),
    "overtaken": _session_row("never", paused="nothing", lost="late word", recorded="late word"),
    "guess": _session_row("nothing", playing="update"),
    "guessed pause": _session_row("nothing", playing="hold"),
    "guessed seek": _session_row("nothing"),
    "stop": _session_row(
        "nothing",
        unknown="begin and finish",
        playing="finish",
        paused="finish",
        quiet="finish",
        lost="late stop",
        recorded="late stop",
    ),
    "guessed stop": _session_row(
        "nothing", playing="finish", paused="finish", quiet="finish", lost="late stop", recorded="late stop"
    ),
    "ghost stop": _session_row("never", quiet="finish where it was", lost="nothing", recorded="nothing"),
    "stale stop": _session_row("never", lost="nothing", recorded="nothing"),
    "watched": _session_row(
        "nothing",
        unknown="recall",
        playing="count",
        paused="count",
        quiet="count",
        lost="late verdict",
        recorded="late verdict",
        finished="late verdict",
    ),
    "watched again": _session_row(
        "nothing", unknown="never", playing="listen", paused="listen", quiet="listen", ignored="never"
    ),
    "watched late": _session_row("never", lost="recall", finished="recall"),
    "watched before": _session_row("recall"),
    "marked": _session_row(
        "never",
        unknown="mark",
        playing="count",
        paused="count",
        quiet="count",
        lost="mark",
        finished="mark",
        ignored="mark",
    ),
    "marked again": _session_row(
        "never", playing="listen", paused="listen", quiet="listen", recorded="note mark", finished="note mark"
    ),
    "gone": _session_row("nothing", playing="lose", paused="lose", quiet="lose"),
    "unwanted": _session_row("never", playing="ignore", paused="ignore", quiet="ignore"),
}

CLOSES_OTHERS: frozenset[EventClass] = frozenset({"play", "progress", "pause", "seek", "repeat"})
"""What proves that its item is what plays on the player now, so that another item's session there is over (rule 7)."""

PlayState: TypeAlias = Literal[
    "new", "held", "open", "closing", "waiting", "left", "watched", "review", "unseen", "ignored", "recorded", "merged"
]
PlayEvent: TypeAlias = Literal[
    "moved",
    "spoke for",
    "stopped",
    "stopped aside",
    "all over",
    "all quiet",
    "goes on elsewhere",
    "stays over",
    "heard again",
    "judged anew",
    "named",
    "same as another",
    "recorded before",
    "nameless",
    "not ours",
    "hidden",
]
PlayAction: TypeAlias = Literal[
    "follow",
    "stay",
    "hand over",
    "wait for the other",
    "close",
    "close both",
    "take over",
    "reopen",
    "judge again",
    "learn",
    "learn and judge",
    "merge",
    "refer",
    "ask people",
    "let go",
    "hide",
    "nothing",
    "never",
]

PLAY_STATES: dict[PlayState, str] = {
    "new": "it goes on, and nobody knows yet what it is",
    "held": "it goes on, and people will have to say what it is",
    "open": "it goes on, and its work is known",
    "closing": "the player that speaks for it stopped, and another one may go on",
    "waiting": "it is over, and nobody knows yet what it is",
    "left": "it is over, and not all of it counts as watched",
    "watched": "it is over, and all of it counts as watched",
    "review": "it is over, and people have to say what it is or whether it counts",
    "unseen": "it is over: a stop, without a position, of something that was not seen playing",
    "ignored": "it is no play of ours",
    "recorded": "it is over, and was recorded before",
    "merged": "another play reports the same",
}

PLAY_EVENTS: dict[PlayEvent, str] = {
    "moved": "one of its sessions was heard, or fell quiet",
    "spoke for": "the session that speaks for it was lost, and another one is there",
    "stopped": "a player stopped whose word may end it, and another one is there",
    "stopped aside": "a player was lost or stopped that does not speak for it",
    "all over": "its last session is over",
    "all quiet": "a player has stopped, and the rest has fallen quiet since",
    "goes on elsewhere": "another player was heard playing after the stop",
    "stays over": "none was, within five seconds, or we lose sight of all players",
    "heard again": "a session that had been lost is heard again",
    "judged anew": "something came late: a position, a stop, or the server's verdict",
    "named": "its work is known now",
    "same as another": "its work is known, and another play of it is reported from another player",
    "recorded before": "its work is known, and the play that its source remembers was recorded when it happened",
    "nameless": "nobody can tell what it is",
    "not ours": "a filter speaks against it",
    "hidden": "private mode begins",
}

PLAY_ACTIONS: dict[PlayAction, str] = {
    "follow": "the session that has most to say speaks; a part of a file that was played past is complete",
    "stay": "it waits on; a part of a file that was played past is complete",
    "hand over": "another session speaks",
    "wait for the other": "it waits five seconds for the other player",
    "close": "it is over, and judged once its work is known",
    "close both": "the same, and its sessions with it",
    "take over": "it goes on with the other player",
    "reopen": "it goes on where it was heard again",
    "judge again": "it is judged again; a watch stands",
    "learn": "it takes its work",
    "learn and judge": "it takes its work and is judged",
    "merge": "the other play takes over its sessions",
    "refer": "it points to the play that is recorded",
    "ask people": "it waits for `fix`",
    "let go": "nothing of it reaches Simkl",
    "hide": "it is over, and nothing of it reaches Simkl",
    "nothing": "nothing",
    "never": "cannot be",
}


def _play_row(rest: PlayAction, **cells: PlayAction) -> dict[PlayState, PlayAction]:
    """Write a row: what is named, and `rest` in all other states."""
    assert cells.keys() <= PLAY_STATES.keys()
    return {state: cells.get(state, rest) for state in PLAY_STATES}


PLAY_TABLE: dict[PlayEvent, dict[PlayState, PlayAction]] = {
    "moved": _play_row("nothing", new="follow", held="follow", open="follow", closing="stay"),
    "spoke for": _play_row("nothing", new="hand over", held="hand over", open="hand over", closing="hand over"),
    "stopped": _play_row("nothing", new="wait for the other", held="wait for the other", open="wait for the other"),
    "stopped aside": _play_row("nothing"),
    "all over": _play_row("nothing", new="close", held="close", open="close", closing="close"),
    "all quiet": _play_row("nothing", new="close both", held="close both", open="close both", closing="close both"),
    "goes on elsewhere": _play_row("never", closing="take over"),
    "stays over": _play_row("never", closing="close both"),
    "heard again": _play_row(
        "nothing",
        new="reopen",
        held="reopen",
        open="reopen",
        closing="reopen",
        waiting="reopen",
        left="reopen",
        review="reopen",
    ),
    "judged anew": _play_row(
        "nothing", left="judge again", watched="judge again", review="judge again", unseen="judge again"
    ),
    "named": _play_row(
        "nothing",
        new="learn",
        held="learn",
        waiting="learn and judge",
        review="learn and judge",
        unseen="learn and judge",
    ),
    "same as another": _play_row("nothing", new="merge", held="merge", waiting="merge", review="merge", unseen="merge"),
    "recorded before": _play_row(
        "nothing",
        new="never",
        held="never",
        open="never",
        closing="never",
        waiting="refer",
        review="refer",
        unseen="refer",
    ),
    "nameless": _play_row("nothing", new="ask people", waiting="ask people"),
    "not ours": _play_row(
        "nothing", new="let go", open="let go", closing="let go", waiting="let go", left="let go", watched="let go"
    ),
    "hidden": _play_row("nothing", new="hide", held="hide", open="hide", closing="hide"),
}


def markdown() -> str:
    """Print both tables, and what their words mean, for the documentation. What cannot be is empty."""
    return "\n\n".join(
        (
            _table("word of a player", SESSION_TABLE, list(SESSION_STATES)),
            _words("word", EVENT_CLASSES),
            _words("state of a session", SESSION_STATES),
            _words("action", SESSION_ACTIONS),
            _table("what happened to a play", PLAY_TABLE, list(PLAY_STATES)),
            _words("what happened", PLAY_EVENTS),
            _words("state of a play", PLAY_STATES),
            _words("action", PLAY_ACTIONS),
        )
    )


Word = TypeVar("Word", bound=str)
Column = TypeVar("Column", bound=str)


def _table(title: str, table: Mapping[Word, Mapping[Column, str]], columns: Sequence[Column]) -> str:
    lines = [f"| {title} | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for event, row in table.items():
        cells = ["" if row[name] == "never" else row[name] for name in columns]
        lines.append(f"| {event} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _words(title: str, words: Mapping[Word, str]) -> str:
    lines = [f"| {title} | means |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | {meaning} |" for name, meaning in words.items() if name != "never"])
