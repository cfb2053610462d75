"""The JSON Schema of the configuration file (draft 2020-12), for editors and for other programs."""

from typing import Any, TypeAlias

from msgspec import UNSET, Struct, UnsetType, inspect

from scrobbler.config.effective import plain
from scrobbler.config.kinds import SourceKind, SourceKinds
from scrobbler.config.models import Config
from scrobbler.config.typeinfo import NO_TRAITS, Traits, alternatives, fields_of, is_secret, takes_list, twin, unwrap
from scrobbler.config.values import format_duration

Schema: TypeAlias = dict[str, Any]

_TEXT: Schema = {"type": ["string", "number", "boolean", "null"]}
"""Names are texts however YAML would read them."""
_DURATION = r"^(0|(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+s)?|.*\$\{.*)$"
_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{"}


def json_schema(kinds: SourceKinds) -> Schema:
    """Describe the file: every setting with its description and default; sources by their `type`."""
    schema = _struct(Config)
    for section in schema["properties"].values():
        _let_be_empty(section)
    names = sorted(name for name, kind in kinds.items() if not kind.problem)
    schema["properties"]["sources"]["additionalProperties"] = {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": names, "description": "Which plugin reads this source."}},
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"#/$defs/source-{name}"},
            }
            for name in names
        ],
    }
    schema["properties"]["sources"]["propertyNames"] = {"pattern": "^[A-Za-z0-9_-]+$"}
    schema["properties"]["accounts"]["minProperties"] = 1
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of scrobblerd",
        **schema,
        "$defs": {f"source-{name}": _source(name, kinds[name]) for name in names},
    }


def _let_be_empty(schema: Schema) -> None:
    """A section outside of `sources` may have all its lines commented out."""
    if schema.get("type") == "object":
        schema["type"] = ["object", "null"]
        parts = [*schema.get("properties", {}).values(), schema.get("additionalProperties")]
        for part in parts:
            if isinstance(part, dict):
                _let_be_empty(part)


def _source(name: str, kind: SourceKind) -> Schema:
    schema = _struct(kind.options)
    properties = schema["properties"]
    properties["type"] = {**properties["type"], "const": name}
    match kind.knows_users:
        case True:
            del properties["account"]
            schema["required"].append("users")
        case False:
            del properties["users"]
            schema["required"].append("account")
        case None:
            schema["oneOf"] = [{"required": ["account"]}, {"required": ["users"]}]
    names = {**_TEXT, "description": "A name of an account."}
    if "account" in properties:
        properties["account"]["anyOf"] = [names, {"type": "array", "items": names, "minItems": 1}]
    if "users" in properties:
        properties["users"]["additionalProperties"] = {"anyOf": [names, {"type": "array", "items": names}]}
    return schema


def _struct(model: type) -> Schema:
    properties: Schema = {}
    required: list[str] = []
    exclusive: list[Schema] = []
    for setting in fields_of(model):
        inner, traits = unwrap(setting.type)
        schema = _schema(setting.type)
        if traits.description:
            schema["description"] = traits.description
        default = _default(setting.default, traits)
        if default is not UNSET:
            schema["default"] = default
        properties[setting.name] = schema
        either = [{"required": [setting.name]}]
        if is_secret(setting.type):
            file = twin(setting.name)
            path: Schema = {"type": "string", "minLength": 1}
            properties[file] = {
                **({"anyOf": [path, {"type": "array", "items": path}]} if takes_list(inner) else path),
                "description": f"The path of a file that holds `{setting.name}`. Only one of both may be there.",
            }
            exclusive.append({"not": {"type": "object", "required": [setting.name, file]}})
            either.append({"required": [file]})
        if setting.required and len(either) == 1:
            required.append(setting.name)
        elif setting.required:
            exclusive.append({"anyOf": either})
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {**schema, "allOf": exclusive} if exclusive else schema


def _default(value: Any, traits: Traits) -> Any:
    match value:
        case UnsetType():
            return UNSET
        case Struct():
            return plain(value) or UNSET
        case float() | int() if traits.duration:
            return format_duration(value)
        case tuple():
            return list(value)
        case _:
            return value


def _schema(kind: inspect.Type, outer: Traits = NO_TRAITS) -> Schema:
    choices = [_one(inner, traits) for inner, traits in alternatives(kind, outer)]
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _one(kind: inspect.Type, traits: Traits) -> Schema:
    match kind:
        case inspect.StructType():
            return _struct(kind.cls)
        case inspect.DictType():
            return {"type": "object", "additionalProperties": _schema(kind.value_type)}
        case inspect.CollectionType():
            limits: Schema = {"minItems": kind.min_length, "maxItems": kind.max_length}
            items = _schema(kind.item_type)
            # Titles such as 1917 are texts, however YAML would read them.
            items = {**items, "type": ["string", "number", "boolean"]} if items == {"type": "string"} else items
            return {"type": "array", "items": items, **_known(limits)}
        case inspect.LiteralType():
            return {"anyOf": [{"enum": list(kind.values)}, dict(_VARIABLE)]}
        case inspect.StrType():
            pattern = f"{kind.pattern}|\\$\\{{" if kind.pattern else None
            return {"type": "string", **_known({"minLength": kind.min_length, "pattern": pattern})}
        case inspect.FloatType() if traits.duration:
            return {"anyOf": [{"type": "string", "pattern": _DURATION}, {"const": 0}]}
        case inspect.FloatType() | inspect.IntType():
            word = "integer" if isinstance(kind, inspect.IntType) else "number"
            limits = {"minimum": kind.ge, "maximum": kind.le, "exclusiveMinimum": kind.gt, "exclusiveMaximum": kind.lt}
            return {"anyOf": [{"type": word, **_known(limits)}, dict(_VARIABLE)]}
        case inspect.BoolType():
            return {"anyOf": [{"type": "boolean"}, dict(_VARIABLE)]}
        case _:
            return {}


def _known(limits: Schema) -> Schema:
    return {key: value for key, value in limits.items() if value is not None}
