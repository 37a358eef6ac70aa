"""Files that are kept up to date from load to load, in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from derivload.commands.codegen.command import codegen
from derivload.commands.codegen.live import LiveCodegen
from derivload.commands.codegen.upstream import consult_generators, find_upstream
from derivload.loading.errors import InputError, UsageError
from derivload.loading.paths import Files
from derivload.outputs.target import Target
from derivload.pytorch.codegen import generators
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import forget
from derivload.sources.additions import Additions
from derivload.store.store import Store
from support.tiny_runs import Tiny, known, tiny

__all__ = ["known", "tiny"]  # fixtures


class Live:
    """Loads of a tree into a folder, and what they consult."""

    def __init__(self, tree: Tiny, folder: Path) -> None:
        self.tree = tree
        self.version = "2.15"
        self.out = folder / "out"
        self.selected = folder / "selected.yaml"
        self.selected.write_text("a: 1\n", "utf-8")
        self.selection = Selection(selected_op_list_path=str(self.selected))
        self.store = Store(str(folder / "cache"))
        self.begin()

    def begin(self) -> None:
        """Begin again, as a new process does."""
        self.live = LiveCodegen(str(self.out), self.selection, self.store)

    def look(self) -> Files:
        """The files, with all that they depend on."""
        files = self.tree.files()
        files.version = self.version
        consult_generators(files, self.selection, self.live.sources)
        return files

    def load(self) -> tuple[str, list[str]]:
        """Load, write and settle: how that ended, and the names of what was written."""
        files = self.look()
        prepared = self.live.load(files, list(files.read()))
        assert len(prepared.lines.functions) == 3
        done = prepared.write()
        self.note, self.warnings = done.note, done.warnings
        self.live.settle()
        return done.exit, sorted(done.written.written)

    def codegen_generates(self) -> bool:
        """Whether `derivload codegen` with this store begins its generators for these files."""
        given = (self.tree.files(), self.selection, Target(str(self.out)), None)
        try:
            return "generate" in codegen(*given, lambda: self.store, jobs=1).seconds
        finally:
            forget()


@pytest.fixture
def live(known: Tiny, tmp_path: Path) -> Iterator[Live]:
    made = Live(known, tmp_path)
    with closing(made.store):
        yield made


def test_only_what_changed_is_written(live: Live) -> None:
    exit_, written = live.load()
    assert (exit_, len(written), live.note) == ("cold", 8, "")
    assert live.load() == ("incremental", [])
    live.tree.edit(live.tree.derivatives, "grad_of_gild(grad)", "grad * lustre")
    assert live.load() == ("incremental", ["Functions.cpp", "Functions.h"])
    assert live.warnings.new == 1
    live.tree.edit(live.tree.templates / "factories.h", "$ops", "$ops// More.\n")
    assert live.load() == ("incremental", ["factories.h"])
    assert (live.warnings.new, live.warnings.others) == (0, 1)
    (live.out / "Functions.h").write_text("mine", "utf-8")
    assert live.load() == ("incremental", ["Functions.h"])
    live.tree.edit(live.tree.generator("gen_autograd"), "num_shards=2", "num_shards=1")
    _, written = live.load()
    assert "VariableType_0.cpp" in written
    assert "VariableType_1.cpp" not in written


def test_a_new_process_begins_where_the_last_one_ended(live: Live) -> None:
    live.load()
    before = live.look()
    live.begin()
    assert live.load() == ("cold", [])
    assert live.look().consulted == before.consulted
    assert not live.codegen_generates()
    live.live.settle()  # there is nothing more
    assert not live.codegen_generates()
    # What is not read entry by entry is not known by the digests of entries.
    live.tree.derivatives.write_text("[]\n", "utf-8")
    live.load()
    assert live.codegen_generates()


READING = """
    import os
    seen = [os.listdir(FOLDER), open(BESIDE).close()]
    try:
        open(os.path.join(FOLDER, "absent"))
    except FileNotFoundError:
        print("it prints")
    files = """


def test_what_the_generators_turn_out_to_read_is_looked_at_from_then_on(
    live: Live, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    beside = tmp_path / "beside.txt"
    beside.touch()
    reading = READING.replace("FOLDER", repr(str(folder))).replace("BESIDE", repr(str(beside)))
    live.tree.edit(live.tree.generator("gen_variable_factories"), "    files = ", reading)
    assert not live.live.has_learned
    files = live.look()
    assert not live.live.has_learned
    read = {Path(path).name for path, _ in files.consulted}
    expected = {"deprecated.yaml", "gen_autograd.py", "Functions.cpp", "selected.yaml", "model.py"}
    assert expected <= read
    assert "beside.txt" not in read
    live.load()
    assert capsys.readouterr().out == ""
    assert live.live.has_learned
    files = live.look()
    assert (str(beside), b"") in files.consulted
    assert str(folder / "absent") in files.absent
    assert [pattern for pattern, _ in files.listed if pattern.startswith(str(folder))]
    assert not live.live.has_learned
    own_way = "upstream's generators ran in their own way, for everything: "
    assert live.note.startswith(own_way)
    live.version = "2.99"
    live.load()
    assert live.note.startswith("torch 2.99 is newer than derivload knows; following 2.15; ")
    assert f"; {own_way}" in live.note


def test_sources_are_consulted_without_their_reading_too(live: Live) -> None:
    files = live.tree.files()
    consult_generators(files, live.selection)
    assert files.consulted == live.look().consulted
    files.additions = Additions(["Mine"])
    found = find_upstream(files)
    assert [*found.dispatch_keys] == ["Mine"]
    assert found.additions != find_upstream(live.tree.files()).additions
    (live.tree.templates / "link").symlink_to("nowhere")
    consult_generators(live.tree.files(), live.selection)
    live.tree.generator("gen_autograd").unlink()
    with pytest.raises(UsageError, match=r"^PyTorch's generators cannot be found: "):
        find_upstream(live.tree.files())


def test_a_mistake_that_a_generator_only_fails_of_is_told(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.tree.edit(live.tree.derivatives, "grad_of_gild(grad)", "grad * self.sizes()")
    factories = live.tree.generator("gen_variable_factories")
    live.tree.edit(factories, "    files = ", "    1 / 0\n    files = ")
    monkeypatch.setattr(generators, "KNOWN", {live.tree.job().sources.of_packages: "2.15"})
    with pytest.raises(InputError) as raised:
        live.load()
    assert [each.code for each in raised.value.diagnostics] == ["DL420"]


def test_outputs_are_no_inputs(live: Live) -> None:
    live.out = live.tree.templates
    live.begin()
    files = live.look()
    with pytest.raises(UsageError, match=" would overwrite the input "):
        live.live.load(files, list(files.read()))


def test_sources_count_as_they_are_now_whether_or_not_somebody_looks_first(live: Live) -> None:
    live.load()
    live.load()  # from now on it is known what the generators read
    live.tree.edit(live.tree.generator("gen_autograd"), "num_shards=2", "num_shards=1")
    files = live.tree.files()
    files.version = live.version
    written = live.live.load(files, list(files.read())).write().written
    assert "VariableType_0.cpp" in written.written
