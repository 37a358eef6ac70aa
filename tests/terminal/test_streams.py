"""Streams that are closed, full, left by their reader, or in another encoding.

None of it changes how a run ends, but where the result itself cannot be written: that is status 3.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Container
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from support.child import child_environment
from support.paths import DERIVATIVES, NATIVES, SOURCE, TAGS
from support.project import copy_catalogue
from support.terminal_runs import Ran

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs bash and /dev/full")

RIGHT = f"--derivatives {DERIVATIVES} --native-functions {NATIVES} --tags {TAGS}"
BROKEN = RIGHT.replace(DERIVATIVES, "broken.yaml")
# Each with the status that it ends with, and whether it has a result for stdout.
COMMANDS = [
    ("check --catalogue", 0, False),
    (f"check {BROKEN}", 1, True),
    (f"check {BROKEN} --format json", 1, True),
    (f"check {BROKEN} --format github", 1, True),
    (f"check {BROKEN} --format sarif", 1, True),
    ("check --explain DL001", 0, True),
    ("show --catalogue gild", 0, True),
    ("show --catalogue nothing", 1, False),
    ("emit --catalogue --out-dir out", 0, False),
    ("emit --catalogue --out-dir out --stats=json", 0, True),
    (f"emit --out-dir out {BROKEN}", 1, False),
    ("emit --catalogue --out-dir /proc/none", 3, False),
    ("watch --catalogue --once --out-dir out", 0, True),
    ("watch --catalogue --once --out-dir out --exec true", 0, True),
    (f"watch --once --out-dir out {BROKEN}", 1, True),
    ("watch --catalogue --once --out-dir out --json", 0, True),
    (f"watch --once --out-dir out --json {BROKEN}", 1, True),
    ("watch --catalogue --once --out-dir out --exec 'exit 7'", 7, True),
    ("list --catalogue", 0, True),
    ("explore --catalogue --out-dir out", 0, False),
    (f"explore --out-dir out {BROKEN}", 1, False),
    ("settings --no-settings", 0, True),
    ("schema list", 0, True),
    ("--print-completion zsh", 0, True),
    ("cache stats --remote", 0, True),
    ("codegen --out-dir out", 2, False),
    ("fetch 2 --to tree", 2, False),
    ("fetch 2.15.0 --to .", 1, False),
    ("cache stats", 0, True),
    ("cache prune", 2, False),
    ("nothing", 2, False),
    ("", 2, False),
    ("emit", 2, False),
    ("--help", 0, True),
    ("emit --help", 0, True),
    ("--version", 0, True),
    ("--cmake-dir", 0, True),
]
# What a plain run looks at; the rest takes minutes.
QUICK = (
    f"check {BROKEN}",
    f"check {BROKEN} --format json",
    "emit --catalogue --out-dir out",
    f"watch --once --out-dir out --json {BROKEN}",
    "fetch 2 --to tree",
    "nothing",
    "--help",
)


def commands(quick: Container[str] = QUICK) -> list[ParameterSet]:
    """The commands, most of them marked as thorough."""
    return [
        pytest.param(*c, id=c[0], marks=[] if c[0] in quick else pytest.mark.thorough)
        for c in COMMANDS
    ]


CLOSED = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "| true", "2>&1 | true", "2>/dev/full"]


class Shell:
    """A shell in a folder with inputs, in which `derivload` is this checkout's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = child_environment()
        copy_catalogue(folder)
        text = (folder / DERIVATIVES).read_text("utf-8")
        wrong = "".join(f"- name: {'x' * 900}{i}\n" for i in range(100))
        (folder / "broken.yaml").write_text(text + wrong, "utf-8")
        (folder / "empty-cache").mkdir()

    def run(self, script: str) -> Ran:
        derivload = f'derivload() {{ {shlex.quote(sys.executable)} -m derivload "$@"; }}'
        done = subprocess.run(
            ["bash", "-c", f"{derivload}; set -o pipefail; {script}"],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.mark.parametrize(("command", "status", "_"), commands())
def test_a_closed_stream_changes_no_status(
    shell: Shell, command: str, status: int, _: bool, longer: bool
) -> None:
    """Without --long each way to close one is tried, but not all with each command."""
    step = 1 if longer else 3
    first = COMMANDS.index((command, status, _)) % step
    for stream in CLOSED[first::step]:
        shutil.rmtree(shell.folder / "out", ignore_errors=True)
        ran = shell.run(f"derivload {command} {stream}")
        assert (stream, ran.status) == (stream, status)
        assert b"Traceback" not in ran.out + ran.err
        assert b"Exception" not in ran.out + ran.err


@pytest.mark.parametrize(("command", "status", "has_result"), commands(QUICK[::2]))
def test_a_result_that_cannot_be_written_is_status_3(
    shell: Shell, command: str, status: int, has_result: bool
) -> None:
    ran = shell.run(f"derivload {command} >/dev/full")
    assert ran.status == (3 if has_result else status)
    assert ran.err.count(b"derivload: error: No space left on device\n") == has_result
    assert b"Traceback" not in ran.err and b"Exception" not in ran.err


@pytest.mark.parametrize(("command", "_", "__"), commands(QUICK[::2]))
def test_what_is_said_goes_to_no_other_stream(shell: Shell, command: str, _: int, __: bool) -> None:
    shell.environment["DERIVLOAD_CACHE_DIR"] = "empty-cache"
    first = shell.run(f"derivload {command} 2>/dev/null")
    shutil.rmtree(shell.folder / "out", ignore_errors=True)
    shutil.rmtree(shell.folder / "empty-cache")
    without = shell.run(f"derivload {command} 2>&-")
    assert (without.status, without.err) == (first.status, b"")
    lines = [len(ran.out.splitlines()) for ran in (first, without)]
    assert lines[0] == lines[1]
    assert first.out == b"" or first.status != 2


def test_what_a_command_of_exec_prints_is_no_json(shell: Shell) -> None:
    for stream in ("2>&-", "0<&- 2>&-"):
        shutil.rmtree(shell.folder / "out", ignore_errors=True)
        ran = shell.run(
            f"derivload watch --catalogue --once --json --out-dir out --exec 'echo said' {stream}"
        )
        events = [json.loads(line)["event"] for line in ran.out.splitlines()]
        assert events == ["started", "exec", "exec"]
        assert ran.err == b""


def test_a_file_never_takes_the_number_of_a_closed_stream(shell: Shell) -> None:
    emit = "derivload emit --catalogue --out-dir"
    done = shell.run(f"{emit} whole; {emit} out <&- >&- 2>&-")
    assert done.status == 0
    for path in (shell.folder / "whole").glob("*.json"):
        assert (shell.folder / "out" / path.name).read_bytes() == path.read_bytes()


def test_what_is_started_has_the_streams_that_were_opened(shell: Shell) -> None:
    look = " && ".join(f"test -e /proc/$$/fd/{number}" for number in range(3))
    start = (
        "import subprocess, sys; from derivload.terminal.streams import open_closed; "
        f"open_closed(); sys.exit(subprocess.call(['sh', '-c', '{look}']))"
    )
    python = f"{shlex.quote(sys.executable)} -c {shlex.quote(start)}"
    for stream in CLOSED[:4]:
        assert shell.run(f"{python} {stream}").status == 0


def test_a_command_of_exec_has_all_three_streams(shell: Shell) -> None:
    look = "ls -l /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2"
    ran = shell.run(f"derivload watch --catalogue --once --out-dir out --exec '{look}' <&- 2>&-")
    assert ran.status == 0
    assert ran.out.count(b"/proc/self/fd/") >= 3


@pytest.mark.parametrize("form", ["", "--json"])
def test_derivwatch_ends_when_nobody_reads(shell: Shell, form: str) -> None:
    command = [sys.executable, "-m", "derivload", "watch", "--out-dir", "out", *form.split()]
    with subprocess.Popen(
        [*command, *RIGHT.split(), "--exec", "yes | head -n 10"],
        env=shell.environment,
        cwd=shell.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        path = shell.folder / DERIVATIVES
        path.write_text(path.read_text("utf-8").replace("grad * luster", "luster * grad"), "utf-8")
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()
        said = process.stderr.read()
    assert b"Traceback" not in said
    assert said.replace(b"y\n", b"") == b""


# ------------------------------------------------------------------------------------ encodings


ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "utf-16"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize(
    "encoding",
    [*(pytest.param(e, marks=pytest.mark.thorough) for e in ENCODINGS[:-1]), ENCODINGS[-1]],
    ids=lambda e: " ".join(map("=".join, e.items())),
)
def test_no_encoding_ends_a_run(shell: Shell, encoding: dict[str, str]) -> None:
    name = os.fsencode(shell.folder) + "/ü€\udcff.yaml".encode("utf-8", "surrogateescape")
    text = (shell.folder / NATIVES).read_text("utf-8").replace("luster=0.5", "lüster=0.5")
    Path(os.fsdecode(name)).write_text(f"{text}- func: ü€\n", "utf-8")
    inputs = f"--derivatives {DERIVATIVES} --native-functions *.yaml --tags {TAGS}"
    (shell.folder / "broken.yaml").unlink()
    shell.run(f"mkdir inputs; mv {DERIVATIVES} {TAGS} inputs; rm {NATIVES}")
    inputs = f"--derivatives inputs/{DERIVATIVES} --native-functions *.yaml --tags inputs/{TAGS}"
    shell.environment |= encoding
    for command, status in [
        *((f"check {inputs} --format {form}", 1) for form in ("text", "json", "github", "sarif")),
        (f"emit --out-dir ü {inputs}", 1),
        (f"show ü {inputs}", 1),
        ("show --catalogue ü", 1),
        (f"watch --once --out-dir ü {inputs}", 1),
        (f"watch --once --json --out-dir ü {inputs}", 1),
        ("watch --catalogue --once --out-dir ü --exec 'echo ü€'", 0),
        ("watch --catalogue --once --json --out-dir $'ü\\xff' --exec 'echo ü€'", 0),
        ("emit --catalogue --out-dir ü --stats", 0),
        ("emit --catalogue --out-dir ü --stats", 0),
        ("emit --catalogue --out-dir ü€", 0),
        ("emit --catalogue --out-dir ü ü€", 2),
        ("emit --catalogue --out-dir ü --shards ü€", 2),
        ("fetch ü€ --to ü", 2),
        ("cache stats --cache-dir ü€", 0),
        ("check --explain DL001", 0),
        ("--help", 0),
    ]:
        ran = shell.run(f"derivload {command}")
        assert (command, ran.status, b"Traceback" in ran.err) == (command, status, False)
        if "json" in command or "sarif" in command:
            for line in ran.out.splitlines() if "--json" in command else [ran.out]:
                json.loads(line.decode("utf-8", "strict"))


def test_names_that_are_no_text_are_json_with_a_sign_for_it(shell: Shell) -> None:
    ran = shell.run("derivload watch --catalogue --once --json --out-dir $'out\\xff'")
    (event,) = map(json.loads, ran.out.decode().splitlines())
    assert event["out_dir"] == "out\ufffd"
    assert event["event"] == "started"


@pytest.mark.parametrize("encoding", ENCODINGS[:1] + ENCODINGS[-1:])
def test_json_is_utf_8_whatever_the_locale(shell: Shell, encoding: dict[str, str]) -> None:
    shell.environment |= encoding
    ran = shell.run("derivload watch --catalogue --once --json --out-dir ü")
    assert json.loads(ran.out.decode())["out_dir"] in ("ü", "\ufffd\ufffd")


def test_arguments_from_elsewhere_are_paths_in_any_locale(shell: Shell) -> None:
    shell.environment |= ENCODINGS[-1]
    (shell.folder / "flags").write_text("--catalogue\n--out-dir\nü\n", "utf-8")
    assert shell.run("derivload emit @flags").status == 0
    request = json.dumps({"arguments": ["--catalogue", "--out-dir", "ö"]}, ensure_ascii=False)
    ran = shell.run(f"derivload emit --persistent_worker <<<{shlex.quote(request)}")
    assert json.loads(ran.out.decode())["exitCode"] == 0
    assert (shell.folder / "ü" / "manifest.json").is_file()
    assert (shell.folder / "ö" / "manifest.json").is_file()


def test_a_nul_in_a_file_of_arguments_is_wrong_usage(shell: Shell) -> None:
    (shell.folder / "flags").write_bytes(b"--out-dir\nout\0\n")
    ran = shell.run("derivload emit @flags")
    assert ran == (2, b"", b"derivload: error: flags: it contains a NUL\n")


@pytest.mark.parametrize("encoding", [{}, ENCODINGS[-1]])
def test_a_path_for_a_program_is_the_path(tmp_path: Path, encoding: dict[str, str]) -> None:
    source = tmp_path / "ü" / "src"
    shutil.copytree(SOURCE / "derivload", source / "derivload")
    (tmp_path / "ü" / "cmake").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "derivload", "--cmake-dir"],
        env=child_environment(source, **encoding),
        stdout=subprocess.PIPE,
        check=True,
    )
    assert done.stdout == os.fsencode(tmp_path / "ü" / "cmake") + b"\n"
