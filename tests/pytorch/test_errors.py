"""What the errors of generators say."""

from __future__ import annotations

import pytest

from derivload.pytorch.errors import GeneratorError, SelectionError


@pytest.mark.parametrize(
    ("text", "lines"), [("", []), ("a\n  b\n\n", ["a", "  b"]), ("a", ["a"]), ("\n", [])]
)
def test_the_lines_of_a_traceback(text: str, lines: list[str]) -> None:
    error = GeneratorError(text)
    assert error.lines == lines
    assert error.summary == "a generator of PyTorch failed"


def test_a_file_that_selects_no_operators_has_no_traceback() -> None:
    error = SelectionError("selected.yaml", "it is a list")
    assert (str(error), error.lines) == ("", [])
    assert error.summary == "error: selected.yaml does not select operators: it is a list"
