"""What derivload may do only in a process of its own, because it affects the whole process.

The command line does it. The Python API, the drop-in and the worker do not.
"""

from __future__ import annotations

import contextlib
import os
import sys
from types import ModuleType

try:  # for the reason in terminal/ending.py
    import _signal as signal  # type: ignore[import-not-found]
except ImportError:
    import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def leave_argparse_untranslated() -> None:
    """Import argparse so that it looks for no translation of its words: there is none.

    It would look for each of them in the file system, whenever it makes a parser, by a module that
    takes as long to import as argparse itself.
    """
    with _standing_in("gettext", _Untranslated("gettext")):
        import argparse

    argparse._ = str  # type: ignore[attr-defined]


class _Untranslated(ModuleType):
    """Stands in for gettext."""

    gettext = str

    @staticmethod
    def ngettext(one: str, many: str, count: int) -> str:
        """The form for this count."""
        return one if count == 1 else many


@contextlib.contextmanager
def importing_msgspec() -> Iterator[None]:
    """Have msgspec take two helpers from typing, as it does if typing_extensions is not installed.

    Importing typing_extensions takes longer than importing msgspec: a tenth of an incremental run.
    The same holds for platform, of which uuid, which msgspec imports, asks the system's name alone.
    SIGTERM is delayed too: an exception during that import ends the process with SIGSEGV.
    """
    with (
        _standing_in("typing_extensions", None),
        _standing_in("platform", _Platform("platform")),
        _sigterm_held(),
    ):
        yield


class _Platform(ModuleType):
    """Stands in for platform."""

    @staticmethod
    def system() -> str:
        """The name of the system."""
        return os.uname().sysname if hasattr(os, "uname") else ""


@contextlib.contextmanager
def _standing_in(name: str, instead: ModuleType | None) -> Iterator[None]:
    """Inside, whoever imports a module that is not imported yet gets another one, or none."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = instead  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


@contextlib.contextmanager
def _sigterm_held() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows, where SIGTERM cannot be caught
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
