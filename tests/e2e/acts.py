"""Plays that go on at the same time, so that many tests take no longer than the longest film."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

R = TypeVar("R")
Act: TypeAlias = Callable[[R, Path], None]


class Acts(Generic[R]):
    """What happens at the places before one daemon; each act gets the room `R` and a folder for its films."""

    def __init__(self) -> None:
        self._by_place: dict[str, Act[R]] = {}

    def __call__(self, *places: str) -> Callable[[Act[R]], Act[R]]:
        """Let a function be what happens at these places."""

        def keep(function: Act[R]) -> Act[R]:
            self._by_place.update(dict.fromkeys(places, function))
            return function

        return keep

    @property
    def places(self) -> list[str]:
        """Where something happens."""
        return list(self._by_place)

    @contextmanager
    def going_on(self, room: R, folder: Path, seconds: float) -> Iterator[Callable[[str], R]]:
        """Begin all acts; give a function that waits for the end of the one at a place, for so many seconds at most."""
        acts = dict.fromkeys(self._by_place.values())
        with ThreadPoolExecutor(len(acts)) as pool:
            running = {one: pool.submit(one, room, folder / one.__name__) for one in acts}

            def wait(place: str) -> R:
                running[self._by_place[place]].result(seconds)
                return room

            yield wait
