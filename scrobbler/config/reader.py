"""Reads the tree against the models, collecting every problem (msgspec.convert would stop at the first)."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect

from scrobbler.config import scalars
from scrobbler.config.files import SecretFiles
from scrobbler.config.problems import Findings, KeyPath, Place, did_you_mean, listed
from scrobbler.config.tree import Mapping as MappingNode
from scrobbler.config.tree import Node, Scalar, Sequence
from scrobbler.config.typeinfo import (
    ARRAYS,
    MAPPINGS,
    NO_TRAITS,
    Setting,
    Traits,
    alternatives,
    fields_of,
    is_secret,
    keys_of,
    named,
    takes_list,
    twin,
)
from scrobbler.config.values import ValueProblemError, has_variable

INVALID: Any = type("Invalid", (), {"__repr__": lambda _: "INVALID"})()
"""Stands for a value that was reported; the checks leave it out."""

Special: TypeAlias = Callable[[Node, KeyPath], Any]


class Reader:
    """Reads one file. What it learnt of places and of secrets stays for the checks that come after.

    `special` reads the values at some paths in another way than their type says.
    """

    def __init__(self, findings: Findings, env: Mapping[str, str], files: SecretFiles) -> None:
        self.findings = findings
        self.env = env
        self.files = files
        self.special: dict[KeyPath, Special] = {}
        self.key_places: dict[KeyPath, Place] = {}
        self.value_places: dict[KeyPath, Place] = {}
        self.inline_secret: KeyPath | None = None

    def error(self, path: KeyPath, message: str) -> None:
        """Report a value by its path; when the value itself is nowhere in the file, by what holds it."""
        self.findings.error(path, self.place(path), message)

    def place(self, path: KeyPath) -> Place:
        """Find where a value stands, or else the key of the nearest that holds it."""
        if path in self.value_places:
            return self.value_places[path]
        while path:
            path = path[:-1]
            if path in self.key_places:
                return self.key_places[path]
        return Place(1, 1)

    def read(self, node: Node, kind: inspect.Type, path: KeyPath, outer: Traits = NO_TRAITS) -> Any:
        """Read a value of a type: plain data as msgspec.convert takes it, or INVALID when it was reported."""
        self.value_places[path] = node.place
        if path in self.special:
            return self.special[path](node, path)
        choices = alternatives(kind, outer)
        if isinstance(node, MappingNode):
            return self._read_mapping(node, kind, choices, path)
        if isinstance(node, Sequence):
            return self._read_sequence(node, kind, choices, path)
        if node.empty and path[:1] != ("sources",) and any(isinstance(inner, MAPPINGS) for inner, _ in choices):
            # A section whose lines are all commented out; in sources it could open a filter, so it is refused there.
            return self._read_mapping(MappingNode(node.place, (), 1), kind, choices, path)
        return self._read_scalar(node, kind, choices, path)

    def struct(self, node: MappingNode, model: type, path: KeyPath, *, partly: bool = False) -> Any:
        """Read a mapping of a model. `partly`: the model has only some of the keys, so unknown and missing ones are let be."""
        values: dict[str, Any] = {}
        settings = {setting.name: setting for setting in fields_of(model)}
        secrets = {twin(name): setting for name, setting in settings.items() if is_secret(setting.type)}
        for entry in node.entries:
            inner = (*path, entry.key)
            self.key_places[inner] = entry.place
            if entry.key in settings:
                value = self.read(entry.node, settings[entry.key].type, inner)
                if value is not INVALID:
                    values[entry.key] = value
            elif entry.key in secrets:
                self._read_twin(node, entry.node, secrets[entry.key], path, values)
            elif not partly:
                allowed = keys_of(model)
                self.findings.error(
                    inner,
                    entry.place,
                    f"unknown key{did_you_mean(entry.key, allowed) or ','} allowed are {listed(allowed, last='and')}",
                )
        for setting in settings.values():
            if setting.required and not partly and not any(node.get(key) for key in (setting.name, twin(setting.name))):
                place = self.key_places.get(path, node.place)
                self.findings.error((*path, setting.name), place, f"is missing, it must be {named(setting.type)}")
        return values

    def _read_mapping(
        self, node: MappingNode, kind: inspect.Type, choices: list[tuple[inspect.Type, Traits]], path: KeyPath
    ) -> Any:
        for inner, traits in choices:
            if isinstance(inner, inspect.StructType):
                return self.struct(node, inner.cls, path)
            if isinstance(inner, inspect.DictType):
                return self._read_dict(node, inner, path, traits)
        if any(isinstance(inner, inspect.AnyType) for inner, _ in choices):
            return self._read_dict(node, inspect.DictType(inspect.StrType(), inspect.AnyType()), path, NO_TRAITS)
        return self._wrong(node, kind, path, "a mapping")

    def _read_dict(self, node: MappingNode, kind: inspect.DictType, path: KeyPath, traits: Traits) -> Any:
        values: dict[str, Any] = {}
        for entry in node.entries:
            inner = (*path, entry.key)
            self.key_places[inner] = entry.place
            value = self.read(entry.node, kind.value_type, inner, Traits(secret=traits.secret))
            if value is not INVALID:
                values[entry.key] = value
        return values

    def _read_sequence(
        self, node: Sequence, kind: inspect.Type, choices: list[tuple[inspect.Type, Traits]], path: KeyPath
    ) -> Any:
        for inner, traits in choices:
            if isinstance(inner, inspect.CollectionType):
                items = [
                    self.read(item, inner.item_type, (*path, index), Traits(secret=traits.secret))
                    for index, item in enumerate(node.items)
                ]
                self._check_length(len(items), inner, path)
                return [item for item in items if item is not INVALID]
            if isinstance(inner, inspect.AnyType):
                return [self.read(item, inner, (*path, index)) for index, item in enumerate(node.items)]
        if any(isinstance(inner, ARRAYS) for inner, _ in choices):
            return self._convert([scalars.bare(item) for item in node.items], kind, path)
        return self._wrong(node, kind, path, "a list")

    def _check_length(self, count: int, kind: inspect.CollectionType, path: KeyPath) -> None:
        low, high = kind.min_length or 0, kind.max_length
        if count < low:
            self.error(path, f"has {count} values, at least {low} are needed")
        if high is not None and count > high:
            self.error(path, f"has {count} values, at most {high} are allowed")

    def _read_scalar(
        self, node: Scalar, kind: inspect.Type, choices: list[tuple[inspect.Type, Traits]], path: KeyPath
    ) -> Any:
        secret = is_secret(kind) or any(traits.secret for _, traits in choices)
        try:
            value = scalars.read(node, kind, choices, self.env, literal=is_name(path))
        except ValueProblemError as problem:
            shown = "" if secret or not str(problem).startswith("must ") else scalars.shown(node)
            self.findings.error(path, node.place, f"{shown}{problem}")
            return INVALID
        if secret and value and not has_variable(node.text):
            self.inline_secret = self.inline_secret or path
        if isinstance(value, scalars.Bare):
            return self._convert(value.value, kind, path)
        return value

    def _read_twin(
        self, holder: MappingNode, node: Node, setting: Setting, path: KeyPath, values: dict[str, Any]
    ) -> None:
        inner = (*path, twin(setting.name))
        self.value_places[inner] = node.place
        direct = holder.get(setting.name)
        if direct:
            self.findings.error(
                inner,
                self.key_places[inner],
                f"stands beside `{setting.name}` (line {direct.place.line}), only one of both is allowed",
            )
            return
        nodes = node.items if isinstance(node, Sequence) and takes_list(setting.type) else (node,)
        found: list[Any] = []
        for index, one in enumerate(nodes):
            item_path = (*inner, index) if isinstance(node, Sequence) else inner
            if isinstance(one, Scalar) and not one.empty:
                found.append(self._read_file(one, setting, item_path))
            else:
                self.findings.error(item_path, one.place, "must be the path of a file")
                found.append(INVALID)
        if INVALID not in found:
            values[setting.name] = found if isinstance(node, Sequence) else found[0]
            self.value_places[(*path, setting.name)] = node.place

    def _read_file(self, node: Scalar, setting: Setting, path: KeyPath) -> Any:
        try:
            text, warning = self.files.read(scalars.expand_text(node, self.env, home=True))
            # What a file holds is taken as it is: `${` in it has no meaning.
            value = scalars.read(
                Scalar(node.place, text.replace("${", "$${"), plain=False),
                setting.type,
                alternatives(setting.type),
                {},
                literal=True,
            )
        except ValueProblemError as problem:
            self.findings.error(path, node.place, str(problem))
            return INVALID
        if warning:
            self.findings.warn(path, node.place, warning)
        return value

    def _convert(self, value: Any, kind: inspect.Type, path: KeyPath) -> Any:
        model = scalars.python_type(kind)
        try:
            msgspec.convert(value, model, strict=False)
        except msgspec.ValidationError:
            self.error(path, f"must be {named(kind)}")
            return INVALID
        return value

    def _wrong(self, node: Node, kind: inspect.Type, path: KeyPath, found: str) -> Any:
        hint = ""
        if path == ("accounts",) and isinstance(node, Sequence):
            hint = ", for instance `alice: {}`"
        self.findings.error(path, node.place, f"is {found}, it must be {named(kind)}{hint}")
        return INVALID


def is_name(path: KeyPath) -> bool:
    """Tell whether the text at a path is a name of an account, which is never a null, a number or a path."""
    return len(path) > 2 and path[0] == "sources" and path[2] in {"account", "users"}
