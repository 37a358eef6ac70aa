"""What a run tells: mistakes as they come, and what was not tested. Green means tested.

A test that needs what is not here (a release that cannot be fetched, a build tool) calls
`unavailable`. Then:

- It is an error, and the run fails. However many tests need the same thing, it is told once, with
  its cause, at the top of the summary; pytest's closing line counts each of the tests.
- With --offline the test is left out.

One more line counts all that was left out, and says for which reasons. It is the last of the
run, but in CI, where the last is pytest's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from typing import NoReturn

import pytest

# The fixture of this name: `unavailable` for the run that goes on.
Unavailable = Callable[..., NoReturn]
_REPORTED = ("error", "failed")
# Properties of a report.
_WHAT = "unavailable"
_CAUSE = "unavailable_cause"


class UnavailableError(Exception):
    """What a test needs and is not here, as a clause, and why it is not here."""

    def __init__(self, what: str, cause: str) -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause


def unavailable(what: str, cause: str = "", *, is_offline: bool) -> NoReturn:
    """End a test that cannot be run here."""
    if is_offline:
        pytest.skip(what)
    raise UnavailableError(what, cause)


class Keeping:
    """For every process of a run: have the report of a test carry what was not here."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        error = call.excinfo.value if call.excinfo else None
        if isinstance(error, UnavailableError):
            report.longrepr = f"not tested: {error.what}"
            report.user_properties += [(_WHAT, error.what), (_CAUSE, error.cause)]
        return report


class Telling:
    """For the process that has the terminal."""

    def __init__(self, terminal: pytest.TerminalReporter, *, has_last_line: bool) -> None:
        self._terminal = terminal
        self._has_last_line = has_last_line
        # What was not here: its cause, and the tests that need it.
        self._missing: dict[str, tuple[str, set[str]]] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell a mistake at once, for the summary can be minutes away."""
        if not report.failed:
            return
        what, cause = _missing_thing(report)
        if what:
            is_new = what not in self._missing
            self._missing.setdefault(what, (cause, set()))[1].add(report.nodeid)
            if not is_new:
                return
        if self._terminal.verbosity <= 0:
            # pytest has written a letter, and knows nothing of where the line stands.
            self._terminal.write(f"\nFAILED {report.nodeid}: {_first_line(report)}\n", red=True)
            self._terminal.flush()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self) -> Generator[None, None, None]:
        """Tell what was not here, then the rest without the tests that need it."""
        stats = self._terminal.stats
        all_reports = {name: stats[name] for name in _REPORTED if name in stats}
        for name, reports in all_reports.items():
            stats[name] = [report for report in reports if not _is_untested(report)]
        self._tell_missing()
        yield
        stats.update(all_reports)  # pytest's closing line counts them
        if not self._has_last_line:
            self._tell_left_out()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        yield
        if self._has_last_line:
            self._tell_left_out()

    def _tell_missing(self) -> None:
        if not self._missing:
            return
        self._terminal.write_sep("=", "NOT TESTED", red=True, bold=True)
        for what, (cause, tests) in self._missing.items():
            verb = "test needs" if len(tests) == 1 else "tests need"
            self._terminal.write_line(f"{what}; {len(tests)} {verb} it.")
            for line in cause.splitlines():
                self._terminal.write_line(f"    {line}")
        self._terminal.write_line(
            "Tools that are not there: script/test installs them for root, with apt and npm."
            " `script/test --offline` leaves out what cannot be tested here."
        )

    def _tell_left_out(self) -> None:
        skipped = self._terminal.stats.get("skipped", [])
        if not skipped:
            return
        reasons = Counter(_reason(report) for report in skipped)
        parts = [f"{reason} ({count})" for reason, count in reasons.most_common()]
        were = "test was" if len(skipped) == 1 else "tests were"
        self._terminal.write_line(f"{len(skipped)} {were} left out: {', '.join(parts)}")


def _missing_thing(report: pytest.TestReport) -> tuple[str, str]:
    """What a test needed and why it is not here; two empty strings if nothing was missing."""
    properties = {str(name): str(value) for name, value in report.user_properties}
    return properties.get(_WHAT, ""), properties.get(_CAUSE, "")


def _is_untested(report: pytest.TestReport | pytest.CollectReport) -> bool:
    return isinstance(report, pytest.TestReport) and bool(_missing_thing(report)[0])


def _first_line(report: pytest.TestReport) -> str:
    """The first line of what a failed test says."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return next(iter(text.strip().splitlines()), "")


def _reason(report: pytest.TestReport) -> str:
    """Why a test was skipped."""
    place = report.longrepr
    text = place[2] if isinstance(place, tuple) else str(place)
    return text.removeprefix("Skipped: ")
