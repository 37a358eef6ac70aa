"""The inputs of an editor: what is told after edits of a release is what `check` says."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from derivload.commands.check.find import find_mistakes
from derivload.commands.lsp.finding import definitions, places_of_argument
from derivload.commands.lsp.hover import hover
from derivload.commands.lsp.knowledge import Knowledge
from derivload.commands.lsp.workbench import Workbench
from derivload.editing.documents import Document, TextSpot
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.rules import RULES
from support.paths import CATALOGUE, FILES
from support.releases import Release
from support.rule_examples import files_of, of_generators, write_bad
from support.sessions import StoreInMemory

_TYPED = [*"aeglsx_ (){[]}:,.-#'\"|>*\n", "grads[1]", "foo(", ""]
_CHECKOUT = ("tools/autograd", "aten/src/ATen/native", "aten/src/ATen/native")


def opened(bench: Workbench, name: str) -> Document:
    document = bench.document(name)
    assert document is not None
    made = Document(Path(name).absolute().as_uri(), document.text, 1)
    bench.open(name, made)
    return made


@pytest.mark.release
def test_edits_of_a_release(
    longer: bool, seed: int, newest: str, release: Release, thinning: int
) -> None:
    random = Random(seed)
    steps = 200 if longer else max(2, 6 // thinning)
    files = find_files(pytorch=str(release(newest)))
    bench = Workbench(files, None, None)
    documents = {name: opened(bench, name) for name in files.paths[:2]}
    for step in range(steps):
        document = documents[random.choice([*documents])]
        line = random.randrange(document.last)
        start = random.randrange(len(document.line(line)) + 1)
        end = min(len(document.line(line)), start + random.choice([0, 0, 1, 9]))
        document.edit(TextSpot(line, start), TextSpot(line, end), random.choice(_TYPED))
        bench.changed()
        contents = [
            documents[name].content if name in documents else Path(name).read_bytes()
            for name in files.paths
        ]
        expected = find_mistakes(Request(files, contents), None).diagnostics
        assert bench.diagnostics() == expected, f"seed {seed}, step {step}"
        bench.settle()


@pytest.mark.parametrize(
    "code",
    [c for c, rule in RULES.items() if rule.severity == "warning" and not of_generators(c)],
)
def test_a_warning_moves_with_its_entry(code: str, tmp_path: Path) -> None:
    write_bad(code, tmp_path)
    files = files_of(tmp_path)
    bench = Workbench(files, None, None)
    documents = [opened(bench, name) for name in files.paths if name != files.tags]
    told: set[str] = set()
    for document in documents:
        # The lines above it, then a dash that is alone in its line, with a space and without.
        for line, start, end, text in (
            *((0, 0, 0, "# one\n# two\n"), (0, 0, 5, "# none"), (1, 0, 5, "")),
            *((2, 1, 2, "\n  "), (2, 1, 1, " "), (2, 1, 2, ""), (2, 1, 1, "   # a comment")),
        ):
            document.edit(TextSpot(line, start), TextSpot(line, end), text)
            bench.changed()
            contents = [
                one.content if isinstance(one := bench.document(name), Document) else b""
                for name in files.paths
            ]
            expected = find_mistakes(Request(files, contents), None).diagnostics
            assert bench.diagnostics() == expected, document.text
            told |= {one.code for one in expected}
    assert code in told


def test_a_session_begins_from_what_the_one_before_it_left() -> None:
    store = StoreInMemory()
    files = find_files(catalogue=True)
    for is_restored in (False, True):
        bench = Workbench(files, store, None)
        assert bench.diagnostics() == []
        session = bench.session()
        assert session is not None
        assert session.is_restored == is_restored
        bench.keep()
        bench.end()


def test_an_argument_is_renamed_in_its_own_entry_alone() -> None:
    """The one that follows has an argument of that name, too."""
    files = find_files(catalogue=True)
    bench = Workbench(files, None, None)
    document = bench.document(files.derivatives)
    assert document is not None
    lines = document.lines(0, document.last)
    first = next(n for n, line in enumerate(lines) if line.startswith("- name: gild("))
    knowledge = Knowledge(bench)
    scene = knowledge.scene(files.derivatives, TextSpot(first + 1, 2))
    assert scene is not None
    found = places_of_argument(knowledge, scene, "self")
    there = [place.line - first for place in found if place.file == files.derivatives]
    assert there == [0, 1, 2]


def make_checkout(folder: Path) -> Path:
    """A checkout of PyTorch with the catalogue, and a header that declares a function of it."""
    for name, place in zip(FILES, _CHECKOUT, strict=True):
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / name).write_bytes((CATALOGUE / name).read_bytes())
    header = folder / "torch/csrc/autograd/FunctionsManual.h"
    header.parent.mkdir(parents=True)
    header.write_text("#pragma once\n// braid_backward(…)\nTensor braid_backward(Tensor grad);\n")
    (folder / "version.txt").write_text("2.15.0\n")
    return folder


def test_a_function_of_cpp_leads_to_its_declaration_in_a_checkout(tmp_path: Path) -> None:
    files = find_files(pytorch=str(make_checkout(tmp_path)))
    bench = Workbench(files, None, None)
    document = bench.document(files.derivatives)
    assert document is not None
    lines = document.lines(0, document.last)
    number = next(n for n, line in enumerate(lines) if "braid_backward(" in line)
    spot = TextSpot(number, lines[number].index("braid_backward") + 2)
    knowledge = Knowledge(bench)
    scene = knowledge.scene(files.derivatives, spot)
    assert scene is not None
    (place,) = definitions(knowledge, scene)
    assert (Path(place.file).name, place.line, place.start) == ("FunctionsManual.h", 2, 7)
    told = hover(knowledge, scene)
    assert told is not None
    assert re.search("FunctionsManual.h", told.text)


def test_a_look_tells_whether_a_file_that_is_not_open_changed(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes((CATALOGUE / name).read_bytes())
    bench = Workbench(files_of(tmp_path), None, None)
    derivatives, *_, tags = bench.files.paths
    every = bench.files.paths
    assert not bench.look(every)
    before = bench.document(derivatives)
    assert before is not None
    assert (before.uri, bench.document(derivatives)) == ("", before)
    path = Path(derivatives)
    path.write_bytes(path.read_bytes() + b"# More.\n")
    assert [bench.look(every), bench.look(every)] == [True, False]
    after = bench.document(derivatives)
    assert after is not None
    assert after.text == before.text + "# More.\n"
    assert not bench.is_open(derivatives)
    opened(bench, derivatives)
    assert bench.is_open(derivatives)
    path.write_bytes(b"# Less.\n")
    assert not bench.look(every)
    Path(tags).unlink()
    assert [bench.look(every), bench.look(every)] == [True, False]
    assert bench.document(tags) is None
    bench.close(derivatives)
    closed = bench.document(derivatives)
    assert closed is not None
    assert closed.text == "# Less.\n"
    path.write_bytes(b"# \xff\n")
    assert bench.look([derivatives])
    broken = bench.document(derivatives)
    assert broken is not None
    assert broken.text == "# \N{REPLACEMENT CHARACTER}\n"
    bench.end()
