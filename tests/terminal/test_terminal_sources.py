"""Each source of a text that is printed: none steers a terminal."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any

import pytest

from support.child import child_environment
from support.paths import CATALOGUE, DERIVATIVES, NATIVES, TAGS
from support.small_pytorch import SmallPyTorch
from support.terminal_runs import assert_fit
from support.terminal_texts import FORMATS, TerminalProject, project

__all__ = ["project"]  # fixtures


COMMANDS = [
    ["emit", "--catalogue", "--out-dir", "out"],
    ["emit", "--catalogue", "--out-dir", "out", "--stats"],
    ["codegen", "--out-dir", "out"],
    ["codegen", "--out-dir", "out", "--list-outputs"],
    *(["check", "--catalogue", "--format", form] for form in FORMATS),
    ["show", "--catalogue", "gild"],
    ["watch", "--catalogue", "--once", "--out-dir", "out"],
    ["watch", "--catalogue", "--once", "--json", "--out-dir", "out"],
]


VERSIONS = [
    "2.99\x1b[31m\n::error::x",
    "x\x1b[31m\n::error file=README.md::x",
    "2.15\u202e\n::x::y",
]


@pytest.mark.parametrize(
    "version", [VERSIONS[0], *(pytest.param(v, marks=pytest.mark.thorough) for v in VERSIONS[1:])]
)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_version_txt_is_a_value(project: TerminalProject, command: list[str], version: str) -> None:
    packaged = project.folder / "pytorch" / "torchgen" / "packaged"
    for name, folder in (
        (DERIVATIVES, "autograd"),
        (NATIVES, "ATen/native"),
        (TAGS, "ATen/native"),
    ):
        (packaged / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(CATALOGUE / name, packaged / folder)
    (project.folder / "pytorch" / "version.txt").write_text(version, "utf-8")
    command = [option for option in command if option != "--catalogue"]
    project.fit(*command, "--pytorch", "pytorch", annotations="github" in command)


@pytest.mark.parametrize("form", FORMATS)
def test_a_name_of_a_file_is_a_value(project: TerminalProject, form: str) -> None:
    project.rename(NATIVES, "x\n::error file=README.md,line=1::x\x1b]0;t\x07\x9b\udcff.yaml")
    project.append(NATIVES, "- func: 3\n")
    ran = project.fit("check", *project.options, "--format", form, annotations=form == "github")
    assert ran.status == 1
    if form == "text":
        name = r"x\n::error file=README.md,line=1::x\x1b]0;t\x07\x9b\udcff.yaml"
        assert ran.out.startswith(f"{name}:")


@pytest.mark.parametrize("command", [["check"], ["emit", "--out-dir", "out"]])
def test_a_name_of_a_file_that_begins_like_a_command(
    project: TerminalProject, command: list[str]
) -> None:
    project.rename(NATIVES, "::error file=x::y.yaml")
    project.append(NATIVES, "- func: 3\n")
    ran = project.fit(*command, *project.options)
    assert r"\x3a:error file=x::y.yaml:" in ran.out + ran.err


def test_an_annotation_names_a_file_with_a_line_end(project: TerminalProject) -> None:
    project.rename(NATIVES, "a\nb\r:,%.yaml")
    project.append(NATIVES, "- func: 3\n")
    ran = project.fit("check", *project.options, "--format", "github", annotations=True)
    assert ran.out.startswith("::error file=a%0Ab%0D%3A%2C%25.yaml,line=")


NATIVE_VALUES = (
    '\n- func: "w\\e]0;t\\a\\e[31mx(Tensor self) -> Tensor"\n  variants: function\n'
    '- func: weld(Tensor self) -> Tensor\n  python_module: "\\e[2J\\n::error::m"\n'
    '  dispatch:\n    CPU: "we\\e[31mld"\n'
)


def test_values_of_yaml_in_show(project: TerminalProject) -> None:
    project.append(NATIVES, NATIVE_VALUES)
    assert r"python_module \x1b[2J" in project.fit("show", *project.options, "weld").out
    assert r"python_module \x1b[2J" in project.fit_on_terminal("show", *project.options, "weld")


def test_values_of_yaml_in_derivwatch(project: TerminalProject) -> None:
    watch = ("watch", "--once", "--out-dir", "out", *project.options)
    project.append(NATIVES, NATIVE_VALUES)
    assert project.fit(*watch).status == 0
    project.append(DERIVATIVES, '\n- name: "\\e[31mx\\n::error::y(Tensor self) -> Tensor"\n')
    assert project.fit(*watch).status == 1
    project.fit(*watch, "--json")
    project.fit_on_terminal(*watch)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_a_save_changed_is_fit(project: TerminalProject, form: list[str]) -> None:
    command = [sys.executable, "-m", "derivload", "watch", "--out-dir", "out", *project.options]
    with subprocess.Popen(
        [*command, *form], env=child_environment(), cwd=project.folder, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        printed = process.stdout.readline()
        project.append(NATIVES, NATIVE_VALUES)
        while b" added" not in printed and b'"reloaded"' not in printed:
            printed += process.stdout.readline()
        process.terminate()
        printed += process.stdout.read()
    assert_fit(printed)
    assert rb"x1b]0;t" in printed or rb"u001b]0;t" in printed


def test_a_line_that_is_wrapped_begins_with_no_command(project: TerminalProject) -> None:
    words = f"{'x' * 70} ::error::y" * 3
    project.append(DERIVATIVES, f'\n- name: "weld {words}"\n  self: grad\n')
    shown = project.fit_on_terminal("watch", "--once", "--out-dir", "out", *project.options)
    assert r"\x3a:error::y" in shown


def test_a_command_of_exec_is_announced_fit_and_keeps_its_colours(project: TerminalProject) -> None:
    (project.folder / "colours").write_bytes(b"\x1b[31mred\x1b]0;t\x07\n")
    command = "cat colours; : '\x1b]0;t\x07\n::error::x'"
    watch = ("watch", "--once", "--out-dir", "out", *project.options, "--exec", command)
    ran = project.run(*watch)
    assert ran.status == 0
    red = "\x1b[31mred\\x1b]0;t\\x07\x1b[0m\n"
    assert f"  | {red}" in ran.out
    assert_fit(ran.out.replace(red, ""))
    shutil.rmtree(project.folder / "out")
    ran = project.run(*watch, "--json")
    assert ran.err == red
    assert_fit(ran.out)
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert [one["command"] for one in told if one["event"] == "exec"] == [command] * 2


def test_tabs_of_a_source_line_stay(project: TerminalProject) -> None:
    project.append(DERIVATIVES, "- name: gild(Tensor self)\t-> Tensor\n  self: grad\n")
    ran = project.run("check", *project.options)
    assert "Tensor self)\t-> Tensor" in ran.out
    project.fit_on_terminal("check", *project.options)


BAD = "x\x1b]0;t\x07\n::error::y\u202e"


@pytest.mark.parametrize(
    "arguments",
    [
        [BAD],
        ["emit", "--catalogue", BAD],
        ["emit", "--catalogue", "--out-dir", "out", BAD],
        ["emit", "--catalogue", "--out-dir", "out", f"--{BAD}"],
        ["emit", "--catalogue", "--out-dir", "out", "--shards", BAD],
        ["emit", "--catalogue", "--out-dir", "out", "--stats", BAD],
        ["emit", "--catalogue", "--out-dir", "out", "--torch-version", BAD],
        ["emit", "--out-dir", "out", "--pytorch", BAD],
        ["emit", "--catalogue", "--out-dir", BAD],
        ["emit", "--catalogue", "--out-dir", f"derivatives.yaml/{BAD}"],
        ["emit", "--catalogue", "--out-dir", "out", "--depfile", f"derivatives.yaml/{BAD}"],
        ["emit", "--catalogue", "--out-dir", "out", "--cache-dir", f"derivatives.yaml/{BAD}"],
        ["emit", f"@{BAD}"],
        ["codegen", "--out-dir", "out", "--pytorch", BAD],
        ["codegen", "--out-dir", "out", "--pytorch", ".", "--subset", BAD],
        ["check", "--explain", BAD],
        ["check", "--derivatives", BAD, "--native-functions", BAD, "--tags", BAD],
        ["check", "--derivatives", BAD, "--native-functions", BAD],
        ["show", "--catalogue", BAD],
        ["show", f"{BAD}(Tensor self) -> Tensor"],
        ["fetch", BAD, "--to", "tree"],
        ["fetch", "2.15.0", "--to", BAD],
        ["fetch", "2.15.0", "--to", f"derivatives.yaml/{BAD}"],
        ["cache", BAD],
        ["cache", "stats", "--cache-dir", BAD],
        ["cache", "stats", "--cache-dir", f"derivatives.yaml/{BAD}"],
        ["cache", "prune", "--max-size", BAD],
        ["cache", "prune", "--older-than", BAD],
        ["watch", "--catalogue", "--once", "--out-dir", f"derivatives.yaml/{BAD}"],
        ["watch", "--catalogue", "--once", "--out-dir", "out", "--debounce", BAD],
        ["watch", "--once", "--out-dir", "out", "--pytorch", BAD],
    ],
    ids=lambda arguments: " ".join(arguments).replace(BAD, "BAD"),
)
def test_an_argument_is_a_value(project: TerminalProject, arguments: list[str]) -> None:
    if arguments[0] == "fetch":
        taken = project.folder / BAD.replace("/", "")
        taken.mkdir()
        (taken / "something").touch()
    ran = project.call(*arguments)
    assert_fit(ran.out)
    assert_fit(ran.err)
    assert BAD not in ran.out + ran.err


@pytest.mark.parametrize(
    ("action", "damaged"),
    [
        *[("stats", False), ("clear", False), ("clear", True)],
        *(
            pytest.param(action, damaged, marks=pytest.mark.thorough)
            for action in ("stats", "verify", "prune")
            for damaged in (False, True)
        ),
    ],
)
def test_the_folder_of_the_cache_is_a_value(
    project: TerminalProject, action: str, damaged: bool
) -> None:
    options = ["--max-size", "1M"] if action == "prune" else []
    cache = ["--cache-dir", BAD]
    assert project.fit("emit", *project.options, "--out-dir", "out", *cache).status == 0
    if damaged:
        (database,) = (project.folder / BAD).glob("*/cache.db")
        database.write_bytes(b"\x1b" * 5000)
    ran = project.call("cache", action, *options, *cache)
    assert_fit(ran.out)
    assert_fit(ran.err)


def test_the_stamp_is_no_way_around(project: TerminalProject) -> None:
    emit = ("emit", *project.options, "--out-dir", "o\x1b[31m\u202e##[x]", "--stats")
    assert "wrote" in project.fit(*emit).err
    assert r"o\x1b[31m\u202e\x23#[x]: up to date" in project.fit(*emit).err


@pytest.mark.thorough
def test_a_generator_has_no_way_around(project: TerminalProject, release: Any, newest: str) -> None:
    pytorch = SmallPyTorch(release(newest), project.folder / "pytorch")
    source = pytorch.autograd / "gen_trace_type.py"
    codegen = ("codegen", "--pytorch", "pytorch", "--out-dir", "out", "--no-cache")
    text = source.read_text("utf-8")
    prints = (
        "import sys, warnings\nprint('a', '\\x1b]0;t\\x07b\\n::error::c\\n', '##[d]')\n"
        "print('::error::e', file=sys.stderr)\nwarnings.warn('\\x9bf\\n::error::g')\n"
    )
    source.write_text(text.replace("\nfrom ", f"\n{prints}from ", 1), "utf-8")
    ran = project.run(*codegen)
    assert ran.status == 0
    assert_fit(ran.out)
    assert_fit(ran.err)
    assert r"\x1b]0;t\x07b" in ran.err
    raises = (
        "\ndef gen_trace_type(*_, **__):\n    raise ValueError('\\x1b[31mh\\n::error::i\\u202e')\n"
    )
    source.write_text(text + raises, "utf-8")
    for command in (codegen, ("watch", "--codegen", *codegen[1:], "--once")):
        ran = project.run(*command)
        assert ran.status == 1
        assert r"ValueError: \x1b[31mh" in ran.err
        assert_fit((ran.out + ran.err).replace("Traceback", ""))


def test_bazels_worker_answers_what_is_fit(project: TerminalProject) -> None:
    project.rename(NATIVES, "x\n::error::y\x1b[31m.yaml")
    project.append(NATIVES, "- func: 3\n")
    requests = [
        [*project.options, "--out-dir", "out"],
        [*project.options, "--out-dir", "out", "--pytorch", BAD],
        ["--out-dir", f"derivatives.yaml/{BAD}"],
        ["--out-dir", "out", BAD],
        ["--out-dir", "out", "--shards", BAD],
        ["--out-dir", BAD],
        ["--out-dir", BAD, "--cache-dir", BAD],
    ]
    sent = "".join(json.dumps({"arguments": request}) + "\n" for request in requests)
    ran = project.run("emit", "--persistent_worker", stdin=f"{sent}{{{BAD[0]}\n".encode())
    assert_fit(ran.out)
    assert_fit(ran.err)
    answers = [json.loads(line) for line in ran.out.splitlines()]
    assert len(answers) == len(requests) + 1
    for answer in answers:
        assert_fit(answer["output"])
