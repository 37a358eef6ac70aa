"""Files of backends, and sections of overlays, as commands take them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import derivload
from derivload.cli import main
from derivload.cpp.dialect import NEWEST
from derivload.engine.load import load_texts
from derivload.engine.session import Session
from derivload.engine.texts import Text, Texts
from support.backend_mutants import NATIVES, TAGS

HEAD = "backend: XLA\ncpp_namespace: workshop\n"
BACKEND = f"{HEAD}supported:\n- polish\n- dry\n"
DERIVATIVES = "- name: polish(Tensor self, Scalar grit) -> Tensor\n  self: grad * grit\n"
MIXED = (
    "backend: Workshop\nautograd:\n- dry\ncustom:\n- func: shine(Tensor self) -> Tensor\n"
    "custom_autograd:\n- func: shine_twice(Tensor self) -> Tensor\nvision:\n"
    "- func: peer(Tensor self) -> Tensor\nnotes: these are ours\nsupported:\n- polish\n"
)


class Inputs:
    """A folder with inputs, and a cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.write("derivatives.yaml", DERIVATIVES)
        self.write("native_functions.yaml", NATIVES)
        self.write("tags.yaml", TAGS)

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return str(path)

    def run(self, command: str, *more: str) -> int:
        named = [
            f"--{option}={self.folder / f'{file}.yaml'}"
            for option, file in (
                ("derivatives", "derivatives"),
                ("native-functions", "native_functions"),
                ("tags", "tags"),
            )
        ]
        out = [f"--out-dir={self.out}"] if command in ("emit", "watch") else []
        cache = f"--cache-dir={self.folder / 'cache'}"
        return main([command, *named, *out, cache, *more])

    def schemas(self) -> set[str]:
        functions = json.loads((self.out / "functions.json").read_text("utf-8"))["functions"]
        return {function["schema"].partition("(")[0] for function in functions}


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path)


def said(capsys: pytest.CaptureFixture[str], inputs: Inputs) -> list[str]:
    return capsys.readouterr().err.replace(f"{inputs.folder}/", "").splitlines()


def test_a_backends_file_changes_no_document(inputs: Inputs) -> None:
    assert inputs.run("emit") == 0
    before = (inputs.out / "functions.json").read_bytes()
    backend = inputs.write("backend.yaml", BACKEND)
    assert inputs.run("emit", "--backend-yaml", backend) == 0
    assert (inputs.out / "functions.json").read_bytes() == before


