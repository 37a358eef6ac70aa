"""`derivload check`: every mistake in one run, in four formats, and what the exit status says."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

from derivload.cli import main
from derivload.outputs.json_schema import FOLDER as SCHEMAS
from support.paths import REFERENCE

SARIF_SCHEMA = REFERENCE / "sarif-2.1.0.json"
NAMES = ("derivatives.yaml", "native_functions.yaml", "tags.yaml")
INPUTS = [
    *("--derivatives", "derivatives.yaml"),
    *("--native-functions", "native_functions.yaml", "--tags", "tags.yaml"),
]

NATIVES = """\
- func: gild(Tensor self, Tensor leaf) -> Tensor
  dispatch:
    CPU: gild
"""
DERIVATIVES = """\
- name: gild(Tensor self, Tensor leaf) -> Tensor
  self: grad * leaf
  leaf: grad * self
"""
TAGS = "- tag: shiny\n  desc: It shines.\n"
WARNED = DERIVATIVES.replace("* self", "* slef")
MISTAKEN = DERIVATIVES.replace("grad * leaf", "grad * leaf.sizes()")


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


class Project:
    """The three files in the current folder, right unless told otherwise."""

    def __init__(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        self._capsys = capsysbinary
        self.write(DERIVATIVES, NATIVES, TAGS)

    def write(self, *texts: str) -> None:
        for name, text in zip(NAMES, texts, strict=False):
            Path(name).write_text(text, "utf-8")

    def check(self, *options: str) -> Outcome:
        status = main(["check", *INPUTS, *options])
        out, err = self._capsys.readouterr()
        return Outcome(status, out.decode(), err.decode())

    def found(self) -> list[dict[str, Any]]:
        return [dict(d) for d in json.loads(self.check("--format", "json").out)["diagnostics"]]

    def places(self) -> list[tuple[str, str, int]]:
        return [(d["code"], d["file"], d["line"]) for d in self.found()]


@pytest.fixture
def project(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(capsysbinary)


# ----------------------------------------------------------------------------- what it ends with


def test_no_mistake_is_status_0_and_no_result(project: Project) -> None:
    assert project.check() == (0, "", "derivload: no mistakes\n")


def test_an_error_is_status_1_and_the_result_is_on_stdout(project: Project) -> None:
    project.write(MISTAKEN)
    assert project.check() == (
        1,
        (
            "derivatives.yaml:2:20: error[DL420]: a formula cannot use `sizes`, "
            "which does not support "
            "symbolic sizes\n"
            "  2 |   self: grad * leaf.sizes()\n"
            "    |                    ^^^^^^^^\n"
            "  help: write `sym_sizes` instead\n"
        ),
        "derivload: 1 error\n",
    )


def test_a_warning_is_status_0_and_an_error_with_strict(project: Project) -> None:
    project.write(WARNED)
    text = (
        "derivatives.yaml:3:16: {}[DL602]: "
        "`slef` is not an argument, output or gradient of `gild`\n"
        "  3 |   leaf: grad * slef\n"
        "    |                ^^^^\n"
        "  help: did you mean `self`?\n"
    )
    assert project.check() == (0, text.format("warning"), "derivload: 1 warning\n")
    assert project.check("--strict") == (1, text.format("error"), "derivload: 1 error\n")


def test_errors_and_warnings_are_counted_apart(project: Project) -> None:
    project.write(
        WARNED + "- name: 3\n- x\n- name: gild(Tensor self, Tensor leaf) -> Tensor\n"
        "  self, leaf: f(grad)\n"
    )
    assert project.check().err == "derivload: 2 errors, 2 warnings\n"


@pytest.mark.parametrize(
    "arguments", [["--format", "xml"], ["some.yaml"], ["--derivatives", ""], ["--explain", "DL9"]]
)
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = main(["check", *arguments])
    except SystemExit as end:
        status = end.code
    assert (status, capsys.readouterr().out) == (2, "")


def test_a_full_disk_below_stdout_is_status_3(
    project: Project, child_environment: dict[str, str]
) -> None:
    project.write(MISTAKEN)
    command = [sys.executable, "-m", "derivload", "check", *INPUTS]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=child_environment, check=False
        )
    assert done.returncode == 3
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_newer_release_that_is_not_known_is_noted(project: Project) -> None:
    said = project.check("--torch-version", "2.99").err
    assert said.startswith("derivload: note: torch 2.99 is newer than derivload knows; following ")


# --------------------------------------------------------------------------------- what it finds


def test_mistakes_of_all_files_are_sorted_by_place(project: Project) -> None:
    project.write(
        WARNED + "- name: 3\n",
        "- func: tint(Tenser self) -> Tensor\n" + NATIVES + "  tags: dull\n",
        "- tag: dull\n" + TAGS,
    )
    assert project.places() == [
        ("DL602", "derivatives.yaml", 3),
        ("DL007", "derivatives.yaml", 4),
        ("DL104", "native_functions.yaml", 1),
        ("DL230", "tags.yaml", 1),
    ]


def test_files_are_named_as_they_were_given(project: Project) -> None:
    project.write(MISTAKEN)
    shutil.copy("derivatives.yaml", "./other.yaml")
    main(["check", "--derivatives", "./other.yaml", *INPUTS[2:], "--format", "github"])
    assert "::error file=./other.yaml,line=2," in project._capsys.readouterr().out.decode()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["missing", "no UTF-8"])
def test_a_file_that_cannot_be_read_does_not_hide_the_mistakes_of_the_others(
    project: Project, name: str, kind: str
) -> None:
    project.write(
        MISTAKEN,
        NATIVES + "  tags: shiny\n- func: tint(Tenser self) -> Tensor\n",
        TAGS + "- tag: dull\n",
    )
    every = [
        ("DL420", "derivatives.yaml", 2),
        ("DL104", "native_functions.yaml", 5),
        ("DL230", "tags.yaml", 3),
    ]
    if kind == "missing":
        Path(name).unlink()
    else:
        Path(name).write_bytes(b"- \xff")
    unread = ("DL001", name, 0) if kind == "missing" else ("DL002", name, 1)
    expected = {place for place in every if place[1] != name} | {unread}
    if name == "native_functions.yaml":
        expected.discard(every[0])  # nothing is known of the function
    assert set(project.places()) == expected


def test_emit_tells_them_too(project: Project) -> None:
    project.write(MISTAKEN)
    Path("tags.yaml").unlink()
    assert main(["emit", *INPUTS, "--out-dir", "out"]) == 1
    _, err = project._capsys.readouterr()
    assert err.decode().endswith("derivload: 2 errors; nothing was written\n")
    assert b"error[DL420]" in err
    assert b"error[DL001]" in err


def test_one_function_that_cannot_be_read_is_one_mistake(project: Project) -> None:
    variants = (
        "- func: gild_(Tensor(a!) self, Tensor leaf) -> Tensor(a!)\n"
        "  structured_delegate: gild.out\n"
        "- func: gild.out(Tensor self, Tensor leaf, *, Tensor(a!) out) -> Tensor(a!)\n"
        "  structured: True\n  dispatch:\n    CPU: gild_out\n"
    )
    for broken in ("gild(Tenser self", "gild(Tensor self"):
        overlay = NATIVES.replace("gild(Tensor self", broken)
        overlay += "" if "Tenser" in broken else "  colour: red\n"
        project.write(DERIVATIVES, overlay + variants)
        (mistake,) = project.found()
        assert mistake["file"] == "native_functions.yaml"


def test_one_definition_with_a_mistake_is_one_mistake(project: Project) -> None:
    # The in-place variant has formulas of its own, so those of the functional one, which it
    # could not use, are none of its business, even while its own cannot be read.
    project.write(
        "- name: gild(Tensor self) -> Tensor\n  self: f(grad, self.sym_strides())\n"
        "- name: gild_(Tensor(a!) self) -> Tensor(a!)\n  self: 3\n",
        "- func: gild(Tensor self) -> Tensor\n  dispatch:\n    CPU: gild\n"
        "- func: gild_(Tensor(a!) self) -> Tensor(a!)\n  dispatch:\n    CPU: gild_\n",
    )
    assert project.places() == [("DL402", "derivatives.yaml", 4)]


TORN = "- func: tint(Tensor self) -> Tensor\n  variants: a: b\n"
TINTS = """\
- func: tint_(Tensor(a!) self) -> Tensor(a!)
  structured_delegate: tint.out
