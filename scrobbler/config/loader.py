"""Loads a configuration: text to a checked `Config`, or every problem at once."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from scrobbler.api import SourceOptions
from scrobbler.config import checks, scalars
from scrobbler.config.addresses import LISTEN_VARIABLE, listen_texts
from scrobbler.config.files import SecretFiles, read_variables
from scrobbler.config.kinds import SourceKinds
from scrobbler.config.models import Config
from scrobbler.config.problems import (
    ConfigError,
    Findings,
    KeyPath,
    Place,
    Problem,
    did_you_mean,
    listed,
    path_text,
    quoted,
)
from scrobbler.config.reader import INVALID, Reader
from scrobbler.config.tree import MAX_CHARACTERS, Entry, Node, Scalar, parse_text, place_at
from scrobbler.config.tree import Mapping as MappingNode
from scrobbler.config.values import ValueProblemError

SANDBOX_CLIENT_ID = "sandbox"


class Loaded(Struct, frozen=True, kw_only=True):
    """A configuration that can be used.

    `warnings` are things that work but should be changed. `secret_files` are the files that `_file` keys named: a change
    of one is a change of the configuration.
    """

    config: Config
    file: Path
    warnings: tuple[Problem, ...] = ()
    secret_files: tuple[Path, ...] = ()


def load_file(path: Path, env: Mapping[str, str], source_models: SourceKinds, *, sandbox: bool = False) -> Loaded:
    """Load a configuration file. Raises ConfigError with all that is wrong; its texts are for people.

    Variables that are not in `env` may stand in a file `environment` beside it.
    """
    name = str(path)
    findings = Findings(name)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(4 * MAX_CHARACTERS + 1)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        findings.error((), Place(), f"cannot be read ({reason}), it must be a readable file")
        findings.stop_if_wrong()
        raise
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        findings.error(
            (), place_at(before, len(before)), f"is not UTF-8 text (byte {content[error.start]:#04x}), save it as UTF-8"
        )
        raise ConfigError(findings.problems) from None
    known = {**read_variables(path.parent), **env}
    loaded, inline = _load(text, findings, known, source_models, base=path.parent, sandbox=sandbox)
    if inline and mode & stat.S_IROTH:
        findings.warn(
            (),
            Place(),
            f"holds a secret ({path_text(inline)}) and can be read by everybody on this machine; `chmod o= {name}` mends it",
        )
    return structs.replace(loaded, file=path, warnings=tuple(findings.warnings))


def load_text(
    text: str,
    *,
    file_name: str,
    env: Mapping[str, str],
    source_models: SourceKinds,
    sandbox: bool = False,
) -> Loaded:
    """Load a configuration from its text; `file_name` is what messages call it.

    With `sandbox` the whole `simkl` section is put aside before anything is checked, since the daemon's sandbox gives
    its own. Raises ConfigError with all that is wrong.
    """
    path = Path(file_name)
    loaded, _ = _load(
        text.removeprefix("\ufeff"), Findings(file_name), env, source_models, base=path.parent, sandbox=sandbox
    )
    return structs.replace(loaded, file=path)


def _load(
    text: str, findings: Findings, env: Mapping[str, str], kinds: SourceKinds, *, base: Path, sandbox: bool
) -> tuple[Loaded, KeyPath | None]:
    root = parse_text(text, findings)
    if root is None:
        findings.stop_if_wrong()
        raise AssertionError("a file that cannot be read has a problem")
    files = SecretFiles(base)
    reader = Reader(findings, env, files)
    sources = _SourceReader(reader, kinds)
    reader.special[("sources",)] = sources.read
    values = reader.struct(_for_sandbox(root) if sandbox else root, Config, ())
    checks.check(reader, values, kinds)
    options = sources.convert(values.pop("sources", {}))
    findings.stop_if_wrong()
    if env.get(LISTEN_VARIABLE):
        values.setdefault("http", {})["listen"] = listen_texts((), env)
    config = structs.replace(msgspec.convert(values, Config), sources=options)
    loaded = Loaded(config=config, file=base, warnings=tuple(findings.warnings), secret_files=tuple(files.seen))
    return loaded, reader.inline_secret


def _for_sandbox(root: MappingNode) -> MappingNode:
    place = root.place
    client_id = Entry("client_id", place, Scalar(place, SANDBOX_CLIENT_ID, plain=False))
    simkl = Entry("simkl", place, MappingNode(place, (client_id,), 3))
    others = tuple(entry for entry in root.entries if entry.key != "simkl")
    return MappingNode(place, (simkl, *others), root.size)


class _SourceReader:
    """Reads `sources`: each by the model of its type."""

    def __init__(self, reader: Reader, kinds: SourceKinds) -> None:
        self._reader = reader
        self._kinds = kinds

    def read(self, node: Node, path: KeyPath) -> Any:
        reader = self._reader
        if isinstance(node, Scalar) and node.empty:
            return {}
        if not isinstance(node, MappingNode):
            reader.error(
                path, "must be a mapping of names to sources, such as `living-room: {type: mpv, account: alice}`"
            )
            return INVALID
        values: dict[str, Any] = {}
        for entry in node.entries:
            inner = (*path, entry.key)
            reader.key_places[inner] = entry.place
            if isinstance(entry.node, MappingNode):
                values[entry.key] = self._source(entry.node, inner)
            else:
                message = f"must be a mapping with at least `type`, types are {self._types()}"
                reader.findings.error(inner, entry.node.place, message)
        return values

    def _source(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        kind = self._kinds.get(self._type(node, path))
        if kind is not None and not kind.problem:
            return dict(self._reader.struct(node, kind.options, path))
        # Which keys the type has is unknown, so only those that every source has are looked at.
        return dict(self._reader.struct(node, SourceOptions, path, partly=True))

    def _type(self, node: MappingNode, path: KeyPath) -> str:
        entry = node.get("type")
        if entry is None:
            place = self._reader.key_places[path]
            self._reader.findings.error((*path, "type"), place, f"is missing, types are {self._types()}")
            return ""
        if not isinstance(entry.node, Scalar):
            return ""
        try:
            name = scalars.expand_text(entry.node, self._reader.env, home=False)
        except ValueProblemError:
            return ""
        if name not in self._kinds:
            near = did_you_mean(name, self._kinds) or ","
            self._reader.findings.error(
                (*path, "type"),
                entry.node.place,
                f"{quoted(name)} is no type of source{near} types are {self._types()}",
            )
        elif self._kinds[name].problem:
            message = f"the plugin {name} cannot be used, so this source is left out: {self._kinds[name].problem}"
            self._reader.findings.warn((*path, "type"), entry.node.place, message)
        return name

    def _types(self) -> str:
        return listed(sorted(self._kinds), last="and")

    def convert(self, values: Mapping[str, dict[str, Any]]) -> dict[str, SourceOptions]:
        """Make the plugins' own options. A model may refuse what its types allow (`__post_init__`)."""
        found: dict[str, SourceOptions] = {}
        for name, value in values.items():
            path: KeyPath = ("sources", name)
            kind = self._kinds.get(value.get("type", ""))
            if kind is None or any(
                problem.path.startswith(path_text(path)) for problem in self._reader.findings.problems
            ):
                continue
            try:
                found[name] = msgspec.convert(value, kind.options)
            except msgspec.ValidationError as error:
                self._reader.findings.error(path, self._reader.key_places[path], str(error))
        return found
