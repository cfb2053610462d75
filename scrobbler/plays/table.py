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
        "playing": "nothing",
        "paused": "nothing",
        "quiet": "nothing",
        "lost": "mark",
        "finished": "nothing",
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
    """Print the table for the documentation."""
    lines = ["| event | " + " | ".join(SITUATIONS) + " |", "|---" * (len(SITUATIONS) + 1) + "|"]
    lines += [
        f"| {kind} | " + " | ".join(row[situation] for situation in SITUATIONS) + " |" for kind, row in TABLE.items()
    ]
    return "\n".join(lines)
