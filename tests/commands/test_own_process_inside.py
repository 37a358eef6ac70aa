"""What stands in for modules while others are imported, and that it is gone behind them."""

from __future__ import annotations

import argparse
import gettext
import platform
import signal
import sys
from types import ModuleType

import pytest

from derivload.commands.own_process import (
    _Platform,
    _Untranslated,
    importing_msgspec,
    leave_argparse_untranslated,
)
from support.out_dirs import posix

HELPERS = ("typing_extensions", "platform")


def test_helpers_stand_in_for_modules_that_are_not_there_and_go_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in HELPERS:
        monkeypatch.delitem(sys.modules, name, raising=False)
    with importing_msgspec():
        assert sys.modules["typing_extensions"] is None
        assert isinstance(sys.modules["platform"], _Platform)
        assert sys.modules["platform"].__name__ == "platform"
    assert sys.modules.keys().isdisjoint(HELPERS)


def test_modules_that_are_there_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {name: ModuleType(name) for name in HELPERS}
    for name, module in there.items():
        monkeypatch.setitem(sys.modules, name, module)
    with importing_msgspec():
        assert {name: sys.modules[name] for name in HELPERS} == there
    assert {name: sys.modules[name] for name in HELPERS} == there


def test_an_import_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "platform", raising=False)
    with pytest.raises(ImportError), importing_msgspec():
        raise ImportError
    assert "platform" not in sys.modules


def test_they_answer_as_the_modules_do() -> None:
    assert _Platform.system() == platform.system()
    ours = _Untranslated("gettext")
    assert ours.gettext("a word") == gettext.gettext("a word")
    for count in (0, 1, 2):
        assert ours.ngettext("a", "b", count) == gettext.ngettext("a", "b", count)


def test_argparse_looks_for_no_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argparse, "_", None, raising=False)
    seen: list[object] = []

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> None:
            if name == "argparse":
                seen.append(sys.modules.get("gettext"))

    for name in ("argparse", "gettext"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    leave_argparse_untranslated()
    (instead,) = seen
    assert isinstance(instead, _Untranslated)
    assert instead.__name__ == "gettext"
    assert "gettext" not in sys.modules
    assert sys.modules["argparse"]._ is str
    assert sys.modules["argparse"].ngettext is _Untranslated.ngettext


@posix
def test_sigterm_waits_for_the_end_of_the_import() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
    try:
        with importing_msgspec():
            signal.raise_signal(signal.SIGTERM)
            assert came == []
            assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        assert came == [signal.SIGTERM]
        assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.signal(signal.SIGTERM, before)
