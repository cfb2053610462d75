"""The YAML file as a tree in which every value knows its line and column.

Scalars keep the text that stands in the file; what it means is decided by the type that a setting wants, not by YAML's
guesses (`on`, `1e3`, `2024-01-01`). The tree is built from libyaml's events, since composing recurses in C: a file
of brackets would end the process there. Aliases share their node, and every node knows its expanded size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeAlias

import yaml
from yaml import events as ev

from scrobbler.config.problems import Findings, KeyPath, Place, quoted
from scrobbler.config.syntax import MAX_DEPTH, TOO_DEEP, explain

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CHARACTERS = 1 << 20
MAX_NODES = 50_000

NULL_TEXTS = frozenset({"", "~", "null", "Null", "NULL"})
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_COLLECTION_TAGS = frozenset({"!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text. `plain` is False where the file has it in quotes, as a block, or marked as text."""

    place: Place
    text: str
    plain: bool = True
    size: int = 1

    @property
    def empty(self) -> bool:
        """Whether nothing stands there, or a null."""
        return self.plain and self.text in NULL_TEXTS


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple[Node, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping, with its value."""

    key: str
    place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values, in the order of the file; merge keys are worked in."""

    place: Place
    entries: tuple[Entry, ...]
    size: int

    def get(self, key: str) -> Entry | None:
        """Find a key."""
        return next((entry for entry in self.entries if entry.key == key), None)


Node: TypeAlias = Scalar | Sequence | Mapping


class _UnreadableFileError(Exception):
    pass


def parse_text(text: str, findings: Findings) -> Mapping | None:
    """Read YAML text. None when it cannot be read as settings at all; what is wrong is in the findings then."""
    if len(text) > MAX_CHARACTERS:
        findings.error((), Place(), f"has {len(text)} characters, at most {MAX_CHARACTERS} are read")
        return None
    control = _CONTROL.search(text)
    if control:
        findings.error(
            (),
            place_at(text, control.start()),
            f"a control character (code {ord(control.group()):#04x}), only text is allowed",
        )
        return None
    try:
        return _Builder(text, findings).document()
    except _UnreadableFileError:
        return None
    except yaml.MarkedYAMLError as error:
        findings.error((), *explain(error, text))
    except yaml.YAMLError as error:
        findings.error((), Place(1, 1), f"is not valid YAML: {' '.join(str(error).split())}")
    return None


def place_at(text: str, index: int) -> Place:
    """Turn an index into the text into a line and a column."""
    return Place(text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


class _Builder:
    def __init__(self, text: str, findings: Findings) -> None:
        self._events: Iterator[ev.Event] = yaml.parse(text, Loader=_LOADER)
        self._findings = findings
        self._anchors: dict[str, Node] = {}

    def document(self) -> Mapping | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, ev.DocumentStartEvent) and root is not None:
                self._fatal((), _place(event), "a second document begins here (`---`), one is allowed")
            if isinstance(event, ev.NodeEvent):
                root = self._node(event, ())
        if root is None or (isinstance(root, Scalar) and root.empty):
            self._fatal((), Place(1, 1), "is empty, at least `simkl` and `accounts` are needed")
        if not isinstance(root, Mapping):
            self._fatal((), root.place, "must be settings of the form `name: value`")
        return root

    def _fatal(self, path: KeyPath, place: Place, message: str) -> NoReturn:
        self._findings.error(path, place, message)
        raise _UnreadableFileError

    def _node(self, event: ev.NodeEvent, path: KeyPath) -> Node:
        place = _place(event)
        if len(path) > MAX_DEPTH:
            self._fatal((), place, TOO_DEEP)
        if isinstance(event, ev.AliasEvent):
            known = self._anchors.get(event.anchor or "")
            if known is None:
                self._fatal(
                    path,
                    place,
                    f"`*{event.anchor}` refers to no `&{event.anchor}` above it; a text with `*` needs quotes",
                )
            return known
        node: Node
        if isinstance(event, ev.ScalarEvent):
            node = self._scalar(event, path)
        elif isinstance(event, ev.SequenceStartEvent):
            self._refuse_tag(event, _COLLECTION_TAGS, path)
            node = self._sequence(place, path)
        elif isinstance(event, ev.MappingStartEvent):
            self._refuse_tag(event, _COLLECTION_TAGS, path)
            node = self._mapping(place, path)
        else:
            self._fatal(path, place, "cannot be read")
        if node.size > MAX_NODES:
            self._fatal((), place, f"has more than {MAX_NODES} values once its aliases (`*name`) are written out")
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _value(self, path: KeyPath) -> Node:
        event = next(self._events)
        assert isinstance(event, ev.NodeEvent)
        return self._node(event, path)

    def _scalar(self, event: ev.ScalarEvent, path: KeyPath) -> Scalar:
        self._refuse_tag(event, _TEXT_TAGS, path)
        return Scalar(_place(event), event.value, plain=event.tag not in _TEXT_TAGS and not event.style)

    def _refuse_tag(
        self, event: ev.ScalarEvent | ev.CollectionStartEvent, allowed: frozenset[str], path: KeyPath
    ) -> None:
        if event.tag is not None and event.tag not in allowed:
            self._findings.error(path, _place(event), f"the tag {quoted(event.tag)} is not allowed, leave it out")

    def _sequence(self, place: Place, path: KeyPath) -> Sequence:
        items: list[Node] = []
        for event in self._events:
            if isinstance(event, ev.SequenceEndEvent):
                break
            if isinstance(event, ev.NodeEvent):
                items.append(self._node(event, (*path, len(items))))
        return Sequence(place, tuple(items), 1 + sum(item.size for item in items))

    def _mapping(self, place: Place, path: KeyPath) -> Mapping:
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        for event in self._events:
            if isinstance(event, ev.MappingEndEvent):
                break
            if not isinstance(event, ev.ScalarEvent):
                self._fatal(path, _place(event), "a key must be plain text; a text with `{`, `[` or `*` needs quotes")
            key = self._scalar(event, path)
            value_path = (*path, key.text)
            value = self._value(value_path)
            if key.plain and key.text == "<<":
                for entry in self._merge(value, value_path):
                    merged.setdefault(entry.key, entry)
            elif key.text in own:
                first = own[key.text].place.line
                self._findings.error(
                    value_path, key.place, f"stands twice, the first is in line {first}; once is allowed"
                )
            else:
                own[key.text] = Entry(key.text, key.place, value)
        entries = tuple({**merged, **own}.values())
        return Mapping(place, entries, 1 + sum(1 + entry.node.size for entry in entries))

    def _merge(self, value: Node, path: KeyPath) -> list[Entry]:
        sources = value.items if isinstance(value, Sequence) else (value,)
        entries: list[Entry] = []
        for source in sources:
            if isinstance(source, Mapping):
                entries += source.entries
            else:
                self._findings.error(path, source.place, "must name a mapping, such as `<<: *name`, or a list of these")
        return entries


def _place(event: ev.Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else Place()
