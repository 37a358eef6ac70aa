"""Generators that run for what changed, on a tree of a few lines (`support/tiny_torchgen.py`)."""

from __future__ import annotations

import time
from hashlib import sha256
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

import pytest

from derivload.modules import CLEARLY
from derivload.pytorch.codegen import content, generators, workers
from derivload.pytorch.codegen.file_names import list_files
from derivload.pytorch.codegen.job import Head, Job, find_head
from derivload.pytorch.codegen.selection import Selection
from support.copies import children
from support.tiny_runs import Stored, Tiny, known, tiny
from support.tiny_torchgen import NAMES, definition, native

__all__ = ["known", "tiny"]  # fixtures

FILES: Final = """
    Functions.cpp Functions.h VariableTypeEverything.cpp VariableType_0.cpp VariableType_1.cpp
    annotated_fn_args.py factories.h python_methods.cpp
""".split()


def test_files_are_those_of_upstreams_own_way(tiny: Tiny) -> None:
    exit_, made = tiny.run()
    assert exit_ == "cold"
    assert made == tiny.plain()
    assert sorted(made) == FILES
    assert tiny.run() == ("stored", made)


def test_known_generators_make_the_same(known: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = known.plain()
    monkeypatch.setattr(generators, "run_plain", None)
    assert known.run() == ("cold", expected)


def test_what_a_script_has_imported_is_not_known(known: Tiny) -> None:
    upstream = known.upstream
    for is_running in (False, True):
        known.changes = {"upstream": upstream._replace(is_running=is_running)}
        assert known.new()._upstream.is_known is not is_running
    known.edit(known.generator("gen_variable_factories"), "make", "build")
    known.changes = {}
    assert not known.new()._upstream.is_known


def test_an_edit_costs_what_it_touches(tiny: Tiny) -> None:
    _, before = tiny.run()
    one = tiny.new()
    tiny.edit(tiny.derivatives, "grad_of_gild(grad)", "other(grad)")
    made = tiny.make(one)
    assert (made.exit, made.counts) == ("incremental", {"functions": 1, "processes": 1})
    changed = [name for name, sha in made.files.items() if not sha]
    assert sorted(changed) == ["Functions.cpp", "Functions.h"]
    assert made.files["factories.h"] == sha256(before["factories.h"]).hexdigest()
    (_, data, sha), _ = made.contents(changed)
    assert sha == sha256(data).hexdigest()
    _, after = tiny.run(one)
    assert [name for name in after if after[name] != before[name]] == [
        "Functions.h",
        "Functions.cpp",
    ]
    assert after == tiny.plain()


def test_a_new_function_has_its_shard_rendered(tiny: Tiny) -> None:
    tiny.run()
    tiny.edit(tiny.natives, "- func: quench(", native("temper") + "\n- func: quench(")
    left = {name for name, sha in tiny.make().files.items() if not sha}
    own = f"VariableType_{sum(map(ord, 'temper')) % 2}.cpp"
    assert {name for name in left if "Variable" in name} == {"VariableTypeEverything.cpp", own}
    assert "Functions.h" not in left


OUT: Final = """
- func: melt(Tensor self) -> Tensor
  structured_delegate: melt.out

- func: melt.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  structured: True
  dispatch:
    CPU: melt_out
"""


def test_functions_that_a_delegate_links_are_generated_together(tiny: Tiny) -> None:
    text = tiny.natives.read_text("utf-8").replace(
        "  dispatch:\n    CPU: quench\n", "  structured_delegate: melt.out\n"
    )
    tiny.natives.write_text(text + OUT, "utf-8")
    tiny.run()
    tiny.edit(tiny.natives, "CPU: melt_out", "CPU: molten")
    assert tiny.make().counts["functions"] == 3
    assert tiny.run()[1] == tiny.plain()


EDITS: Final = {
    "a comment": ("derivatives", "- name: gild", "# x\n- name: gild"),
    "a formula": ("derivatives", "grad_of_smelt(grad)", "grad"),
    "a comment of a function": ("natives", "- func: smelt", "# x\n- func: smelt"),
    "a kernel": ("natives", "CPU: smelt", "CPU: molten"),
    "no definition": ("derivatives", definition("quench", "grad_of_quench(grad)"), ""),
    "another place": ("natives", native("gild"), ""),
    "a function": ("natives", "- func: quench(", native("temper") + "\n- func: quench("),
}


@pytest.mark.parametrize(
    ("edit", "is_known"), [*((edit, False) for edit in EDITS), ("a formula", True)]
)
def test_after_an_edit_files_are_those_of_upstream(
    edit: str, is_known: bool, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_known:
        monkeypatch.setattr(generators, "KNOWN", {tiny.job().sources.of_packages: "2.15"})
    tiny.run()
    name, old, new = EDITS[edit]
    path = tiny.derivatives if name == "derivatives" else tiny.natives
    tiny.edit(path, old, new)
    if edit == "another place":
        path.write_text(path.read_text("utf-8") + "\n" + native("gild"), "utf-8")
    expected = tiny.plain()
    one = tiny.new()
    exit_, made = tiny.run(one)
    assert made == expected
    assert exit_ in ("incremental", "stored")
    assert tiny.run(one) == tiny.run() == ("stored", expected)


def test_deprecated_functions_and_tags_are_inputs_too(tiny: Tiny) -> None:
    tiny.run()
    (tiny.autograd / "deprecated.yaml").write_text("- name: gild(x)\n  aten: gild(x)\n")
    made = tiny.make()
    assert (made.exit, made.counts["functions"]) == ("incremental", 1)
    assert tiny.run()[1] == tiny.plain()
    tiny.edit(tiny.tags, "core", "mine")
    made = tiny.make()
    assert (made.exit, made.counts["functions"]) == ("incremental", 0)
    assert tiny.run()[1] == tiny.plain()


def test_an_edited_template_has_only_its_files_rendered(tiny: Tiny) -> None:
    tiny.run()
    tiny.edit(tiny.templates / "VariableType.cpp", "$ops", "$ops// end\n")
    made = tiny.make()
    assert (made.exit, made.counts["functions"]) == ("incremental", 0)
    assert sorted(n for n, sha in made.files.items() if not sha) == FILES[2:5]
    assert tiny.run()[1] == tiny.plain()
    tiny.edit(tiny.templates / "Functions.cpp", "$ops", "")
    assert tiny.make().exit == "cold"  # its pieces are others


def test_an_edited_generator_has_everything_generated(tiny: Tiny) -> None:
    one = tiny.new()
    tiny.run(one)
    assert one.is_for(tiny.job().with_kept_trace(tiny.store))
    tiny.edit(tiny.generator("gen_variable_factories"), "make", "build")
    assert not one.is_for(tiny.job().with_kept_trace(tiny.store))
    exit_, made = tiny.run()
    assert (exit_, made) == ("cold", tiny.plain())
    tiny.edit(tiny.templates / "factories.h", "$ops", "// $ops")
    assert not one.is_for(tiny.job())


def test_items_that_are_lost_are_made_again(tiny: Tiny) -> None:
    _, expected = tiny.run()
    tiny.edit(tiny.derivatives, "grad_of_gild(grad)", "other(grad)")
    for key in [key for key, value in tiny.store.items() if b"grad_of_gild" in value]:
        tiny.store[key] = b"\x90"
    assert tiny.make().exit == "cold"
    assert tiny.run()[1] == tiny.plain() != expected


def test_without_a_store_nothing_is_kept(tiny: Tiny) -> None:
    tiny.store = None
    one = tiny.new()
    exit_, made = tiny.run(one)
    assert (exit_, made) == ("cold", tiny.plain())
    assert tiny.run(one) == ("stored", made)
    assert tiny.run()[0] == "cold"


def test_a_subset_has_its_generators(tiny: Tiny) -> None:
    for subset, expected in (
        ("python", FILES[5:6]),
        ("pybindings", FILES[7:]),
        ("libtorch", [*FILES[:5], FILES[6]]),
        ("all", FILES),
    ):
        tiny.selection = Selection(subset)
        assert sorted(list_files(tiny.upstream, tiny.selection)) == expected
        exit_, made = tiny.run()
        assert (exit_, sorted(made)) == ("cold", expected)
        assert made == tiny.plain()
        if subset != "libtorch":
            continue
        tiny.natives.write_text("\n".join(native(name) for name in NAMES[::-1]), "utf-8")
        assert tiny.run()[1] == tiny.plain()


def test_many_functions_are_generated_in_several_processes(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [*NAMES, "temper", "anneal", "weld"]
    monkeypatch.setattr(workers, "_LEAST", 1)
    tiny.natives.write_text("\n".join(map(native, names)), "utf-8")
    tiny.derivatives.write_text("\n".join(definition(n, "grad") for n in names), "utf-8")
    expected = tiny.plain()
    before = children()
    for module in (generators, workers, content):
        monkeypatch.setattr(module, "can_fork", lambda: True)
    for is_known in (False, True):
        if is_known:
            tiny.store.clear()
            monkeypatch.setattr(generators, "KNOWN", {tiny.job().sources.of_packages: "2.15"})
        tiny.jobs = 2 if is_known else 3
        one = tiny.new()
        files = tiny.files()
        entries, lines, deprecated = tiny.load(files)
        with one.begun(files, entries):
            assert (one._ahead is not None) is is_known
            made = one.make(files, entries, lines, deprecated)
        assert made.exit == "cold"
        assert made.counts == {"functions": 6, "processes": 2}
        assert {name: data for name, data, _ in made.contents([*made.files])} == expected
        assert one.settle(b"", "")
        with tiny.new().begun(files, entries):
            assert children() == before  # all that it makes is there
    assert children() == before


def test_what_was_begun_ahead_ends_with_it(known: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generators, "can_fork", lambda: True)
    monkeypatch.setattr(workers, "can_fork", lambda: True)
    monkeypatch.setattr(workers, "_LEAST", 1)
    before = children()
    files = known.files()
    for known.jobs in (1, 2):
        one = known.new()
        with one.begun(files, known.load(files)[0]):
            assert (one._ahead is not None) == (known.jobs > 1)
    with pytest.raises(ZeroDivisionError), known.new().begun(files, known.load(files)[0]):
        1 / 0  # noqa: B018
    assert children() == before


def test_what_generators_read_is_in_the_job(tiny: Tiny) -> None:
    tiny.edit(
        tiny.generator("gen_variable_factories"),
        "    files =",
        "    import os\n    with open(os.path.dirname(__file__) + '/../../note') as file:\n"
        "        note = file.read()\n    os.environ.get('MINE')\n    files =",
    )
    tiny.edit(tiny.generator("gen_variable_factories"), "make {f.func}", "{note} {f.func}")
    (tiny.root / "note").write_text("one")
    time.sleep(2 * CLEARLY / 1e9)
    one = tiny.new()
    made = tiny.make(one)
    assert one.settle(b"in", "")
    assert "./note" in one.job.trace.files
    assert "MINE" in one.job.trace.variables
    assert not any(name in one.job.trace.files for name in ("./torchgen/gen.py", "./aten"))
    assert made.exit == "cold"
    assert tiny.run()[0] == "stored"
    (tiny.root / "note").write_text("two")
    time.sleep(2 * CLEARLY / 1e9)
    assert tiny.run() == ("cold", tiny.plain())


def test_what_was_read_for_the_first_time_moves_what_is_kept(tiny: Tiny) -> None:
    path = tiny.generator("gen_variable_factories")
    old = "    files.write"
    ask = "os.environ.get('MINE') for f in functions if 'temper' in str(f.func)"
    asked = f"    import os\n    [{ask}]\n"
    tiny.edit(path, old, asked + old)
    tiny.run()
    assert tiny.new().job.trace.variables == set()
    tiny.edit(tiny.natives, "- func: quench(", native("temper") + "\n- func: quench(")
    assert tiny.run()[0] == "incremental"
    assert tiny.new().job.trace.variables == {"MINE"}
    tiny.edit(tiny.derivatives, "grad_of_gild(grad)", "other(grad)")
    made = tiny.make()
    assert (made.exit, made.counts["functions"]) == ("incremental", 1)
    assert {name: data for name, data, _ in made.contents([*made.files])} == tiny.plain()


def test_a_file_that_is_edited_meanwhile_is_read_again(tiny: Tiny) -> None:
    path = tiny.generator("gen_variable_factories")
    lines = ("import os", "note = os.path.dirname(__file__) + '/../../note'", "open(note).close()",
             "if os.path.exists(note + '2'):", "    os.rename(note + '2', note)")  # fmt: skip
    asked = "".join(f"    {line}\n" for line in lines)
    tiny.edit(path, "    files.write", f"{asked}    files.write")
    for name in ("note", "note2"):
        (tiny.root / name).touch()
    one = tiny.new()
    made = tiny.make(one)
    assert not one.settle(b"in", made.note)
    time.sleep(2 * CLEARLY / 1e9)
    one = tiny.new()
    made = tiny.make(one)
    assert one.settle(b"in", made.note)


def test_a_source_that_is_edited_meanwhile_is_not_settled(tiny: Tiny) -> None:
    one = tiny.new()
    made = tiny.make(one)
    edited, other = map(tiny.generator, ("gen_variable_factories", "gen_autograd"))
    tiny.edit(edited, "make", "build")
    compiled = [Path(cache_from_source(str(path))) for path in (edited, other)]
    assert [path.exists() for path in compiled] == [True, True]
    assert not one.settle(b"in", made.note)
    assert [path.exists() for path in compiled] == [False, True]
    assert tiny.store.keys() <= {
        k for k, v in tiny.store.items() if v.startswith((b"f", b"d", b"v"))
    }
    assert find_head(tiny.store, tiny.job().digest()) == Head(b"", "", {})


def test_a_settled_run_has_a_summary(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    one = tiny.new()
    _, made = tiny.run(one)
    head = find_head(tiny.store, one.job.digest())
    assert (head.inputs, head.note) == (b"inputs", "")
    assert head.files == {name: sha256(data).hexdigest() for name, data in made.items()}
    tiny.store.clear()
    monkeypatch.setattr(generators, "is_as_it_began", lambda: False)
    assert one.settle(b"inputs", "")
    assert tiny.store == {}


def test_pieces_go_to_another_container(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.store.pushes = True
    _, expected = tiny.run()
    remote = tiny.store.remote
    assert len(remote) == 2
    tiny.store = Stored(remote)
    tiny.changes = {"out_dir": "elsewhere"}
    assert tiny.run() == ("stored", expected)
    job: Job = tiny.job()
    assert job.with_kept_trace(tiny.store).trace == tiny.new().job.trace
    monkeypatch.setattr(Stored, "pull", None)  # all that the next run needs is here
    assert tiny.run() == ("stored", expected)
