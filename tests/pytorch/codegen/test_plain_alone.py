"""Upstream's own way, with a torchgen of a few lines: what it is given, writes and raises."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import pytest

from derivload.loading.paths import Files, TreePlace
from derivload.loading.rules_of_tree import Rules
from derivload.pytorch.codegen.plain import (
    LoadedDefinitions,
    contents_of,
    has_known_rules,
    run_plain,
)
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.stand_ins import StandIns
from derivload.pytorch.codegen.upstream import Modules, forget
from derivload.pytorch.errors import GeneratorError, SelectionError
from derivload.sources.additions import Additions
from support.tiny_runs import Tiny, tiny
from support.tiny_torchgen import NAMES, definition, native

__all__ = ["tiny"]  # a fixture

BY: Final = "// generate_code.py\n"
FORMULAS: Final = {name: f"grad_of_{name}(grad)" for name in NAMES}


def run(tiny: Tiny, files: Files | None = None, **how: Any) -> dict[str, str]:
    selection = how.pop("selection", Selection())
    try:
        made = run_plain(tiny.upstream, files or tiny.files(), selection, **how)
    finally:
        forget()
    return {name: data.decode() for name, data in made.items()}


def formulas(made: dict[str, str]) -> dict[str, str]:
    lines = made["Functions.h"].splitlines()[2:]
    found = dict(line.split(" by ") for line in lines)
    assert len(found) == len(lines), "a function has one definition"
    return found


def test_all_generators_of_a_selection_run(tiny: Tiny) -> None:
    made = run(tiny)
    assert made["annotated_fn_args.py"] == f"{BY}{' '.join(NAMES)}\n"
    assert formulas(made) == FORMULAS
    assert made["VariableTypeEverything.cpp"].startswith(f"{BY}// Everything of Default\n")
    files = {
        "python": {"annotated_fn_args.py"},
        "pybindings": {"python_methods.cpp"},
        "libtorch": {*made} - {"annotated_fn_args.py", "python_methods.cpp"},
    }
    for subset, names in files.items():
        found = run(tiny, selection=Selection(subset))
        assert found == {name: made[name] for name in names}
    found = run(tiny, selection=Selection(disable_autograd=True))
    assert found == {name: text for name, text in made.items() if "VariableType" not in name}


def test_definitions_that_are_given_take_the_place_of_the_loaders(tiny: Tiny) -> None:
    """They are always the same object, whoever asks."""
    lines = tiny.load()[1]
    loaded = LoadedDefinitions(lines.records, ["A", "B"], tiny.derivatives.read_text("utf-8"))
    call = 'load_derivatives(os.path.join(autograd, "derivatives.yaml"), natives, tags)'
    first = f"    infos, keys = {call}\n"
    main = tiny.generator("gen_autograd")
    tiny.edit(main, first, f"{first}    assert {call}[0] is infos\n")
    tiny.edit(tiny.generator("load_derivatives"), "    infos = {}", "    1 / 0")
    made = run(tiny, loaded=loaded)
    assert formulas(made) == FORMULAS
    assert "of A, B\n" in made["VariableTypeEverything.cpp"]
    with pytest.raises(GeneratorError, match="ZeroDivisionError"):
        run(tiny)


def test_a_generator_that_loads_another_file_gets_that(tiny: Tiny) -> None:
    lines = tiny.load()[1]
    loaded = LoadedDefinitions(lines.records, ["Default"], tiny.derivatives.read_text("utf-8"))
    other = tiny.autograd / "other.yaml"
    other.write_text(definition("gild", "grad * 2"), "utf-8")
    more = tiny.root / "more.yaml"
    more.write_text(definition("smelt", "grad * 3"), "utf-8")
    files = tiny.files()
    files.more_derivatives = (str(more),)
    tiny.edit(tiny.generator("gen_autograd"), '"derivatives.yaml"', '"other.yaml"')
    for made in (run(tiny), run(tiny, loaded=loaded), run(tiny, files)):
        assert formulas(made) == {"gild": "grad * 2"}


def test_definitions_that_are_laid_over_others_are_joined(tiny: Tiny) -> None:
    files = tiny.files()
    paths = [tiny.root / name for name in ("one.yaml", "empty.yaml")]
    paths[0].write_text(
        definition("gild", "grad * 2") + definition("temper", "'glänzend'"), "utf-8"
    )
    paths[1].touch()
    files.more_derivatives = (*map(str, paths),)
    files.additions = Additions(override=True)
    more = {"gild": "grad * 2", "temper": "glänzend"}
    assert formulas(run(tiny, files)) == {**FORMULAS, **more}
    assert run(tiny) != run(tiny, files)
    files.more_derivatives += (str(tiny.root / "none.yaml"),)
    with pytest.raises(GeneratorError, match=r"FileNotFoundError: .*none\.yaml"):
        run(tiny, files)


def test_functions_of_overlays_are_generated_and_their_places_told(tiny: Tiny) -> None:
    overlay = tiny.root / "overlay.yaml"
    overlay.write_text(f"# Mine.\n{native('temper', '  gen_x: 1')}", "utf-8")
    files = tiny.files()
    files.native_functions += (str(overlay),)
    files.additions = Additions((), ["gen_*"])
    made = run(tiny, files)
    assert made["annotated_fn_args.py"] == f"{BY}{' '.join(NAMES)} temper\n"
    factories = tiny.generator("gen_variable_factories")
    tiny.edit(
        factories, "    functions =", "    for f in functions:\n        f.no\n    functions ="
    )
    tiny.edit(factories, "    for f in", "    functions = parse_native_yaml(natives, tags)"
              ".native_functions[3:]\n    for f in")  # fmt: skip
    with pytest.raises(GeneratorError) as raised:
        run(tiny, files)
    assert raised.value.lines[-2:] == [f"  in {overlay}:2:", "    temper(Tensor self) -> Tensor"]


def test_keys_of_others_are_passed_over_without_overlays_too(tiny: Tiny) -> None:
    tiny.edit(tiny.natives, "    CPU: gild\n", "    CPU: gild\n  gen_x: 1\n")
    gen = tiny.root / "torchgen" / "gen.py"
    tiny.edit(gen, "    made =", "    assert not any('gen_x' in e for e in entries)\n    made =")
    files = tiny.files()
    with pytest.raises(GeneratorError, match="AssertionError"):
        run(tiny, files)
    files.additions = Additions((), ["gen_*"])
    assert run(tiny, files)["annotated_fn_args.py"] == f"{BY}{' '.join(NAMES)}\n"


@pytest.mark.parametrize("raised", ["1 / 0", "raise SystemExit(3)"])
def test_what_a_generator_raises_is_told_as_upstream_tells_it(raised: str, tiny: Tiny) -> None:
    tiny.edit(tiny.generator("gen_variable_factories"), "    files =", f"    {raised}\n    files =")
    with pytest.raises(GeneratorError, match="gen_variable_factories") as told:
        run(tiny)
    assert told.value.lines[0] == "Traceback (most recent call last):"
    assert "derivload" not in "".join(line for line in told.value.lines if "File" in line)


def test_a_file_that_selects_nothing_is_told_without_a_traceback(tiny: Tiny) -> None:
    path = tiny.root / "selected.yaml"
    path.write_text("3\n", "utf-8")
    with pytest.raises(SelectionError) as told:
        run(tiny, selection=Selection(selected_op_list_path=str(path)))
    assert told.value.lines == []


class Entered(StandIns):
    """Nothing that stands in; how often it would."""

    count = 0

    def __enter__(self) -> None:
        self.count += 1
        super().__enter__()


def test_modules_that_are_imported_already_are_used(tiny: Tiny) -> None:
    expected = run(tiny)
    modules = Modules(tiny.upstream)
    stand_ins = Entered(tiny.upstream)
    assert run(tiny, imported=(modules, stand_ins)) == expected
    assert stand_ins.count == 1
    modules = Modules(tiny.upstream)
    upstream, tiny.upstream = tiny.upstream, tiny.upstream._replace(is_running=True)
    assert run(tiny, imported=(modules, stand_ins)) == expected
    assert stand_ins.count == 1, "the loader of a script looks at what was replaced"
    tiny.upstream = upstream
    main: Any = modules.generators["gen_autograd"]
    assert main.load_derivatives.__module__ == "tools.autograd.load_derivatives"
    assert "tools.autograd.gen_autograd" not in sys.modules


def test_files_of_all_folders_are_found(tmp_path: Path) -> None:
    (tmp_path / "sub" / "empty").mkdir(parents=True)
    (tmp_path / "a").write_bytes(b"\xff")
    (tmp_path / "sub" / "b").write_bytes(b"")
    assert contents_of(str(tmp_path)) == {"a": b"\xff", str(Path("sub", "b")): b""}


def test_whether_the_rules_of_a_tree_are_known() -> None:
    def files(**changes: Any) -> Files:
        made = Files("d", ["n"], "t", "2.15")
        made.tree, made.rules = TreePlace("r", "t", "a"), Rules("k", "2.15")
        for name, value in changes.items():
            setattr(made, name, value)
        return made

    assert has_known_rules(files()) is True
    for changes in (
        {"tree": None},
        {"rules": None},
        {"rules": Rules("k", "2.15", "unknown")},
        {"native_functions": ("n", "o")},
        {"more_derivatives": ("m",)},
        {"additions": Additions((), ["x"])},
    ):
        assert has_known_rules(files(**changes)) is False, changes
