"""A judge of JSON Schema with the keywords that our schema uses; an unknown keyword is an error."""

import re
from collections.abc import Callable
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
SILENT = {"$schema", "$defs", "title", "description", "default", "then", "properties"}

SIMPLE: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, rule: any(_is(value, name) for name in ([rule] if isinstance(rule, str) else rule)),
    "enum": lambda value, rule: value in rule,
    "const": lambda value, rule: value == rule and isinstance(value, bool) == isinstance(rule, bool),
    "required": lambda value, rule: not isinstance(value, dict) or all(key in value for key in rule),
    "pattern": lambda value, rule: not isinstance(value, str) or re.search(rule, value) is not None,
    "minLength": lambda value, rule: not isinstance(value, str) or len(value) >= rule,
    "minItems": lambda value, rule: not isinstance(value, list) or len(value) >= rule,
    "maxItems": lambda value, rule: not isinstance(value, list) or len(value) <= rule,
    "minProperties": lambda value, rule: not isinstance(value, dict) or len(value) >= rule,
    "minimum": lambda value, rule: not _is(value, "number") or value >= rule,
    "maximum": lambda value, rule: not _is(value, "number") or value <= rule,
}


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str = "$") -> list[str]:
    """List what is wrong with a value."""
    found = _inside(value, schema, root, path)
    for keyword, rule in schema.items():
        if keyword in SIMPLE:
            found += [] if SIMPLE[keyword](value, rule) else [f"{path}: against {keyword} {rule}"]
        elif keyword not in SILENT and keyword not in {"additionalProperties", "propertyNames", "items"}:
            found += _combined(value, keyword, schema, root, path)
    return found


def _is(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name in {"number", "integer"})


def _inside(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> list[str]:
    found: list[str] = []
    if isinstance(value, list) and "items" in schema:
        for one in value:
            found += faults(one, schema["items"], root, f"{path}[]")
    if isinstance(value, dict):
        known, extra = schema.get("properties", {}), schema.get("additionalProperties", {})
        for key, one in value.items():
            found += faults(key, schema.get("propertyNames", {}), root, f"{path} key {key}")
            if key not in known and extra is False:
                found.append(f"{path}: unknown key {key}")
            else:
                found += faults(one, known.get(key, extra), root, f"{path}.{key}")
    return found


def _combined(value: Any, keyword: str, schema: dict[str, Any], root: dict[str, Any], path: str) -> list[str]:
    rule = schema[keyword]
    match keyword:
        case "allOf":
            return [fault for one in rule for fault in faults(value, one, root, path)]
        case "anyOf" | "oneOf":
            fitting = sum(not faults(value, one, root, path) for one in rule)
            return [] if fitting == 1 or (fitting and keyword == "anyOf") else [f"{path}: fits {fitting} of {keyword}"]
        case "not":
            return [] if faults(value, rule, root, path) else [f"{path}: is forbidden"]
        case "if":
            return [] if faults(value, rule, root, path) else faults(value, schema["then"], root, path)
        case "$ref":
            return faults(value, root["$defs"][rule.removeprefix("#/$defs/")], root, path)
        case _:
            raise AssertionError(f"the judge does not know {keyword}")