- func: tint.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  structured: True
  dispatch:
    CPU: tint_out
"""
OF_TINT = "- name: tint(Tensor self) -> Tensor\n  self: grad\n"
OF_NOTHING = "- name: gleam(Tensor self) -> Tensor\n  self: grad\n"
LONE_OUT = """\
- func: gleam.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  dispatch:
    CPU: gleam_out
"""


@pytest.mark.parametrize(
    "torn",
    [
        TORN,
        TORN.replace("func: tint(Tensor self) -> Tensor", "'func' : 'tint(Tensor self) -> Tensor'"),
        "- func: tint(Tensor self) -> Tensor\n  func: tint(Tensor self) -> Tensor\n",
        f"- func: tint(Tensor self) -> Tensor\n  category_override: {'x' * 100_000}\n",
        "- func: gild.other(Tensor self) -> Tensor\n - func: tint(Tensor self) -> Tensor\n",
    ],
    ids=["no YAML", "quoted", "a key twice", "too long", "another entry"],
)
def test_an_entry_that_cannot_be_read_hides_what_misses_it_alone(
    project: Project, torn: str
) -> None:
    project.write(DERIVATIVES + OF_TINT + OF_NOTHING, NATIVES + torn + TINTS + LONE_OUT)
    unread, lone = [(d["line"], d["code"]) for d in project.found() if "native" in d["file"]]
    assert unread[0] in (4, 5)
    assert lone == (3 + torn.count("\n") + 6 + 1, "DL302")
    derivatives = [(d["line"], d["code"]) for d in project.found() if "deriv" in d["file"]]
    assert derivatives == [(6, "DL405")]


@pytest.mark.parametrize("torn", ["- 'func\n", "- fun: tint(Tensor self): x: y\n", "- x\n"])
def test_an_entry_of_which_nothing_is_known_hides_what_may_miss_it(
    project: Project, torn: str
) -> None:
    project.write(DERIVATIVES + OF_TINT + OF_NOTHING, NATIVES + torn + TINTS + LONE_OUT)
    (mistake,) = project.found()
    assert (mistake["file"], mistake["line"]) == ("native_functions.yaml", 4)


def test_a_broken_tag_is_one_mistake(project: Project) -> None:
    project.write(DERIVATIVES, NATIVES + "  tags: dull\n", TAGS + "- tag: dull\n  desc: a: b\n")
    assert project.places() == [("DL003", "tags.yaml", 4)]


# ------------------------------------------------------------------------ where in a formula


@pytest.mark.parametrize(
    ("formula", "line", "column"),
    [
        ("grad * leaf.sizes()", 2, 20),
        ("'grad * leaf.sizes()'", 2, 21),
        ('"grad * leaf.sizes()"', 2, 21),
        ("grad\n    * leaf.sizes()", 3, 11),
        ('"grad\n    * leaf.sizes()"', 3, 11),
        ("'grad * f(''x'',\n    leaf.sizes())'", 3, 9),
        ("|\n    grad\n    * leaf.sizes()", 4, 11),
        (">-\n    grad\n\n    * leaf.sizes()", 5, 11),
        ("|-  # some comment: leaf.sizes()\n    grad * leaf.sizes()", 3, 16),
    ],
)
def test_the_column_is_that_in_the_formula(
    project: Project, formula: str, line: int, column: int
) -> None:
    project.write(DERIVATIVES.replace("grad * leaf", formula))
    (found,) = project.found()
    assert (found["code"], found["line"], found["column"]) == ("DL420", line, column)
    shown = found["source_line"]
    assert shown[column - 1 : found["end_column"] - 1] == ".sizes()"


def test_words_over_the_end_of_a_line_end_on_the_next(project: Project) -> None:
    project.write(DERIVATIVES.replace("name: gild(Tensor self, ", "name: gild(Tensor\n    selv, "))
    (found,) = project.found()
    place = [found[key] for key in ("line", "column", "end_line", "end_column")]
    assert (found["code"], place) == ("DL405", [1, 9, 2, 33])


@pytest.mark.parametrize("before", [0, 10, 5000])
def test_of_a_long_line_the_part_around_the_words_is_shown(project: Project, before: int) -> None:
    filled = "f() * " * before
    project.write(DERIVATIVES.replace("grad * leaf", f"{filled}leaf.sizes() {' * f()' * 5000}"))
    source, caret = project.check().out.splitlines()[1:3]
    assert len(source) < 420
    start, length = caret.index("^"), caret.count("^")
    assert source[start : start + length] == ".sizes()"
    assert (source[6] == "…", source[-1] == "…") == (before == 5000, True)


# ------------------------------------------------------------------------------------- formats


def test_json_is_as_it_is_described(project: Project) -> None:
    project.write(WARNED)
    document = json.loads(project.check("--format", "json").out)
    assert document == {
        "format": "derivload.diagnostics",
        "version": 1,
        "torch_version": "2.15",
        "diagnostics": [
            {
                "code": "DL602",
                "severity": "warning",
                "file": "derivatives.yaml",
                "line": 3,
                "column": 16,
                "end_line": 3,
                "end_column": 20,
                "message": "`slef` is not an argument, output or gradient of `gild`",
                "help": "did you mean `self`?",
                "source_line": "  leaf: grad * slef",
            }
        ],
    }
    schema = json.loads((SCHEMAS / "diagnostics.schema.json").read_bytes())
    jsonschema.validate(document, schema)


def test_json_of_no_mistakes_is_a_document_too(project: Project) -> None:
    outcome = project.check("--format", "json")
    assert (outcome.status, json.loads(outcome.out)["diagnostics"]) == (0, [])


def sarif(project: Project, *options: str) -> Mapping[str, Any]:
    log = json.loads(project.check("--format", "sarif", *options).out)
    schema = json.loads(SARIF_SCHEMA.read_bytes())
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    return dict(run)


def test_sarif_fits_its_schema(project: Project) -> None:
    assert sarif(project)["results"] == []
    project.write(MISTAKEN + "- name: 3\n", NATIVES, "")
    assert len(sarif(project)["results"]) == 3
    Path("tags.yaml").unlink()
    assert len(sarif(project)["results"]) == 3


def test_sarif_has_the_place_the_rule_and_the_level(project: Project) -> None:
    project.write(WARNED)
    run = sarif(project)
    (result,), (rule,) = run["results"], run["tool"]["driver"]["rules"]
    assert result["level"] == "warning"
    assert result["ruleId"] == rule["id"] == "DL602"
    assert rule["help"]["markdown"].startswith("# DL602: ")
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "derivatives.yaml"},
        "region": {
            "startLine": 3,
            "startColumn": 16,
            "endLine": 3,
            "endColumn": 20,
            "snippet": {"text": "slef"},
        },
    }
    assert sarif(project, "--strict")["results"][0]["level"] == "error"


def test_sarif_names_files_by_uri(project: Project, tmp_path: Path) -> None:
    def uri(path: str) -> str:
        main(["check", "--derivatives", path, *INPUTS[2:], "--format", "sarif"])
        log = json.loads(project._capsys.readouterr().out)
        place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
        return str(place["artifactLocation"]["uri"])

    assert uri("some where/é#1:2.yaml") == "some%20where/%C3%A9%231%3A2.yaml"
    assert uri(str(tmp_path / "a b.yaml")) == (tmp_path / "a b.yaml").as_uri()


def test_annotations_are_as_github_reads_them(project: Project) -> None:
    project.write(DERIVATIVES.replace("* leaf", "* leaf.size(1) % 2"))
    assert project.check("--format", "github").out == (
        "::error file=derivatives.yaml,line=2,endLine=2,col=20,endColumn=28,title=DL420::"
        "a formula cannot use `size`, which does not support symbolic sizes"
        "%0Ahelp: write `sym_size` instead\n"
    )


def test_annotations_are_escaped(project: Project) -> None:
    schema = 'shine(Tensor self, str s="100%,\\r\\n::error::x") -> Tensor'
    Path("a,b:c%.yaml").write_text(f"- name: '{schema}'\n  self: grad\n", "utf-8")
    main(["check", "--derivatives", "a,b:c%.yaml", *INPUTS[2:], "--format", "github"])
    out = project._capsys.readouterr().out.decode()
    assert out.startswith("::error file=a%2Cb%3Ac%25.yaml,line=1,endLine=1,col=10,")
    assert "100%25,\\r\\n::error::x" in out
    assert out.count("\n") == 1


def test_an_annotation_over_several_lines_has_no_columns(project: Project) -> None:
    project.write(DERIVATIVES.replace("name: gild(Tensor self, ", "name: gild(Tensor\n    selv, "))
    out = project.check("--format", "github").out
    assert out.startswith("::error file=derivatives.yaml,line=1,endLine=2,title=DL405::")


def test_half_a_surrogate_pair_can_be_told(project: Project) -> None:
    project.write('- name: "\\uD800"\n  self: grad\n')
    for form in ("text", "json", "github", "sarif"):
        assert project.check("--format", form).status == 1


# -------------------------------------------------------------------------------------- colour


def on_terminal(environment: dict[str, str]) -> str:
    """What check prints on a terminal."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "derivload", "check", *INPUTS]
    with subprocess.Popen(command, stdout=child, stderr=subprocess.DEVNULL, env=environment):
        os.close(child)
        printed = b""
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:
                part = b""
            if not part:
                break
            printed += part
    os.close(parent)
    return printed.decode().replace("\r\n", "\n")


