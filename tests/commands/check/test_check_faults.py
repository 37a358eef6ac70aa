"""`check` when the system fails it, and inputs that are no plain files, for all that read them."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.bad_disks import fill, restless
from support.child import child_environment
from support.paths import DERIVATIVES, NATIVES, TAGS
from support.project import Project
from support.sampling import one_in

RIGHT, MISTAKEN = "self: grad * luster", "self: grad * luster.sizes()"
INPUTS = f"--derivatives {DERIVATIVES} --native-functions {NATIVES} --tags {TAGS}"
NOBODY = "error[DL001]: cannot read this file: it is a pipe that nothing writes to\n"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="made of what Linux and bash have")


class Mistaken(Project):
    """A catalogue with a mistake, and a shell in its folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.right = self.derivatives.read_text("utf-8")
        self.edit(RIGHT, MISTAKEN)
        self.mistaken = self.derivatives.read_text("utf-8")

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        with self.start(command) as process:
            out, err = process.communicate(timeout=60)
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a command of bash, in which `derivload` is this checkout's, with pipefail."""
        derivload = f'derivload() {{ {shlex.quote(sys.executable)} -m derivload "$@"; }}'
        return subprocess.Popen(
            ["bash", "-c", f"set -o pipefail; {derivload}; {command}"],
            cwd=self.folder,
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def project(tmp_path: Path) -> Mistaken:
    return Mistaken(tmp_path / "project")


# ----------------------------------------------------------------------------- files and disks


@pytest.mark.parametrize("command", ["check", "emit --out-dir out", "show gild"])
def test_a_file_of_which_reading_fails(project: Mistaken, command: str) -> None:
    # Opening this one succeeds, for anybody, and reading does not.
    done = project.shell(f"derivload {command} {INPUTS.replace(TAGS, '/proc/self/mem')}")
    told = done.stdout if command == "check" else done.stderr
    assert done.returncode == 1
    assert "/proc/self/mem: error[DL001]: cannot read this file: Input/output error\n" in told
    assert "error[DL420]" in told


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
@pytest.mark.parametrize("command", ["check", "emit --out-dir out"])
def test_a_file_that_may_not_be_read(project: Mistaken, command: str) -> None:
    (project.folder / TAGS).chmod(0)
    derivload = "derivload"
    if os.geteuid() == 0:  # who may read any file, but for this
        without = "setpriv --bounding-set -all --inh-caps -all"
        derivload = f"{without} {shlex.quote(sys.executable)} -m derivload"
    done = project.shell(f"{derivload} {command} {INPUTS}")
    told = done.stdout if command == "check" else done.stderr
    assert done.returncode == 1
    assert "tags.yaml: error[DL001]: cannot read this file: Permission denied\n" in told


@pytest.mark.parametrize("vanishes", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_a_file_that_does_not_hold_still(project: Mistaken, vanishes: bool) -> None:
    file = project.derivatives

    def change() -> None:
        if vanishes:
            file.unlink(missing_ok=True)
        for text in (project.right, project.mistaken):
            file.write_text(text, "utf-8")

    with restless(change):
        for _ in range(5):
            done = project.shell(f"derivload check {INPUTS}")
            # What was read may be nothing yet, or a part, whose mistake may have a fix.
            assert done.returncode in (0, 1)
            assert done.stderr.count("\n") == 1 + done.stderr.count("can be fixed")
    assert "error[DL420]" in project.shell(f"derivload check {INPUTS}").stdout


def test_a_full_disk_below_the_cache(project: Mistaken, small_disk: Path) -> None:
    cache = f"--cache-dir {small_disk}/cache"
    without = project.shell(f"derivload check {INPUTS} --no-cache")
    fill(small_disk)
    for _ in range(2):
        done = project.shell(f"derivload check {INPUTS} {cache}")
        assert (done.returncode, done.stdout) == (without.returncode, without.stdout)
        assert done.stderr.count("warning") <= 1
    (small_disk / "filler").unlink()
    for _ in range(2):
        done = project.shell(f"derivload check {INPUTS} {cache}")
        assert (done.stdout, done.stderr) == (without.stdout, without.stderr)


# --------------------------------------------------------------------- streams and signals


@pytest.mark.parametrize(
    ("form", "reader"),
    [
        pytest.param(form, reader, marks=[] if is_plain else pytest.mark.thorough)
        for reader, plain in (("| head -n 1", "text"), ("| true", "json sarif"), (">&-", "github"))
        for form in ("text", "json", "github", "sarif")
        for is_plain in [form in plain.split()]
    ],
)
def test_a_stdout_that_nobody_reads_to_its_end(project: Mistaken, form: str, reader: str) -> None:
    many = "".join(f"- name: {'x' * 900}{i}\n" for i in range(200))
    (project.folder / DERIVATIVES).write_text(many, "utf-8")
    done = project.shell(f"derivload check {INPUTS} --format {form} {reader}")
    assert done.returncode in (0, 1)
    assert re.fullmatch("(derivload: 200 errors in .*\n)?", done.stderr), done.stderr


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_a_stdout_that_is_full(project: Mistaken, form: str) -> None:
    done = project.shell(f"derivload check {INPUTS} --format {form} >/dev/full")
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (
        3,
        ["derivload: error: No space left on device"],
    )


def test_a_stderr_that_nobody_reads_changes_no_result(project: Mistaken) -> None:
    result = project.shell(f"derivload check {INPUTS}").stdout
    for stream in ("2>&-", "2>/dev/full"):
        done = project.shell(f"derivload check {INPUTS} {stream}")
        assert (done.returncode, done.stdout, done.stderr) == (1, result, "")


@pytest.mark.thorough
def test_ended_half_way_the_next_run_is_right(project: Mistaken, tmp_path: Path) -> None:
    command = f"check {INPUTS} --cache-dir {tmp_path}/cache"
    result = project.shell(f"derivload check {INPUTS} --no-cache").stdout
    ended = 0
    for moment in range(8):
        process = project.start(f"exec {shlex.quote(sys.executable)} -m derivload {command}")
        time.sleep(0.04 * moment)
        process.terminate()
        out, err = process.communicate(timeout=60)
        assert process.returncode in (1, -signal.SIGTERM)
        assert "Traceback" not in err
        assert out in ("", result)
        ended += process.returncode < 0
        assert project.shell(f"derivload {command}").stdout == result
    assert ended


# ------------------------------------------------------------------------------------- pipes


@pytest.mark.parametrize("command", one_in(2, ["check", "emit --out-dir out", "show gild"]))
@pytest.mark.parametrize("name", one_in(2, [DERIVATIVES, NATIVES, TAGS]))
def test_a_pipe_that_nobody_writes_to(project: Mistaken, command: str, name: str) -> None:
    (project.folder / name).unlink()
    os.mkfifo(project.folder / name)
    done = project.shell(f"derivload {command} {INPUTS}")
    told = done.stdout if command == "check" else done.stderr
    assert done.returncode == 1
    assert f"{name}: {NOBODY}" in told


@pytest.mark.parametrize(
    "command",
    one_in(
        2,
        [
            "cat some.yaml | derivload {} /dev/stdin",
            "derivload {} /dev/stdin <some.yaml",
            "derivload {} <(cat some.yaml)",
            "derivload {} <(sleep 2.5; cat some.yaml)",
            "derivload {} <(head -c 100 some.yaml; sleep 2.5; tail -c +101 some.yaml)",
            "cat some.yaml >pipe & derivload {} pipe",
            "(sleep 0.5; cat some.yaml >pipe) & derivload {} pipe",
        ],
    ),
)
def test_a_pipe_that_somebody_writes_to(project: Mistaken, command: str) -> None:
    os.mkfifo(project.folder / "pipe")
    (project.folder / "some.yaml").write_text(project.right, "utf-8")
    check = f"check --native-functions {NATIVES} --tags {TAGS} --derivatives"
    done = project.shell(command.format(check))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("derivload: no mistakes in "), done.stderr


def test_a_pipe_is_read_once(project: Mistaken) -> None:
    (project.folder / "right.yaml").write_text(project.right, "utf-8")
    options = f"--native-functions {NATIVES} --tags {TAGS} --out-dir out"

    def emit(source: str) -> subprocess.CompletedProcess[str]:
        return project.shell(f"derivload emit --derivatives <({source}) {options}")

    wrote = "derivload: out: wrote differentiability.json, functions.json, manifest.json\n"
    assert emit("cat right.yaml").stderr == wrote
    assert emit("cat right.yaml").stderr == "derivload: out: up to date\n"
    other = emit("sed 's/grad . luster/luster * grad/' right.yaml")
    assert other.stderr == "derivload: out: wrote differentiability.json, manifest.json\n"


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/pagemap"])
def test_what_has_no_end_is_too_large(project: Mistaken, path: str) -> None:
    done = project.shell(f"derivload check {INPUTS.replace(TAGS, path)}")
    assert done.returncode == 1
    assert f"{path}: error[DL010]: cannot read this file: it is larger than 16 MB" in done.stdout


@pytest.mark.parametrize("command", ["show nothing", "emit --out-dir out --stats"])
def test_what_cannot_be_said_on_stderr_is_not_said_on_stdout(
    project: Mistaken, command: str
) -> None:
    with_it, without = (project.shell(f"derivload {command} {to}") for to in ("", "2>&-"))
    assert (without.returncode, without.stdout) == (with_it.returncode, with_it.stdout)
