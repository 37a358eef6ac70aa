"""What the tests of bad_input share."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.project import Project, Ran

# File, line, column (0 where there is none) and code of a diagnostic.
Found = tuple[str, int, int, str]


class BadInputs(Project):
    """A project with outputs that were made before its inputs went bad."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        assert self.emit().status == 0
        self._before = self.documents(), self.identities()

    def fails(self) -> list[Found]:
        """Run, see that it fails as it ought to, and give what it found."""
        ran = self.emit()
        assert (ran.status, ran.out) == (1, "")
        assert (self.documents(), self.identities()) == self._before
        assert "Traceback" not in ran.err
        found = found_in(ran)
        assert found
        assert ran.err.count("\n  help: ") >= len(found)
        errors = "1 error" if len(found) == 1 else f"{len(found)} errors"
        assert ran.err.endswith(f"derivload: {errors}; nothing was written\n")
        return found


def found_in(ran: Ran) -> list[Found]:
    pattern = re.compile(r"^(?:.*[/\\])?([\w.]+?)(?::(\d+):(\d+))?: error\[(DL\d+)\]: .", re.M)
    return [
        (file, int(line or 0), int(column or 0), code)
        for file, line, column, code in pattern.findall(ran.err)
    ]


@pytest.fixture
def project(tmp_path: Path) -> BadInputs:
    return BadInputs(tmp_path)