def test_colour_is_for_terminals_without_no_color(
    project: Project, child_environment: dict[str, str]
) -> None:
    project.write(MISTAKEN.replace("grad *", "grad * " + "very_long_name * " * 20))
    environment = {**child_environment, "TERM": "xterm", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    plain = project.check().out
    coloured = on_terminal(environment)
    assert "\x1b[" in coloured
    assert on_terminal({**environment, "NO_COLOR": "1"}) == plain
    assert "\x1b[" not in plain
    bare = coloured
    while "\x1b[" in bare:
        before, _, behind = bare.partition("\x1b[")
        bare = before + behind.partition("m")[2]
    assert bare == plain


# --------------------------------------------------------------------------------------- cache


def test_what_was_found_is_kept_by_content_and_name(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(WARNED)
    first = project.check()
    with monkeypatch.context() as patched:
        patched.setattr("derivload.loading.inputs.load_texts", None)
        assert project.check() == first
        with pytest.raises(TypeError):
            project.check("--no-cache")
    shutil.copy("derivatives.yaml", "other.yaml")
    main(["check", "--derivatives", "other.yaml", *INPUTS[2:]])
    assert project._capsys.readouterr().out.startswith(b"other.yaml:3:16: ")
    project.write(DERIVATIVES)
    assert project.check().out == ""
