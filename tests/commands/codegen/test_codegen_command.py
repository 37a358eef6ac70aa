"""The ends that `derivload codegen` takes one after the other, and what it says of each.

All runs are of the generators of `support/tiny_torchgen.py`, in this process.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from derivload.cli import main
from derivload.commands.codegen.command import codegen
from derivload.outputs.target import Target
from derivload.pytorch.codegen import generators
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import forget
from derivload.store.store import Store
from derivload.terminal import progress
from support.tiny_runs import Tiny, known, tiny
from support.tiny_torchgen import definition

__all__ = ["known", "tiny"]  # fixtures

FILES = """
    Functions.cpp Functions.h VariableTypeEverything.cpp VariableType_0.cpp VariableType_1.cpp
    annotated_fn_args.py factories.h python_methods.cpp
""".split()
BEGUN = ["store", "inputs", "recall"]
LOADED = ["find", "import", "restore", "load", "render", "state", "keep", "generate", "write"]


class Said(NamedTuple):
    """How a run ended, its stats, and what it printed."""

    status: int
    stats: dict[str, Any]
    out: str
    err: str

    @property
    def exit(self) -> Any:
        return self.stats.get("exit")

    @property
    def steps(self) -> list[str]:
        return [*self.stats["seconds"]]

    @property
    def changed(self) -> int:
        return int(self.stats["counts"]["written"])


Run = Callable[..., Said]


@pytest.fixture
def run(known: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `derivload codegen` on the tree, with a cache beside it, into a folder."""

    def run_once(*more: str, out: str = "out") -> Said:
        named = ["codegen", "--pytorch", str(known.root), "--torch-version", "2.15"]
        named += ["--cache-dir", str(tmp_path / "cache"), "--out-dir", str(tmp_path / out)]
        if "--list-outputs" not in more:
            named += ["--jobs", "1", "--stats", "json"]
        try:
            status = main([*named, *more])
        finally:
            forget()
        printed, err = capsys.readouterr()
        stats = json.loads(printed) if printed.startswith("{") else {}
        return Said(status, stats, printed, err.replace(f"{tmp_path}/", ""))

    return run_once


def there(out: Path) -> dict[str, bytes]:
    """The generated files of a folder."""
    return {path.name: path.read_bytes() for path in out.glob("[!.]*")}


