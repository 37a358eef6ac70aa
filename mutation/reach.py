"""Which functions of derivload each test reaches, itself or in the processes that it starts.

A pytest plugin for a copy of the checkout. What a shared fixture calls counts for each test that
uses it.

With MUTATION_TESTS set to a file of node ids, one a line, those tests alone run instead.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mutation.tracer import FOLDER, Tracer, trace

_FOLDER = Path(FOLDER)
_CURRENT = _FOLDER / "current"


class Measuring:
    """Notes of each test that passes how long it took and what it reached."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, Any]] = {}
        self._names: list[str] = []
        self._fixtures: dict[object, str] = {}
        _FOLDER.mkdir()

    def _enter(self, name: str) -> None:
        self._names.append(name)
        self._turn_to(name)

    def _leave(self) -> None:
        self._names.pop()
        self._turn_to(self._names[-1] if self._names else "")

    def _turn_to(self, name: str) -> None:
        if isinstance(tracer := sys.gettrace(), Tracer):
            trace(None)
            tracer.close()
        if name:
            _CURRENT.write_text(name, "utf-8")
            trace(Tracer(name))
        else:
            _CURRENT.unlink()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        name = f"test-{len(self.tests)}"
        self.tests[item.nodeid] = {"seconds": 0.0, "passed": True, "parts": [name]}
        self._enter(name)
        result = yield
        self._leave()
        definitions = item._fixtureinfo.name2fixturedefs.values()  # type: ignore[attr-defined]
        shared = [self._fixtures.get(each) for several in definitions for each in several]
        self.tests[item.nodeid]["parts"] += [each for each in shared if each]
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, object, object]:
        if fixturedef.scope == "function":
            return (yield)
        name = self._fixtures.setdefault(fixturedef, f"fixture-{len(self._fixtures)}")
        self._enter(name)
        try:
            return (yield)
        finally:
            self._leave()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = self.tests[report.nodeid]
        test["passed"] &= report.passed
        test["seconds"] += report.duration

    def pytest_sessionfinish(self) -> None:
        reached = {
            path.name: path.read_text("utf-8").split("\n")[:-1] for path in _FOLDER.glob("*-*")
        }
        found = {
            name: {
                "seconds": round(test["seconds"], 3),
                "reach": sorted({each for part in test["parts"] for each in reached.get(part, ())}),
            }
            for name, test in self.tests.items()
            if test["passed"]
        }
        Path(os.environ["MUTATION_REACH"]).write_text(json.dumps(found), "utf-8")


class Choosing:
    """Lets the tests of a list run alone."""

    def __init__(self, names: list[str]) -> None:
        self._names = set(names)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self._names]


def pytest_configure(config: pytest.Config) -> None:
    if chosen := os.environ.get("MUTATION_TESTS"):
        config.pluginmanager.register(Choosing(Path(chosen).read_text("utf-8").splitlines()))
    else:
        config.pluginmanager.register(Measuring())
