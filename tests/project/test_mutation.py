"""script/mutate: which mistakes it puts into a file, which tests they meet, and which survivors are
known.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mutation.measured import met_by, read, write
from mutation.mutants import Mutant, mutants_of
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


_DISK = "src/derivload/store/disk.py"


def _tests(*names: str, reach: int = 1) -> dict[str, tuple[float, frozenset[str]]]:
    """Tests that reach a function of the disk, and others up to that many."""
    others = {f"{_DISK}:{number}" for number in range(1, reach)}
    return {f"tests/{name}": (0.1, frozenset({f"{_DISK}:get"} | others)) for name in names}


def test_a_mutant_meets_first_the_tests_where_the_mirror_of_its_file_is() -> None:
    close = ["store/test_disk.py::a", "store/test_disk_full.py::a"]
    wide, same, far = "store/test_disk_full.py::b", "store/test_results.py::a", "test_cli.py::a"
    reach = {**_tests(far, same), **_tests(wide, reach=3), **_tests(*reversed(close), reach=2)}
    other = {"tests/store/test_disk.py::b": (0.1, frozenset({f"{_DISK}:put"}))}
    mutant = Mutant(_DISK, 1, "get", 0, 0, b"")
    assert [*met_by(mutant, other | reach)] == [
        f"tests/{name}" for name in (*close, wide, same, far)
    ]


def test_a_row_of_a_table_meets_the_met_by_who_names_its_module() -> None:
    reach = {
        "tests/test_a.py::a": (0.1, frozenset({"src/derivload/spelling.py:nearest"})),
        "tests/test_a.py::b": (0.1, frozenset({"src/derivload/exit_status.py:a"})),
        "tests/test_a.py::c": (0.1, frozenset({"src/derivload/cli.py:main"})),
    }
    for function in ("", "called_by_the_module"):
        mutant = Mutant("src/derivload/exit_status.py", 1, function, 0, 0, b"")
        assert [*met_by(mutant, reach)] == ["tests/test_a.py::b", "tests/test_a.py::c"]


def test_a_function_that_came_later_is_reached_by_who_reaches_its_file(tmp_path: Path) -> None:
    file = tmp_path / "new" / "measured.json"
    status, cli = "src/derivload/exit_status.py:a", "src/derivload/cli.py:main"
    reached = {"a": ["src/derivload/spelling.py:nearest"], "b": [status], "c": [cli]}
    write(file, {name: {"seconds": 0.1, "reach": found} for name, found in reached.items()})
    mutant = Mutant("src/derivload/exit_status.py", 1, "new", 0, 0, b"")
    assert read(file) == {name: (0.1, frozenset(found)) for name, found in reached.items()}
    before = json.loads(file.read_text("utf-8"))
    del before["functions"]["src/derivload/exit_status.py"]
    file.write_text(json.dumps(before), "utf-8")
    reach = {f"tests/{name}": test for name, test in read(file).items()}
    assert [*met_by(mutant, reach)] == ["tests/b", "tests/c"]


def test_a_known_survivor_is_of_a_line_that_there_is_and_has_a_reason() -> None:
    for (path, before, _), why in known_survivors().items():
        lines = {" ".join(line.split()) for line in (ROOT / path).read_text("utf-8").splitlines()}
        assert before in lines, f"{path}: {before}"
        assert why