def test_each_end_is_told_with_its_steps(known: Tiny, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cold = run()
    assert (cold.status, cold.exit, cold.stats["rules"]) == (0, "cold", "2.15")
    assert cold.stats["counts"] == {
        "written": 8,
        "unchanged": 0,
        "removed": 0,
        "functions": 3,
        "processes": 1,
    }
    assert cold.steps == [*BEGUN, *LOADED]
    assert cold.err.startswith("derivload: out: wrote 8 files: ")
    assert cold.err.endswith(" and 5 more\n")
    assert cold.err.count(",") == 2
    every = run("--verbose", out="all").err.splitlines()[-1]
    assert all(name in every for name in FILES)
    assert sorted(there(out)) == FILES
    assert run().exit == "up-to-date"
    # What is gone is made of what is known.
    (out / "Functions.cpp").unlink()
    stored = run()
    assert (stored.exit, stored.changed) == ("stored", 1)
    assert stored.steps == [*BEGUN, "find", "generate", "write", "keep"]
    assert stored.err == "derivload: out: wrote Functions.cpp\n"
    # A comment moves nothing.
    known.edit(known.derivatives, "- name: gild", "# A comment.\n- name: gild")
    recalled = run()
    assert (recalled.exit, recalled.changed) == ("stored", 0)
    assert recalled.steps == [*BEGUN, "write", "keep"]
    assert recalled.err == "derivload: out: up to date\n"
    known.edit(known.derivatives, "grad_of_gild", "mine")
    edited = run()
    assert (edited.exit, edited.changed) == ("incremental", 2)
    assert edited.steps == [*BEGUN, *LOADED]
    assert there(out) == known.plain()


def test_warnings_of_what_is_recalled_are_told_where_they_were_not(known: Tiny, run: Run) -> None:
    known.edit(known.derivatives, "grad_of_gild(grad)", "grad * lustre")
    first = run()
    assert "warning[DL602]: `lustre` is not an argument" in first.err
    assert "derivload: 1 warning\n" in first.err
    known.edit(known.derivatives, "- name: gild", "# A comment.\n- name: gild")
    assert run().err == "derivload: out: up to date\n"
    assert "derivload: 1 warning\n" in run(out="other").err
    assert run("--ignore", "DL602", out="third").err.count("\n") == 1
    known.edit(known.derivatives, "# A comment.\n", "")
    told = run(out="third")
    assert told.exit == "stored"
    assert told.err.endswith("derivload: 1 warning\nderivload: third: up to date\n")


def test_what_a_run_depends_on_is_in_its_depfile_and_an_edit_to_it_is_seen(
    known: Tiny, run: Run, tmp_path: Path
) -> None:
    selected = tmp_path / "selected.yaml"
    selected.write_text("a: 1\n", "utf-8")
    options = ["--depfile", str(tmp_path / "deps")]
    options += ["--selected-op-list-path", str(selected), "--disable-autograd"]
    assert run(*options).exit == "cold"
    targets, _, depends = (tmp_path / "deps").read_text("utf-8").partition(":")
    assert sorted(Path(name).name for name in targets.split()) == [
        name for name in FILES if not name.startswith("VariableType")
    ]
    names = ["derivatives.yaml", "native_functions.yaml", "tags.yaml", "selected.yaml"]
    names += ["deprecated.yaml", "gen_autograd.py", "Functions.cpp", "selector.py"]
    for name in names:
        assert f"/{name} " in f"{depends} ".replace("\\\n", "").replace("\n", " "), name
    for path in (selected, known.autograd / "deprecated.yaml", known.generator("gen_trace_type")):
        assert run(*options).exit == "up-to-date"
        path.write_text(f"{path.read_text('utf-8')}# Mine.\n", "utf-8")
        assert run(*options).exit != "up-to-date", path
    assert run(*options).exit == "up-to-date"


READING = """
    import os
    seen = [os.listdir(FOLDER), os.environ.get("TINY")]
    try:
        open(os.path.join(FOLDER, "below", "absent")).close()
    except OSError:
        pass
    files = """


def test_what_a_generator_looked_at_when_it_ran_counts_too(
    known: Tiny, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    reading = READING.replace("FOLDER", repr(str(folder)))
    known.edit(known.generator("gen_variable_factories"), "    files = ", reading)
    newer = run("--torch-version", "2.99").err.partition("\n")[0]
    assert newer.startswith("derivload: note: torch 2.99 is newer than derivload knows; following")
    assert "; upstream's generators ran in their own way, for everything: " in newer
    assert [run().exit, run().exit] == ["plain", "up-to-date"]
    (folder / "below").mkdir()
    assert [run().exit, run().exit] == ["plain", "up-to-date"]
    (folder / "below" / "absent").touch()
    assert [run().exit, run().exit] == ["plain", "up-to-date"]
    (folder / "listed").touch()
    assert [run().exit, run().exit] == ["plain", "up-to-date"]
    monkeypatch.setenv("TINY", "1")
    assert [run().exit, run().exit] == ["plain", "up-to-date"]


def test_files_can_be_listed_and_one_of_them_put_elsewhere(run: Run, tmp_path: Path) -> None:
    listed = run("--list-outputs")
    assert (listed.status, listed.err) == (0, "")
    assert listed.out.split() == FILES
    options = ("--install-dir", str(tmp_path / "site"))
    elsewhere = tmp_path / "site" / "annotated_fn_args.py"
    made = run(*options, "--depfile", str(tmp_path / "deps"))
    assert (made.status, made.changed) == (0, 8)
    assert made.err.startswith("derivload: out: wrote 8 files: ")
    assert str(elsewhere) in (tmp_path / "deps").read_text("utf-8").partition(":")[0]
    assert sorted(there(tmp_path / "out")) == [name for name in FILES if name != elsewhere.name]
    text = elsewhere.read_text("utf-8")
    assert run(*options, "--depfile", str(tmp_path / "deps")).exit == "up-to-date"
    elsewhere.write_text("mine", "utf-8")
    again = run(*options)
    assert again.err == "derivload: out: wrote site/annotated_fn_args.py\n"
    assert (again.changed, again.stats["counts"]["unchanged"]) == (1, 7)
    assert elsewhere.read_text("utf-8") == text
    assert run("--list-outputs", *options).out.split() == sorted(
        [*(name for name in FILES if name != elsewhere.name), str(elsewhere)],
        key=lambda name: Path(name).name,
    )


def test_what_generators_of_another_form_write_is_not_known(known: Tiny, run: Run) -> None:
    known.edit(known.generator("gen_autograd"), "def gen_autograd_python", "def another")
    listed = run("--list-outputs")
    assert (listed.status, listed.out) == (2, "")
    told = "derivload: error: derivload does not know generators of this form: "
    assert listed.err.startswith(told)


def test_what_is_wrong_leaves_the_files_as_they_were(known: Tiny, run: Run, tmp_path: Path) -> None:
    assert run().status == 0
    before = there(tmp_path / "out")
    known.edit(known.derivatives, "- name: smelt", "- name: x\n- name: smelt")
    failed = run()
    assert (failed.status, failed.out) == (1, "")
    assert failed.err.endswith("derivload: 1 error; nothing was written\n")
    known.edit(known.derivatives, "- name: x\n", "")
    factories = known.generator("gen_variable_factories")
    known.edit(factories, "    files = ", "    1 / 0\n    files = ")
    failed = run()
    assert failed.status == 1
    assert failed.err.splitlines()[-2:] == [
        "ZeroDivisionError: division by zero",
        "derivload: a generator of PyTorch failed; nothing was written",
    ]
    known.edit(factories, "1 / 0\n    ", "")
    selected = tmp_path / "selected"
    selected.write_text("a: [", "utf-8")
    for more in ((), ("--list-outputs",)):
        failed = run("--selected-op-list-path", str(selected), *more)
        assert failed.status == 1
        assert failed.err.startswith("derivload: error: selected does not select operators")
        assert failed.err.endswith("; nothing was written\n")
    templates = f"{known.root.name}/tools/autograd/templates"
    failed = run(out=templates)
    assert failed.status == 2
    assert " would overwrite the input " in failed.err
    known.generator("gen_autograd").unlink()
    failed = run()
    assert failed.status == 2
    assert failed.err.startswith("derivload: error: PyTorch's generators cannot be found: ")
    assert there(tmp_path / "out") == before


def test_a_mistake_that_no_generator_tells_well_is_told_for_it(
    known: Tiny, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.edit(known.derivatives, "grad_of_gild(grad)", "grad * self.sizes()")
    factories = known.generator("gen_variable_factories")
    known.edit(factories, "    files = ", "    1 / 0\n    files = ")
    monkeypatch.setattr(generators, "KNOWN", {known.job().sources.of_packages: "2.15"})
    failed = run()
    assert failed.status == 1
    assert "derivatives.yaml:2:20: error[DL420]: a formula cannot use `sizes`" in failed.err
    assert failed.err.endswith("derivload: 1 error; nothing was written\n")


class Shared(Store):
    """A store with a remote cache that is a table."""

    pushes = True

    def __init__(self, folder: Path, remote: dict[bytes, dict[bytes, bytes]]) -> None:
        super().__init__(str(folder))
        self.table = remote

    def pull(self, name: bytes) -> dict[bytes, bytes] | None:
        return self.table.get(name)

    def push(self, name: bytes, values: Mapping[bytes, bytes]) -> None:
        self.table[name] = dict(values)


def test_the_files_of_a_run_are_shared(known: Tiny, tmp_path: Path) -> None:
    remote: dict[bytes, dict[bytes, bytes]] = {}

    def make(name: str) -> str:
        folder = tmp_path / name
        target = Target(str(folder / "out"), install_dir=str(folder / "site"))
        with closing(Shared(folder / "cache", remote)) as store:
            done = codegen(known.files(), Selection(), target, None, lambda: store, jobs=1)
        forget()
        return done.exit

    def packs() -> int:
        return sum(b"file Functions.h" in values for values in remote.values())

    assert (make("one"), packs()) == ("cold", 1)
    assert (make("two"), packs()) == ("stored", 1)
    for folder in ("out", "site"):
        assert there(tmp_path / "one" / folder) == there(tmp_path / "two" / folder)
    # Inputs that are read as a whole are known by no entry.
    known.derivatives.write_text("[]\n", "utf-8")
    assert (make("one"), packs()) == ("cold", 1)
    known.edit(known.derivatives, "[]", definition("gild", "grad"))
    assert (make("one"), packs()) == ("cold", 2)
    source = known.generator("gen_trace_type")
    source.write_text("X = 1\n", "utf-8")
    assert (make("one"), packs()) == ("plain", 2)


def test_what_a_generator_prints_goes_to_stderr(known: Tiny, run: Run) -> None:
    known.edit(known.generator("gen_autograd"), "import os\n", "import os\nprint('it prints')\n")
    for more in ((), ("--list-outputs",)):
        done = run("--no-settings", *more)
        assert "it prints\n" in done.err
        assert "it prints" not in done.out


def test_files_that_are_no_longer_made_are_removed(known: Tiny, run: Run, tmp_path: Path) -> None:
    run()
    (tmp_path / "out" / "mine.h").touch()
    known.edit(known.generator("gen_autograd"), "num_shards=2", "num_shards=1")
    done = run()
    assert done.stats["counts"]["removed"] == 1
    assert "; removed VariableType_1.cpp" in done.err
    assert sorted(there(tmp_path / "out")) == sorted(
        ["mine.h", *(name for name in FILES if name != "VariableType_1.cpp")]
    )


def test_what_is_edited_while_it_is_read_is_read_again(
    known: Tiny, run: Run, tmp_path: Path
) -> None:
    source = known.generator("gen_variable_factories")
    edit = f"with open({str(source)!r}, 'a') as file:\n    file.write('# Edited.\\n')\n"
    known.edit(source, "\ndef gen_variable", f"\n{edit}\ndef gen_variable")
    assert [run().exit, run().exit] == ["plain", "plain"]
    assert [*(tmp_path / "out").glob(".*")]
    known.edit(source, edit, "")
    assert run().status == 0
    assert run().exit == "up-to-date"
    assert [path.name for path in (tmp_path / "out").glob(".*")] == [".derivload-stamp-all"]


class Lines:
    """What is told of a run that lasts."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def tell(self, what: str, done: int, total: int, *, is_long: bool) -> None:
        self.told.append((what, done, total))

    def hide(self) -> None: ...


def test_what_is_done_is_told_meanwhile(
    known: Tiny, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    known.edit(known.derivatives, "grad_of_gild", "mine")
    lines: Any = Lines()
    monkeypatch.setattr(progress, "_lines", [lines])
    run()
    told = lines.told
    assert told[0] == ("loading the definitions", 0, 0)
    writing = [each for each in told if each[0].startswith("writing ")]
    assert {what for what, _, _ in writing} == {"writing Functions.h", "writing Functions.cpp"}
    assert [each[1:] for each in writing] == [(0, 2), (1, 2)]
