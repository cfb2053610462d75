"""Kodi's JSON-RPC over plain TCP, for what a test wants of it."""

import json
import socket
from collections.abc import Mapping
from typing import Any


class KodiError(Exception):
    """Kodi refused a command; the text is its own."""


class Remote:
    """One connection for all questions: Kodi 20 may crash when one opens or closes while it tells the others something."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._asked = 0
        self._data = b""
        silence = dict.fromkeys(
            ("player", "playlist", "gui", "system", "videolibrary", "audiolibrary", "application"), False
        )
        self.ask("JSONRPC.SetConfiguration", {"notifications": silence})

    def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """Ask, and wait for the answer to this question."""
        self._asked += 1
        question = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": dict(params)}
        self._socket.sendall(json.dumps(question).encode())
        while True:
            answer = self._next()
            if answer.get("id") == self._asked:
                if "error" in answer:
                    raise KodiError(str(answer["error"]))
                return answer["result"]

    def close(self) -> None:
        """End it."""
        self._socket.close()

    def _next(self) -> dict[str, Any]:
        while True:
            try:
                text = self._data.decode()
                message, end = json.JSONDecoder().raw_decode(text)
            except ValueError:  # more is to come
                data = self._socket.recv(65536)
                if not data:
                    raise ConnectionResetError("Kodi closed the connection") from None
                self._data += data
            else:
                self._data = text[end:].lstrip().encode()
                return dict(message)
