"""script/mutate: which mistakes it puts into a file, and which survivors are known."""

from __future__ import annotations

import pytest
from mutation.mutants import mutants_of
from mutation.run import known_survivors

from support.paths import ROOT


@pytest.mark.parametrize(
    ("line", "mutants"),
    [
        ("a = b == c", {"a = b != c"}),
        ("a = b not in c", {"a = b in c"}),
        ("a = b and c and d", {"a = b or c and d", "a = b and c or d"}),
        ("a = not b", {"a = b"}),
        ("a = b + 1", {"a = b - 1", "a = b + 2"}),
        ("a = True", {"a = False"}),
        ("a = 'x'", {"a = 'xXX'"}),
        ("a(b, key=c)", {"a(b)", "pass"}),
        ("a = b if c else d", {"a = b if not (c) else d"}),
        ("a = [b for b in c if b]", {"a = [b for b in c if not (b)]"}),
        ("def a(): return b", {"def a(): return None"}),
        ("def a(): return False", {"def a(): return True"}),
        ("a: Literal['x'] = b", set()),
        ("'A docstring.'", set()),
        ("TYPE_CHECKING = False", set()),
        ("if os.name == 'nt': a()\nelse: b()", {"if os.name == 'nt': a()\nelse: pass"}),
        ("if TYPE_CHECKING: import a", set()),
        ("class A(B, frozen=True, gc=False): b: int", set()),
        ("a(b, strict=True)", {"pass"}),
        ("a = f'{b + 1}'", set()),
    ],
)
def test_a_line_has_these_mutants(line: str, mutants: set[str]) -> None:
    source = f"{line}\n".encode()
    found = {mutant.apply(source).decode().strip() for mutant in mutants_of("a.py", source)}
    assert found == mutants


def test_each_row_of_a_table_has_one() -> None:
    source = b'a = """\n  b c\n  d\n"""\n'
    found = [mutant.difference(source)[1] for mutant in mutants_of("a.py", source)]
    assert found == ["b cXX", "dXX"]


def test_a_known_survivor_is_of_a_line_that_there_is_and_has_a_reason() -> None:
    for (path, before, _), why in known_survivors().items():
        lines = {" ".join(line.split()) for line in (ROOT / path).read_text("utf-8").splitlines()}
        assert before in lines, f"{path}: {before}"
        assert why
