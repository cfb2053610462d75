"""Logging: one line an event, for people on a terminal and as JSON otherwise; no secret passes."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from scrobbler.config.models import Log

_SECRET_KEYS = re.compile(r"token|secret|password|api_?key|authorization|device_code", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(simkl_[ar]t_)[\w-]+|((?:token|secret|password|api_?key|device_code)[\"']?\s*[=:]\s*[\"']?)(?!bearer|basic)[^\s&\"',}]+"
    r"|((?:bearer|basic)\s+)[\w.~+/-]+=*|(/hooks/[^/\s]+/)[^\s\"'?]+|(://[^/\s:@]*:)[^/\s@]+(?=@)",
    re.IGNORECASE,
)
MASK = "•••"


def redact_text(text: str) -> str:
    """Mask what looks like a secret inside a text."""
    return _SECRET_TEXT.sub(lambda found: next((part for part in found.groups() if part), "") + MASK, text)


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    for key, value in event.items():
        event[key] = MASK if _SECRET_KEYS.search(key) and value else _masked(value)
    return event


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {key: MASK if _SECRET_KEYS.search(str(key)) and one else _masked(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(one) for one in value]
    return value if isinstance(value, int | float | None) else redact_text(str(value))


def configure(settings: Log, stream: TextIO | None = None) -> None:
    """Set logging up for the whole process. JSON lines go out unless the stream is a terminal or the user says so."""
    out = sys.stderr if stream is None else stream
    console = settings.format == "console" or (settings.format == "auto" and out.isatty())
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if console else "iso", utc=not console),
        structlog.processors.format_exc_info,
        _redact,
    ]
    if console:
        processors.append(structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=24))
    else:
        processors.append(structlog.processors.JSONRenderer(ensure_ascii=False))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _tame_libraries(out, level)


class _Forward(logging.Handler):
    """Hands what libraries log to our own log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record of a library."""
        log = structlog.get_logger(record.name)
        log.log(
            record.levelno, "library", logger=record.name, message=record.getMessage(), exc_info=record.exc_info or None
        )


def _tame_libraries(_out: TextIO, level: int) -> None:
    root = logging.getLogger()
    root.handlers = [_Forward()]
    root.setLevel(max(level, logging.WARNING))
    for name in ("apscheduler", "uvicorn", "httpx", "httpcore", "watchdog", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def set_level(level: str) -> None:
    """Change how much is logged while the daemon runs."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()])
    )
