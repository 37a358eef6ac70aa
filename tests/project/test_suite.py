"""The test suite itself: green means that it was tested.

Each test runs some of the suite again, in a process of its own, on a machine that lacks something.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.paths import ROOT

PARITY = "tests/upstream/test_parity.py"
QUICK = "tests/loading/test_api.py"
WORKERS = ["--numprocesses", "2", "--dist", "loadscope", "--no-loadscope-reorder"]
HOWS = [
    pytest.param(["-q"], id="one process"),
    pytest.param(WORKERS, id="two", marks=pytest.mark.thorough),
]


@pytest.fixture
def new_machine(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine without releases, whose index refuses."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "PYTEST_")) and name != "CI"
    }
    return {
        **inherited,
        "DERIVLOAD_TEST_CACHE": str(tmp_path / "cache"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
    }


def run(environment: dict[str, str], *arguments: str) -> tuple[int, list[str]]:
    """The exit status of pytest, and the lines that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def closing_line(lines: list[str]) -> dict[str, int]:
    """What pytest counts at its end."""
    (line,) = [
        line for line in lines if re.search(r"\d (passed|errors?|failed).* in [\d.]+s", line)
    ]
    return {word.rstrip("s"): int(count) for count, word in re.findall(r"(\d+) ([a-z]+)", line)}


@pytest.mark.parametrize("how", HOWS)
def test_a_release_that_cannot_be_fetched_is_a_failure_told_once(
    how: list[str], new_machine: dict[str, str]
) -> None:
    status, lines = run(new_machine, *how, PARITY, QUICK)
    counts = closing_line(lines)
    assert status == 1, lines
    untested = counts["failed"] + counts["error"]
    assert untested > 5, lines
    assert counts["passed"] > 0, lines
    (told,) = [index for index, line in enumerate(lines) if "is not here; " in line]
    assert lines[told - 1].strip("= ") == "NOT TESTED"
    assert re.fullmatch(rf"PyTorch \S+ is not here; {untested} tests need it.", lines[told])
    assert re.fullmatch(r"    \S.+", lines[told + 1]), "the cause"
    assert not [line for line in lines if line.strip("= ") in ("ERRORS", "FAILURES")]
    assert len([line for line in lines if line.startswith(("FAILED", "ERROR"))]) == 1


@pytest.mark.parametrize("how", HOWS)
def test_offline_leaves_out_what_is_not_here_and_counts_it_last(
    how: list[str], new_machine: dict[str, str], tmp_path: Path
) -> None:
    status, lines = run(new_machine, *how, "--offline", PARITY, QUICK)
    counts = closing_line(lines)
    assert status == 0, lines
    left_out = counts["skipped"]
    assert left_out > 5, lines
    assert re.fullmatch(
        rf"{left_out} tests were left out: PyTorch \S+ is not here \({left_out}\)", lines[-1]
    )
    assert not (tmp_path / "cache").exists()


def test_a_tool_that_is_not_there_is_a_failure(new_machine: dict[str, str], tmp_path: Path) -> None:
    without = {**new_machine, "PATH": str(tmp_path)}
    status, lines = run(without, "tests/outputs/test_depfile.py", "-k", "reads_it")
    assert status == 1
    assert closing_line(lines)["failed"] == 2
    assert "there is no ninja on this machine; 1 test needs it." in lines
    assert "there is no GNU make on this machine; 1 test needs it." in lines
    status, lines = run(without, "tests/outputs/test_depfile.py", "-k", "reads_it", "--offline")
    assert status == 0
    assert lines[-1] == (
        "2 tests were left out: there is no ninja on this machine (1),"
        " there is no GNU make on this machine (1)"
    )


def test_thorough_tests_are_counted_and_in_ci_pytests_line_is_the_last(
    new_machine: dict[str, str],
) -> None:
    thorough = ["-m", "thorough", "--offline", "tests/commands/watch/test_watch_codegen.py"]
    status, lines = run(new_machine, *thorough)
    assert status == 0
    assert re.fullmatch(
        r"(\d) tests were left out: thorough tests are for CI and --long \(\1\)", lines[-1]
    )
    in_ci = {**new_machine, "CI": "true"}
    status, lines = run(in_ci, *thorough[:2], thorough[-1])
    assert status == 1
    assert "NOT TESTED" in "".join(lines)
    assert closing_line(lines[-1:])["error"] > 0


