"""The transition table of sessions: which action answers which event in which situation.

`scrobbler.plays.machine` obeys it and the documentation prints it, so the two cannot differ.
"""

from typing import Literal, TypeAlias

from scrobbler.api import Kind

Situation: TypeAlias = Literal["unknown", "playing", "paused", "quiet", "lost", "finished"]
Action: TypeAlias = Literal[
    "begin",
    "begin paused",
    "begin and finish",
    "recall",
    "mark",
    "go on",
    "hold",
    "jump",
    "finish",
    "verdict",
    "lose",
    "reattach",
    "late stop",
    "late verdict",
    "again",
    "nothing",
]

SITUATIONS: dict[Situation, str] = {
    "unknown": "nothing is known of this item on this player within a day",
    "playing": "it plays",
    "paused": "it is paused",
    "quiet": "it was playing, and nothing was heard for longer than its source ever stays silent",
    "lost": "it was closed without a stop: contact lost, silence, or another item took its place",
    "finished": "the player said that it is over",
}

ACTIONS: dict[Action, str] = {
    "begin": "a play begins here",
    "begin paused": "a play begins here, paused",
    "begin and finish": "a play that was not seen is over; its position may be saved",
    "recall": "a play that was not seen counts as watched",
    "mark": "a completion without a play; nothing, if it was watched here within a day",
    "go on": "it plays, at this position",
    "hold": "it is paused",
    "jump": "the position jumped, and what lies between was not seen",
    "finish": "it is over, and judged",
    "verdict": "the server counts it as watched; that settles when the play ends",
    "lose": "contact is lost, and it is judged at the last observed position",
    "reattach": "the play goes on",
    "late stop": "it is judged again at the position of the stop, if that comes soon enough",
    "late verdict": "it is judged again, with the server's verdict; minutes later it is a play that was not seen",
    "again": "an echo, which changes nothing; from a low position, or much later, a new play",
    "nothing": "nothing",
}

TABLE: dict[Kind, dict[Situation, Action]] = {
    "play": {
        "unknown": "begin",
        "playing": "go on",
        "paused": "go on",
        "quiet": "go on",
        "lost": "reattach",
        "finished": "again",
    },
    "progress": {
        "unknown": "begin",
        "playing": "go on",
        "paused": "go on",
        "quiet": "go on",
        "lost": "reattach",
        "finished": "again",
    },
    "pause": {
        "unknown": "begin paused",
        "playing": "hold",
        "paused": "hold",
        "quiet": "hold",
        "lost": "reattach",
        "finished": "again",
    },
    "seek": {
        "unknown": "begin",
        "playing": "jump",
        "paused": "jump",
        "quiet": "jump",
        "lost": "reattach",
        "finished": "again",
    },
    "stop": {
        "unknown": "begin and finish",
        "playing": "finish",
        "paused": "finish",
        "quiet": "finish",
        "lost": "late stop",
        "finished": "nothing",
    },
    "end": {
        "unknown": "begin and finish",
        "playing": "finish",
        "paused": "finish",
        "quiet": "finish",
        "lost": "late stop",
        "finished": "nothing",
    },
    "watched": {
        "unknown": "recall",
        "playing": "verdict",
        "paused": "verdict",
        "quiet": "verdict",
        "lost": "late verdict",
        "finished": "late verdict",
    },
    "marked": {
        "unknown": "mark",
        "playing": "verdict",
        "paused": "verdict",
        "quiet": "verdict",
        "lost": "mark",
        "finished": "mark",
    },
    "gone": {
        "unknown": "nothing",
        "playing": "lose",
        "paused": "lose",
        "quiet": "lose",
        "lost": "nothing",
        "finished": "nothing",
    },
}

REPLACES: frozenset[Kind] = frozenset({"play", "progress", "pause", "seek"})
"""Kinds that prove that their item is what plays on the player now, so that another item's session there is over."""


def markdown() -> str:
    """Print the table, and what its words mean, for the documentation."""
    names = list(SITUATIONS)
    lines = ["| event | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| `{kind}` | " + " | ".join(row[name] for name in names) + " |" for kind, row in TABLE.items()]
    lines += ["", "| situation | means |", "|---|---|"]
    lines += [f"| {name} | {words} |" for name, words in SITUATIONS.items()]
    lines += ["", "| action | means |", "|---|---|"]
    lines += [f"| {name} | {words} |" for name, words in ACTIONS.items()]
    return "\n".join(lines)
