"""Why a request is not taken."""

from collections.abc import Mapping


class RefusalError(Exception):
    """The request gets this code and this one sentence."""

    def __init__(self, code: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.headers = headers
