"""Multipart forms as media servers send them (players.md 1.1, 3.2): text is kept, pictures are read past."""

from collections.abc import Mapping

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from scrobbler.hooks.body import ATTACHED_LIMIT, PAYLOAD_LIMIT, too_long
from scrobbler.hooks.refusal import RefusalError

_TEXT_NAMES = frozenset({"payload", "data"})
_TEXT_TYPES = ("text/", "application/json", "application/x-www-form-urlencoded")
_FIRST_LINE_LIMIT = 1024
_PARTS_LIMIT = 200
_UNREADABLE = "the multipart form cannot be read"


class FormReader:
    """Takes a form piece by piece.

    Plex gives its `payload` a content type, and some proxies give it a file name: it is text all the same. Lines may end
    in LF alone, which the standard forbids and captured requests have; the first line tells which it is.
    """

    def __init__(self, boundary: str) -> None:
        try:
            self._parser = MultipartParser(
                boundary.encode("latin-1", "replace"),
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                },
            )
        except (FormParserError, ValueError):
            raise RefusalError(422, _UNREADABLE) from None
        self._fields: dict[str, str] = {}
        self._kept = 0
        self._passed = 0
        self._parts = 0
        self._first_line: bytearray | None = bytearray()
        self._bare_lines = False
        self._begin()

    def feed(self, chunk: bytes) -> None:
        """Take the next piece. Raises RefusalError with 413 or 422."""
        if self._first_line is not None:
            self._first_line += chunk
            end = self._first_line.find(b"\n")
            if end < 0:
                if len(self._first_line) > _FIRST_LINE_LIMIT:
                    raise RefusalError(422, _UNREADABLE)
                return
            self._bare_lines = not self._first_line[:end].endswith(b"\r")
            chunk, self._first_line = bytes(self._first_line), None
        if self._bare_lines:
            # Pictures are spoiled by this, and dropped anyway; in JSON a line end is white space.
            chunk = chunk.replace(b"\n", b"\r\n")
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise RefusalError(422, _UNREADABLE) from None

    def finish(self) -> Mapping[str, str]:
        """Return the fields by name. Raises RefusalError with 422 if there is none, or one that is not whole."""
        if not self._fields or (self._open and not self._attached):
            raise RefusalError(422, "the multipart form ends early or has no fields")
        return self._fields

    def _begin(self) -> None:
        self._headers: dict[str, str] = {}
        self._name_part = bytearray()
        self._value_part = bytearray()
        self._field = ""
        self._attached = False
        self._content = bytearray()
        self._open = False

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name_part += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value_part += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name_part.decode("latin-1").strip().lower()] = self._value_part.decode("latin-1").strip()
        self._name_part.clear()
        self._value_part.clear()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition"))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        kind = self._headers.get("content-type", "").lower()
        a_file = b"filename" in options and not kind.startswith(_TEXT_TYPES) and kind != ""
        a_picture = kind.startswith(("image/", "audio/", "video/"))
        self._attached = self._field not in _TEXT_NAMES and (a_file or a_picture)
        self._open = True
        self._parts += 1
        self._kept += len(self._field)
        if self._parts > _PARTS_LIMIT:
            raise RefusalError(422, f"the multipart form has more than {_PARTS_LIMIT} parts")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._attached:
            self._passed += end - start
            if self._passed > ATTACHED_LIMIT:
                raise RefusalError(413, f"the attached files are longer than {ATTACHED_LIMIT // 1024**2} MiB")
            return
        self._kept += end - start
        if self._kept > PAYLOAD_LIMIT:
            raise too_long()
        self._content += data[start:end]

    def _end(self) -> None:
        if not self._attached and self._field:
            self._fields[self._field] = self._content.decode("utf-8", "replace")
        self._open = False