def test_its_mistakes_fail_a_run_whatever_is_in_the_cache(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = BACKEND, BACKEND.replace("- dry", "- dray")
    backend = inputs.write("backend.yaml", good)
    for text, status in ((good, 0), (bad, 1), (good, 0), (bad, 1), (f"{good}# x\n", 0)):
        inputs.write("backend.yaml", text)
        assert inputs.run("emit", "--backend-yaml", backend) == status
    assert inputs.run("emit") == 0  # the same without it
    inputs.write("backend.yaml", bad)
    capsys.readouterr()
    assert inputs.run("emit", "--backend-yaml", backend) == 1
    assert said(capsys, inputs)[:2] == [
        "backend.yaml:5:3: error[DL707]: there is no operator `dray`",
        "  5 | - dray",
    ]


def test_an_edit_to_the_functions_is_checked_too(inputs: Inputs) -> None:
    backend = inputs.write("backend.yaml", BACKEND)
    assert inputs.run("emit", "--backend-yaml", backend) == 0
    inputs.write("native_functions.yaml", NATIVES.replace("func: dry(", "func: drying("))
    assert inputs.run("emit", "--backend-yaml", backend) == 1
    inputs.write("native_functions.yaml", NATIVES.replace("CPU: sand", "CPU: sands"))
    assert inputs.run("emit", "--backend-yaml", backend) == 0
    # A kernel in native_functions.yaml for the backend's key.
    inputs.write("native_functions.yaml", NATIVES.replace("CPU: carve", "CPU: carve"))
    inputs.write("backend.yaml", BACKEND.replace("XLA", "CPU"))
    assert inputs.run("emit", "--backend-yaml", backend) == 1


def texts(natives: str, backend: str, derivatives: str = DERIVATIVES) -> Texts:
    return Texts(
        Text("d", derivatives),
        (Text("n", natives),),
        Text("t", TAGS),
        backends=(Text("b", backend),) if backend else (),
    )


def test_a_session_goes_on_in_steps(capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(NEWEST)
    steps = [
        (texts(NATIVES, BACKEND), False, []),
        (texts(NATIVES, BACKEND, DERIVATIVES.replace("* grit", "/ grit")), True, []),
        (texts(NATIVES, f"{BACKEND}- sand\n"), True, []),
        (texts(NATIVES, f"{BACKEND}- sad\n"), False, ["DL707"]),
        (texts(NATIVES, f"{BACKEND}- sand\n"), True, []),
        (texts(NATIVES.replace("func: sand(", "func: sanded("), BACKEND), True, []),
        (texts(NATIVES.replace("func: sand(", "func: sad("), f"{BACKEND}- sad\n"), True, []),
        (texts(NATIVES, f"{BACKEND}- sad\n"), False, ["DL707"]),
        (texts(NATIVES, ""), True, []),
        (texts(NATIVES, f"{BACKEND}- sad\n"), False, ["DL707"]),
    ]
    for step, is_incremental, codes in steps:
        outcome = session.load(step)
        assert [d.code for d in outcome.diagnostics] == codes
        assert outcome.is_incremental == is_incremental
        if not codes:
            assert outcome.lines == Session(NEWEST).load(step).lines
    assert capsys.readouterr().err == ""


def test_a_backends_file_is_an_input_of_a_build(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = inputs.write("backend.yaml", BACKEND)
    depfile = inputs.folder / "out.d"
    options = ("--backend-yaml", backend, f"--depfile={depfile}", "--stats=json")
    assert inputs.run("emit", *options) == 0
    assert backend in depfile.read_text("utf-8")
    capsys.readouterr()
    assert inputs.run("emit", *options) == 0
    assert json.loads(capsys.readouterr().out)["exit"] == "up-to-date"
    inputs.write("backend.yaml", BACKEND.replace("dry", "dray"))
    assert inputs.run("emit", *options) == 1
    Path(backend).unlink()
    assert inputs.run("emit", *options) == 1
    assert "backend.yaml: error[DL001]" in "\n".join(said(capsys, inputs))


def test_check_tells_of_warnings_and_show_of_kernels(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = inputs.write("backend.yaml", f"{BACKEND}- dry\n")
    for _ in range(2):
        assert inputs.run("check", "--backend-yaml", backend) == 0
        told = capsys.readouterr()
        assert "backend.yaml:6:3: warning[DL621]: `dry` is named already, in line 5" in told.out
        assert told.err.startswith("derivload: 1 warning in ")
    assert inputs.run("check") == 0
    assert inputs.run("check", "--backend-yaml", backend) == 0
    assert "DL621" in capsys.readouterr().out
    for _ in range(2):
        assert inputs.run("show", "--backend-yaml", backend, "dry") == 0
        shown = capsys.readouterr().out
        assert f"kernel of a backend for XLA, {backend}:5\n" in shown
        assert inputs.run("emit", "--backend-yaml", backend) == 0
        capsys.readouterr()


def test_sections_that_are_passed_over_are_named(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = inputs.write("overlay.yaml", MIXED)
    options = ("--native-functions", overlay)
    note = (
        "derivload: note: passed over the sections `autograd`, `supported`, `vision`: --section "
        "NAME lays a section over that declares operators, and --backend-yaml FILE takes a file "
        "that registers kernels"
    )
    for command in ("emit", "emit", "check", "check"):
        assert inputs.run(command, *options) == 0
        assert said(capsys, inputs).count(note) == 1
    assert {"shine", "shine_twice"} <= inputs.schemas()
    assert "peer" not in inputs.schemas()
    # From the documents in the cache.
    shutil.rmtree(inputs.out)
    assert inputs.run("emit", *options) == 0
    assert said(capsys, inputs).count(note) == 1
    # After an edit, in steps.
    inputs.write("derivatives.yaml", DERIVATIVES.replace("* grit", "/ grit"))
    assert inputs.run("emit", *options) == 0
    assert said(capsys, inputs).count(note) == 1


def test_the_note_is_one_line_whatever_the_names_are(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    sections = "".join(f'"s{i}\\n\\e[1m": []\n' for i in range(100, 130))
    overlay = inputs.write("overlay.yaml", f"custom: []\n{sections}")
    for _ in range(2):
        shutil.rmtree(inputs.out, ignore_errors=True)
        assert inputs.run("emit", "--native-functions", overlay) == 0
        (note,) = [line for line in said(capsys, inputs) if "note" in line]
        assert "passed over the sections `s100\\n\\x1b[1m`, `s101" in note
        assert "and 18 more: --section" in note


def test_a_section_is_laid_over_when_it_is_named(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = inputs.write("overlay.yaml", MIXED)
    options = ("--native-functions", overlay, "--backend-yaml", overlay)
    assert inputs.run("emit", *options, "--section", "vision") == 0
    assert not [line for line in said(capsys, inputs) if "note" in line]
    assert {"shine", "shine_twice", "peer"} <= inputs.schemas()
    # Not that of another section from the cache.
    assert inputs.run("emit", *options) == 0
    assert "peer" not in inputs.schemas()
    assert "passed over the section `vision`" in "\n".join(said(capsys, inputs))
    # With another note it is one line.
    assert inputs.run("check", *options, "--torch-version", "2.99") == 0
    assert "; following 2.15; passed over the section `vision`: " in "\n".join(said(capsys, inputs))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--section", "vision"], "--section is about overlays: name one with --native-functions"),
        (["--section", ""], "--section NAME is empty"),
        (["--backend-yaml", ""], "the path is empty"),
    ],
)
def test_an_option_that_can_have_no_effect_is_refused(
    inputs: Inputs, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    try:
        status: object = inputs.run("emit", *options)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert message in capsys.readouterr().err


def test_a_section_that_is_nowhere_is_refused(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = inputs.write("overlay.yaml", MIXED)
    options = ("--native-functions", overlay, "--section", "vison")
    assert inputs.run("emit", *options) == 2
    assert said(capsys, inputs) == [
        "derivload: error: no overlay has a section `vison`; did you mean `vision`?"
    ]


def test_derivwatch_reads_a_backends_file_too(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = inputs.write("backend.yaml", BACKEND)
    assert inputs.run("watch", "--once", "--backend-yaml", backend) == 0
    inputs.write("backend.yaml", BACKEND.replace("dry", "dray"))
    assert inputs.run("watch", "--once", "--backend-yaml", backend) == 1
    told = capsys.readouterr()
    assert "DL707" in told.out + told.err


def test_a_mapping_without_a_section_says_which_it_has(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = inputs.write("overlay.yaml", "vision:\n- func: peer(Tensor self) -> Tensor\n")
    assert inputs.run("emit", "--native-functions", overlay) == 1
    lines = said(capsys, inputs)
    assert lines[0].startswith("overlay.yaml:1:1: error[DL004]: the file is a mapping without")
    help_ = "help: name the sections that declare operators with --section: it has vision"
    assert lines[3].strip() == help_


def test_the_python_api_takes_both(inputs: Inputs) -> None:
    overlay = inputs.write("overlay.yaml", MIXED)
    natives = [str(inputs.folder / "native_functions.yaml"), overlay]
    loaded = derivload.load(
        inputs.folder / "derivatives.yaml", natives, sections=["vision"], backend_yaml=overlay
    )
    assert any(f.schema.startswith("peer(") for f in loaded.functions)
    bad = inputs.write("backend.yaml", f"{HEAD}supported: [dray]\n")
    with pytest.raises(derivload.InputError, match="DL707"):
        derivload.load(inputs.folder / "derivatives.yaml", natives, backend_yaml=[overlay, bad])


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("custom:\n", "custom\n", [("DL003", 4)]),
        ("- func: shine(", "- fnuc: shine(", [("DL006", 5)]),
        ("Tensor\nsupported", "Tensor\n  func: peer\nsupported", [("DL009", 8)]),
        ("custom", "customs", [("DL004", 1)]),
    ],
)
def test_a_mistake_in_an_overlay_that_is_a_backends_file_too_is_told_once(
    right: str, wrong: str, expected: list[tuple[str, int]]
) -> None:
    both = (
        "autograd:\n- dry\nbackend: Workshop\ncustom:\n- func: shine(Tensor self) -> Tensor\n"
        "  variants: function\n- func: peer(Tensor self) -> Tensor\n"
        "supported:\n- polish\nquant:\nsymint:\n- shine\n"
    )
    for text, told in ((both, []), (both.replace(right, wrong, 1), expected)):
        overlay = Text("both.yaml", text)
        texts = Texts(
            Text("derivatives.yaml", DERIVATIVES),
            (Text("native_functions.yaml", NATIVES), overlay),
            Text("tags.yaml", TAGS),
            backends=(overlay,),
        )
        loaded = load_texts(texts, NEWEST)
        found = [*loaded.diagnostics, *loaded.warnings]
        assert [(one.code, one.line) for one in found] == told


def test_a_file_that_is_both_and_cannot_be_read_is_told_of_and_named_once(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = str(inputs.folder / "gone.yaml")
    assert inputs.run("check", "--native-functions", gone, "--backend-yaml", gone) == 1
    told = capsys.readouterr()
    assert told.out.count("error[DL001]") == 1
    assert told.err.count(gone) == 1