@pytest.mark.thorough
def test_a_mistake_is_told_when_it_is_found(new_machine: dict[str, str], tmp_path: Path) -> None:
    """And again in the summary, which may be minutes away."""
    mistaken = tmp_path / "test_mistaken.py"
    mistaken.write_text("def test_sum() -> None:\n    assert 1 + 1 == 3, 'no sum'\n", "utf-8")
    suite = tmp_path / "conftest.py"
    suite.write_text((ROOT / "tests" / "conftest.py").read_text("utf-8"), "utf-8")
    environment = {**new_machine, "PYTHONPATH": str(ROOT / "tests")}
    status, lines = run(environment, "--rootdir", str(tmp_path), str(mistaken))
    assert status == 1
    told = [index for index, line in enumerate(lines) if line.startswith("FAILED ")]
    summary = next(index for index, line in enumerate(lines) if "FAILURES" in line)
    assert len(told) == 2
    assert told[0] < summary < told[1]
    assert lines[told[0]].endswith("test_mistaken.py::test_sum: AssertionError: no sum")


def test_what_is_quick_comes_first(new_machine: dict[str, str]) -> None:
    files = [
        "tests/bazel/test_bazel.py",
        "tests/terminal/test_streams.py",
        "tests/schema/test_schema.py",
    ]
    _, lines = run(new_machine, "--collect-only", "-q", *files)
    names = [line.partition("::")[0] for line in lines if "::" in line]
    assert list(dict.fromkeys(names)) == files[::-1]


def test_the_order_names_files_that_there_are() -> None:
    from support.order import LONG

    assert [name for name in LONG if not list(ROOT.glob(f"tests/**/{name}"))] == []


def test_no_test_imports_another() -> None:
    another = re.compile(r"^\s*(?:from|import) (?:[\w.]+\.)?(?:test_\w+|conftest)\b", re.MULTILINE)
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert [str(path) for path in files if another.search(path.read_text("utf-8"))] == []


@pytest.mark.thorough
def test_offline_the_script_installs_nothing(new_machine: dict[str, str], tmp_path: Path) -> None:
    """In a checkout whose environment is older than pyproject.toml: another run would ask pip."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("script", "src", "tests", "benchmarks", "mutation", "website", "pyproject.toml"):
        (checkout / name).symlink_to(ROOT / name)
    command = ["sh", "script/test", "--offline", PARITY, QUICK]

    def offline() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=checkout,
            env=new_machine,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    done = offline()
    assert done.returncode == 3
    assert "There is no .venv" in done.stderr
    environment = checkout / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    for tool in ("ruff", "mypy", "lint-imports"):
        (environment / "bin" / tool).symlink_to(Path(sys.prefix, "bin", tool))
    (installed,) = environment.glob("lib/python*/site-packages")
    others = [path for path in sys.path if Path(path).name == "site-packages"]
    (installed / "test.pth").write_text("\n".join([str(ROOT / "src"), *others]), "utf-8")
    done = offline()
    assert done.returncode == 0, done
    assert "tests were left out: PyTorch" in done.stdout.splitlines()[-1]
    assert not list(environment.glob(".derivload*"))


def test_ci_is_set_by_what_ci_runs(tmp_path: Path) -> None:
    """With nothing on standard input, and its arguments passed on."""
    (tmp_path / "script").mkdir()
    (tmp_path / ".ci").mkdir()
    (tmp_path / "script" / "test").write_text('echo "CI=$CI"; echo "$@"; cat\n', "utf-8")
    (tmp_path / ".ci" / "run").write_bytes((ROOT / ".ci" / "run").read_bytes())
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        ["sh", str(tmp_path / ".ci" / "run"), "-k", "two words"],
        input="typed\n",
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "CI=true\n-k two words\n"
