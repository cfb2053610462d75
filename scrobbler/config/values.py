"""Single values: variables, durations, numbers, booleans."""

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[^}]*)(?P<end>\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DURATION = re.compile(
    r"(?=\d)(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?(?:(?P<s>\d+)s)?",
)
_UNIT_S = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?")
_BOOLEANS = {
    word: value
    for value, words in ((True, ("true", "yes", "on")), (False, ("false", "no", "off")))
    for lower in words
    for word in (lower, lower.capitalize(), lower.upper())
}


class ValueProblemError(Exception):
    """A value cannot be read. The text says what is wrong and what is allowed."""


def has_variable(text: str) -> bool:
    """Tell whether a text holds `${NAME}` or its escape."""
    return _VARIABLE.search(text) is not None


def expand(text: str, env: Mapping[str, str]) -> str:
    """Put in environment variables: `${NAME}`; `$${` stands for `${` itself. Raises ValueProblemError."""

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return "${"
        if not match["end"] or not _NAME.fullmatch(name):
            raise ValueProblemError(
                "a `${` must be followed by the name of a variable and `}` (letters, digits, `_`); write `$${` for the text"
            )
        value = env.get(name, "")
        if not value:
            state = "empty" if name in env else "not set"
            raise ValueProblemError(f"the environment variable {name} is {state}, it must have a value")
        return value

    return _VARIABLE.sub(replace, text)


def parse_duration(text: str) -> float:
    """Read `90s`, `5m`, `1h`, `14d`, `1h30m` or `0` as seconds. Raises ValueProblemError."""
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if match is None:
        unit = ", a number needs its unit" if _NUMBER.fullmatch(text) else ""
        raise ValueProblemError(f"must be a duration such as 90s, 5m, 1h, 14d or 1h30m, or 0{unit}")
    return float(sum(int(value) * _UNIT_S[unit] for unit, value in match.groupdict().items() if value))


def format_duration(seconds: float) -> str:
    """Write seconds as the file has them: 5400 as `1h30m`, 1209600 as `14d`."""
    left = int(seconds)
    text = ""
    for unit, size in _UNIT_S.items():
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text or "0"


def parse_boolean(text: str) -> bool:
    """Read true or false as YAML knows them. Raises ValueProblemError."""
    if text not in _BOOLEANS:
        raise ValueProblemError("must be true or false")
    return _BOOLEANS[text]


def parse_integer(text: str) -> int:
    """Read a whole decimal number. Raises ValueProblemError."""
    if not _INTEGER.fullmatch(text):
        raise ValueProblemError("must be a whole number")
    return int(text)


def parse_number(text: str) -> float:
    """Read a decimal number. Raises ValueProblemError."""
    if not _NUMBER.fullmatch(text):
        raise ValueProblemError("must be a number")
    return float(text)
