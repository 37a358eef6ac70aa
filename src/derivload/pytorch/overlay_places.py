"""Where the entries of overlays are, for what torchgen says of them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence

from derivload.pytorch.torchgen_types import NativeFunction


class OverlayPlaces:
    """The places of the entries of one file with overlays.

    To torchgen, all entries are of one file, whose lines go on from one overlay to the next.
    """

    def __init__(self, path: str, overlays: Sequence[str], contents: Sequence[bytes]) -> None:
        """`contents` are the bytes of the file and its overlays, in their order."""
        self._path = path
        self._begins: list[tuple[int, str]] = []
        before = len(contents[0].splitlines())
        for name, content in zip(overlays, contents[1:], strict=False):
            self._begins.append((before, name))
            before += len(content.splitlines())

    def find(self, line: int) -> tuple[str, int]:
        """The file of a line, and its line there."""
        here = [(name, line - begin) for begin, name in self._begins if begin < line]
        return here[-1] if here else (self._path, line)

    def put(self, functions: Iterable[NativeFunction]) -> None:
        """Put the places into functions, so that a generator's exception names them."""
        for function in functions if self._begins else ():
            location = function.loc
            file, line = self.find(location.line)
            if file != location.file:
                # The class is frozen, and what torchgen has made holds this very object.
                object.__setattr__(function, "loc", type(location)(file, line))

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Put the places into the message of an exception that is raised meanwhile."""
        try:
            yield
        except Exception as error:
            if self._begins and error.args and isinstance(error.args[0], str):
                pattern = rf"(?<=\bin ){re.escape(self._path)}:(\d+)"
                said = re.sub(pattern, self._shown, error.args[0])
                error.args = (said, *error.args[1:])
            raise

    def _shown(self, place: re.Match[str]) -> str:
        file, line = self.find(int(place[1]))
        return f"{file}:{line}"


def place_told(error: BaseException, overlays: Sequence[str], said: str) -> str:
    """The place of the overlay's entry that an exception is about, as torchgen tells places.

    "" if it is about no entry of an overlay, or if what is said of it names the place already.
    """
    function = _function_of(error)
    if function is None or function.loc.file not in overlays:
        return ""
    place = f"{function.loc.file}:{function.loc.line}"
    return "" if place in said else f"  in {place}:\n    {function.func}\n"


def _function_of(error: BaseException) -> NativeFunction | None:
    """The function that torchgen was at when it raised an exception, found in its variables."""
    found: NativeFunction | None = None
    traceback = error.__traceback__
    while traceback is not None:
        for value in traceback.tb_frame.f_locals.values():
            for candidate in (value, getattr(value, "func", None)):
                if type(candidate).__name__ == "NativeFunction":
                    found = candidate
        traceback = traceback.tb_next
    return found
