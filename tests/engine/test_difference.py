"""What one load means differently from another, from the lines of both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from derivload.engine.difference import Change, Difference, FunctionChange, difference
from derivload.engine.lines import DocumentLines
from derivload.loading.live import LiveDocuments
from derivload.loading.paths import find_files
from support.paths import CATALOGUE, FILES


@pytest.fixture
def loads(tmp_path: Path) -> Loads:
    return Loads(tmp_path)


class Loads:
    """Loads of the catalogue, and of edits of it, one after another in a session."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._documents = LiveDocuments(str(folder))
        for name in FILES:
            (folder / name).write_bytes((CATALOGUE / name).read_bytes())
        self.first = self._load()

    def edited(self, *edits: tuple[str, str], name: str = FILES[0]) -> Difference:
        """The difference of the catalogue with these edits from the one without."""
        text = (CATALOGUE / name).read_text("utf-8")
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        (self._folder / name).write_text(text, "utf-8")
        after = self._load()
        there, back = difference(self.first, after), difference(after, self.first)
        assert sides(back, mirrored=True) == sides(there)
        return there

    def _load(self) -> DocumentLines:
        derivatives, natives, tags = (str(self._folder / name) for name in FILES)
        return self._documents.load(find_files(derivatives, [natives], tags)).lines


Side = dict[str, set[tuple[str, str, str | None, str | None]]]


def sides(found: Difference, mirrored: bool = False) -> list[Side]:
    """What came, went and changed; seen from the other side when it is mirrored."""

    def side(functions: tuple[FunctionChange, ...]) -> Side:
        return {
            function.name: {
                (c.what, c.of, *((c.after, c.before) if mirrored else (c.before, c.after)))
                for c in function.changes
            }
            for function in functions
        }

    groups = (found.added, found.removed, found.changed)
    if mirrored:
        groups = (found.removed, found.added, found.changed)
    return [side(functions) for functions in groups]


def only(found: Difference, name: str) -> tuple[Change, ...]:
    """The changes of the only function that changed."""
    assert not found.added
    assert not found.removed
    (function,) = found.changed
    assert function.name == name
    return function.changes


def test_nothing(loads: Loads) -> None:
    found = loads.edited(("self: grad * luster", "self: grad * luster  # A comment"))
    assert found == Difference()


def test_formula(loads: Loads) -> None:
    found = loads.edited(("self: grad * luster", "self: grad * 2 * luster"))
    assert only(found, "gild") == (
        Change("backward", "self", "grad * luster", "grad * 2 * luster"),
    )


def test_saved_variable_that_goes(loads: Loads) -> None:
    found = loads.edited(("self: grad * luster", "self: grad"))
    assert only(found, "gild") == (
        Change("backward", "self", "grad * luster", "grad"),
        Change("saved", "luster", "double = luster", None),
    )


def test_forward_derivative(loads: Loads) -> None:
    found = loads.edited(("result: scaled_by_exp(self_t, factor)", "result: self_t * factor"))
    changed = {function.name: function.changes for function in found.changed}
    assert changed["temper.Scalar"] == (
        Change("forward", "result", "scaled_by_exp(self_t, factor)", "self_t * factor"),
    )
    # Those that are made of it, for lists of tensors.
    others = changed.keys() - {"temper.Scalar"}
    assert others == {"_foreach_temper.Scalar", "_foreach_temper.ScalarList"}


def test_forward_derivative_of_the_in_place_variant_changes_too(loads: Loads) -> None:
    found = loads.edited(("result: self_t.gild(luster)", "result: self_t * luster"))
    changed = {f.name: [(c.what, c.of) for c in f.changes] for f in found.changed}
    assert changed.keys() == {"gild", "gild_"}
    assert changed["gild"] == [("forward", "result")]
    assert ("forward", "self") in changed["gild_"]


def test_definition_that_goes_is_told_by_its_parts(loads: Loads) -> None:
    entry = (CATALOGUE / FILES[0]).read_text("utf-8").partition("- name: gleam(")[2]
    gone = "- name: gleam(" + entry.partition("\n\n")[0]
    found = loads.edited((gone, ""))
    assert {function.name for function in found.changed} >= {"gleam", "gleam_"}
    (gleam,) = [function for function in found.changed if function.name == "gleam"]
    assert [(c.what, c.after) for c in gleam.changes] == [
        ("node", None),
        ("backward", None),
        ("saved", None),
        ("forward", None),
    ]


def test_function_that_comes(loads: Loads) -> None:
    found = loads.edited(
        ("- func: gild(", "- func: newcomer(Tensor self) -> Tensor\n\n- func: gild("),
        name=FILES[1],
    )
    assert found == Difference(added=(FunctionChange("newcomer", ()),))


def test_other_release_changes_the_documents(loads: Loads) -> None:
    after = loads.first._replace(torch_version="2.1", used_dispatch_keys=("Default",))
    found = difference(loads.first, after)
    assert [c.what for c in found.documents] == ["torch_version", "used_dispatch_keys"]
    assert not found.changed


def test_whatever_differs_in_a_line_is_named(loads: Loads) -> None:
    """Each field of each record, changed by itself, shows up as that function's."""
    for field in ("records", "functions", "generated"):
        lines = getattr(loads.first, field)
        for line in lines[:3]:
            record = json.loads(line)
            for where, changed in list(_variants(record)):
                new = [_encode(changed) if other is line else other for other in lines]
                after = _replaced(loads.first, field, new)
                (function,) = difference(loads.first, after).changed
                assert function.name == record["schema"].partition("(")[0]
                assert function.changes, where


def _replaced(lines: DocumentLines, field: str, new: list[bytes]) -> DocumentLines:
    values: dict[str, Any] = {**lines._asdict(), field: new}
    return DocumentLines(**values)


def _encode(record: Any) -> bytes:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


def _variants(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The value with one of its strings, numbers or truths changed; schemas keep their names."""
    if isinstance(value, dict):
        for key, item in value.items():
            for where, changed in _variants(item, f"{path}.{key}"):
                yield where, {**value, key: changed}
    elif isinstance(value, list):
        for i, item in enumerate(value):
            for where, changed in _variants(item, f"{path}[{i}]"):
                yield where, [*value[:i], changed, *value[i + 1 :]]
    elif isinstance(value, bool):
        yield path, not value
    elif isinstance(value, str):
        yield path, f"{value} more"
