"""What the files of backends register: read, checked against the functions, and put together.

It changes no document. It may be a mistake, which fails a load as any other does, and warnings and
`show` tell which operators a backend has kernels for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from derivload.diagnostics import Diagnostic
from derivload.tuples import NamedTuple

if TYPE_CHECKING:
    from derivload.cpp.dialect import Dialect
    from derivload.native.backend import BackendFile, Registration
    from derivload.native.function import NativeFunction


class Kernel(NamedTuple):
    """A kernel that a backend registers for an operator, and where a file says so."""

    dispatch_key: str
    file: str
    line: int


Kernels = Mapping[str, Sequence[Kernel]]
"""The kernels of backends, by the name of the operator, overload included."""


class Backends:
    """The files of the backends of one load, read.

    `texts` are their names and texts, and `declaring` the sections of theirs that declare
    operators. `is_some_lost` tells that there are more files, which cannot be read.
    """

    def __init__(
        self,
        texts: Sequence[tuple[str, str]],
        declaring: Sequence[str],
        dialect: Dialect,
        *,
        is_some_lost: bool = False,
    ) -> None:
        self._is_some_lost = is_some_lost
        self._texts = texts
        self._diagnostics: list[Diagnostic] = []
        self._files: list[BackendFile] = []
        for name, text in self._texts:
            # Most loads have no such file.
            from derivload.native.backend import read_backend
            from derivload.sources.sections import read_sections

            file = read_sections(name, text)
            self._diagnostics += file.diagnostics
            self._files.append(read_backend(file, dialect, declaring))

    @property
    def passed_over(self) -> list[str]:
        """The sections that were not read."""
        return [key for file in self._files for key in file.passed_over]

    @property
    def is_whole(self) -> bool:
        """Whether all is known that the files register: none has a mistake in its form."""
        flaws = any(file.flaws for file in self._files)
        return not (self._is_some_lost or self._diagnostics or flaws)

    @property
    def in_torchgens_form(self) -> list[tuple[str, str]]:
        """The names and texts of the files that are in torchgen's own form, or in none."""
        files = zip(self._texts, self._files, strict=True)
        return [text for text, file in files if not file.is_own]

    def mistakes_of_own_forms(self) -> list[Diagnostic]:
        """The mistakes inside the files that torchgen does not read, sorted by place."""
        files = zip(self._texts, self._files, strict=True)
        own = [(text, file) for text, file in files if file.is_own]
        if not own:
            return []
        from derivload.sources.sections import place_flaws

        found = [made for text, file in own for made in place_flaws(file.flaws, *text)]
        return sorted({diagnostic for diagnostic in found if diagnostic.is_error})

    def kernels(self) -> Kernels:
        """The kernels that the files register."""
        kernels: dict[str, list[Kernel]] = {}
        for file in self._files:
            for made in filter(_has_key, file.registrations):
                kernel = Kernel(made.key, file.name, made.spot.line)
                known = kernels.setdefault(made.name, [])
                if all(other.dispatch_key != made.key for other in known):
                    known.append(kernel)
        return kernels

    def numbered(self, found: Sequence[Diagnostic]) -> list[tuple[int, Diagnostic]]:
        """The warnings among these diagnostics, each with the index of its file."""
        names = [name for name, _ in self._texts]
        return [(names.index(one.file), one) for one in found if not one.is_error]

    def check(
        self, functions: Sequence[NativeFunction], is_lost: Callable[[str], bool]
    ) -> list[Diagnostic]:
        """All mistakes and warnings, sorted by place.

        `is_lost` tells of a name whether its function may be one that could not be read.
        """
        if not self._files:
            return []
        from derivload.native.backend_checks import Declared, check_backend
        from derivload.sources.sections import place_flaws

        found = [*self._diagnostics]
        declared = Declared(functions)
        for (name, text), file in zip(self._texts, self._files, strict=True):
            flaws = [*file.flaws, *check_backend(file, declared, is_lost)]
            found += place_flaws(flaws, name, text)
        return sorted(set(found))


def _has_key(registration: Registration) -> bool:
    return registration.key != ""


def digest_of(
    backends: Sequence[tuple[str, str]], natives: Sequence[bytes], tags: Sequence[str]
) -> bytes:
    """A digest of all that a check of these files depends on."""
    digest = hashlib.sha256()
    for part in (*(text for _, text in backends), *tags):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d " % len(data) + data)
    for native in natives:
        digest.update(native)
    return digest.digest()
