"""Generators that run in upstream's own way, and what they raise, on a tree of a few lines."""

from __future__ import annotations

import errno
import json
from hashlib import sha256
from typing import Any

import pytest
import yaml

from derivload.loading.paths import Files, TreePlace
from derivload.loading.rules_of_tree import Rules
from derivload.pytorch.codegen import generators
from derivload.pytorch.codegen.cores import default_jobs
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.update import Codegen
from derivload.pytorch.errors import GeneratorError
from derivload.terminal import progress
from support.copies import children
from support.tiny_runs import Tiny, known, tiny
from support.tiny_torchgen import NAMES

__all__ = ["known", "tiny"]  # fixtures


def other_way(tiny: Tiny) -> None:
    """Have a generator make of many what it does not make of each."""
    path = tiny.generator("gen_variable_factories")
    tiny.edit(path, "make {f.func}", "make {len(functions)} {f.func}")


def test_generators_that_depend_on_other_items_run_in_their_own_way(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_way(tiny)
    one = tiny.new()
    made = tiny.make(one)
    assert made.exit == "plain"
    said = "upstream's generators ran in their own way, for everything: "
    assert made.note == f"{said}generating item by item gives other files: factories.h"
    expected = tiny.plain()
    assert {name: data for name, data, _ in made.contents([*made.files])} == expected
    assert made.files == {n: sha256(data).hexdigest() for n, data in expected.items()}
    assert made.counts == {}
    assert one.settle(b"", made.note)
    with monkeypatch.context() as patch:
        patch.setattr(Codegen, "update", None)  # nothing is compared again
        assert tiny.run() == ("plain", expected)
        assert tiny.make().note == made.note
    (why,) = [key for key, value in tiny.store.items() if value == made.note[len(said) :].encode()]
    tiny.store[why] = b"\xff"  # others wrote it
    assert tiny.make().note == f"{said}\ufffd"
    tiny.edit(tiny.templates / "factories.h", "$ops", "// mine\n$ops")
    assert tiny.make().note == made.note


def test_files_that_only_upstreams_own_way_has_are_missed(tiny: Tiny) -> None:
    path = tiny.generator("gen_variable_factories")
    more = "    if FileManager.__name__ == 'FileManager':\n"
    more += "        files.write_with_template('more.h', 'factories.h', lambda: {'ops': []})\n"
    tiny.edit(path, "    functions =", f"{more}    functions =")
    made = tiny.make()
    assert made.note.endswith("gives other files: more.h")
    assert "more.h" in made.files


def test_definitions_that_upstream_loads_otherwise_are_upstreams(tiny: Tiny) -> None:
    path = tiny.generator("load_derivatives")
    tiny.edit(path, "Part(formula=v)", "Part(formula=v.upper())")
    made = tiny.make()
    assert made.exit == "plain"
    assert made.note.endswith("gives other files: Functions.cpp")


@pytest.mark.parametrize("raised", ["1 / 0", "raise SystemExit(3)", "open('/none/of/it')"])
def test_what_a_generator_raises_is_upstreams(raised: str, tiny: Tiny) -> None:
    tiny.edit(tiny.generator("gen_variable_factories"), "    files =", f"    {raised}\n    files =")
    with pytest.raises(GeneratorError, match="gen_variable_factories") as told:
        tiny.make()
    assert told.value.lines[0] == "Traceback (most recent call last):"
    assert "derivload" not in "".join(line for line in told.value.lines if "File" in line)


def test_a_full_disk_is_no_reason_for_another_way(tiny: Tiny) -> None:
    full = f"    raise OSError({errno.ENOSPC}, 'full')\n"
    tiny.edit(tiny.generator("gen_variable_factories"), "    files =", f"{full}    files =")
    with pytest.raises(OSError, match="full"):
        tiny.make()


def test_our_rules_say_what_a_known_generator_refuses(
    known: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = known.generator("gen_variable_factories")
    known.edit(path, "    files =", "    1 / 0\n    files =")
    refused: list[Any] = ["refused"]
    monkeypatch.setattr(generators, "InputError", ValueError)
    with pytest.raises(GeneratorError):  # it is another generator now
        known.make(find_refused=lambda: refused)
    monkeypatch.setattr(generators, "KNOWN", {known.job().sources.of_packages: "2.15"})
    with pytest.raises(ValueError, match="refused"):
        known.make(find_refused=lambda: refused)
    with pytest.raises(GeneratorError):
        known.make(find_refused=tuple)


def upset_the_short_cut(tiny: Tiny) -> None:
    """Have a generator raise an exception unless it gets three functions."""
    tiny.edit(
        tiny.generator("gen_variable_factories"),
        "    functions =",
        "    functions = [0]\n    functions[len(parse_native_yaml(natives, tags)"
        ".native_functions) - 3]\n    functions =",
    )


def test_a_generator_that_only_the_short_cut_upsets(tiny: Tiny) -> None:
    upset_the_short_cut(tiny)
    made = tiny.make()
    assert made.exit == "plain"
    assert made.note.endswith("for everything: IndexError in a generator")


def test_a_state_that_a_run_did_not_get_on_with_is_not_used_again(tiny: Tiny) -> None:
    tiny.run()
    deprecated = tiny.autograd / "deprecated.yaml"
    deprecated.write_text("- {name: gild(x), aten: gild(x), more: 1}\n", "utf-8")
    made = tiny.make()
    assert made.note.endswith("for everything: deprecated.yaml has unknown keys")
    deprecated.write_text("[]\n", "utf-8")
    assert tiny.run() == ("cold", tiny.plain())


def test_inputs_that_are_no_plain_lists_go_upstreams_way(tiny: Tiny) -> None:
    tiny.run()
    value = yaml.safe_load(tiny.natives.read_bytes())
    tiny.natives.write_text(json.dumps(value), "utf-8")
    made = tiny.make()
    assert made.exit == "plain"
    assert made.note.endswith("for everything: the inputs are not plain lists of entries")
    assert {name: data for name, data, _ in made.contents([*made.files])} == tiny.plain()


def test_the_rules_of_another_release_are_refused(known: Tiny) -> None:
    known.changes = {"release": "2.14"}
    assert known.make().exit == "cold"  # it followed those of 2.15, as the load did
    known.store.clear()
    files = known.files()
    files.version = "2.14"
    made = known.new().make(files, *known.load(files))
    assert made.exit == "plain"
    assert made.note.endswith("the rules of 2.14 were asked for, but its source has those of 2.15")


class Line:
    """Takes the place of the line that is drawn on a terminal."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int, bool]] = []

    def tell(self, what: str, done: int, total: int, *, is_long: bool) -> None:
        self.told.append((what, done, total, is_long))

    def hide(self) -> None:
        """Nothing is drawn."""


def test_how_far_a_run_is_can_be_told(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    monkeypatch.setattr(progress, "_lines", [line])
    names = [*tiny.make().files]
    said = "generating in upstream's own way, to compare all files"
    assert line.told[-1] == (said, 0, 0, True)
    rendered = [told for told in line.told if told[0].startswith("rendering")]
    assert rendered == [
        (f"rendering {name}", number, len(names), False) for number, name in enumerate(names)
    ]
    own = [f"generating the code of {name}" for name in NAMES]
    assert {told for told in line.told if told[0] in own} == {(name, 0, 0, False) for name in own}
    assert ("generating VariableType.cpp", 0, 2, False) in line.told


def with_known_rules(tiny: Tiny) -> Files:
    """The inputs, as those of a tree whose rules are known."""
    files = tiny.files()
    files.tree = TreePlace(str(tiny.root), str(tiny.root / "torchgen"), str(tiny.autograd))
    files.rules = Rules("2.15", "2.15")
    return files


@pytest.mark.parametrize("jobs", [1, 2])
def test_definitions_by_known_rules_are_not_loaded_again(
    jobs: int, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tiny.plain()
    before = children()
    tiny.jobs = jobs
    monkeypatch.setattr(generators, "can_fork", lambda: True)
    tiny.edit(tiny.generator("load_derivatives"), "    infos = {}", "    1 / 0")
    with pytest.raises(GeneratorError, match="ZeroDivisionError"):
        tiny.make()
    loaded = tiny.load()
    one = tiny.new()
    begun: list[object] = []
    update = Codegen.update

    def noted(codegen: Codegen, source: Any) -> None:
        begun.append(one._beside)
        update(codegen, source)

    monkeypatch.setattr(Codegen, "update", noted)
    made = one.make(with_known_rules(tiny), *loaded)
    assert (made.exit, made.note) == ("cold", "")
    assert {name: data for name, data, _ in made.contents([*made.files])} == expected
    assert [beside is not None for beside in begun] == [jobs > 1]
    assert children() == before
    # After an exception in the short cut, upstream loads for itself.
    upset_the_short_cut(tiny)
    with pytest.raises(GeneratorError, match="load_derivatives"):
        tiny.new().make(with_known_rules(tiny), *loaded)
    assert children() == before


def test_a_source_of_no_release_has_no_rules_that_can_be_asked_for(tiny: Tiny) -> None:
    tiny.changes = {"release": "2.15"}
    made = tiny.make()
    assert made.exit == "plain"
    assert made.note.count(" cannot be read: ") == 1
    assert {name: data for name, data, _ in made.contents([*made.files])} == tiny.plain()


def test_how_many_processes_may_run_beside_upstreams_own_way(tiny: Tiny) -> None:
    one = tiny.new()
    beside: Any = object()
    for jobs, other, expected in (
        (None, None, None),
        (3, None, 3),
        (3, beside, 2),
        (1, beside, 1),
        (None, beside, max(1, default_jobs() - 1)),
    ):
        one._jobs, one._beside = jobs, other
        assert one._jobs_left() == expected


def test_inputs_and_the_source_are_no_part_of_a_trace(tiny: Tiny) -> None:
    selected = tiny.root / "selected.yaml"
    selected.write_text("[]\n", "utf-8")
    tiny.selection = Selection(selected_op_list_path=str(selected))
    found = tiny.new()._known_paths(tiny.files())
    inputs = (tiny.derivatives, tiny.natives, tiny.tags, tiny.autograd / "deprecated.yaml")
    assert found == {*map(str, (*inputs, selected)), *tiny.job().sources.code}
