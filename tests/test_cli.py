"""What the command line does itself: the exit status of each end, and what it says of it."""

from __future__ import annotations

import errno
import gc
import io
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from derivload import cli
from derivload.cli import main
from derivload.commands import about, emit
from derivload.commands.arguments import with_files_read
from derivload.loading.errors import SettingsError, TreeCodeError, UsageError
from derivload.version import __version__
from support.child import child_environment
from support.paths import DERIVATIVES, NATIVES, PACKAGE, ROOT
from support.project import copy_catalogue

Captured = pytest.CaptureFixture[str]
EMIT = ["emit", "--catalogue", "--out-dir", "out"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# How a run ends


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (OSError(errno.EACCES, "no", "a\tb"), 3, "derivload: error: a\\tb: no\n"),
        (OSError(errno.EACCES, "no"), 3, "derivload: error: no\n"),
        (OSError("it is odd"), 3, "derivload: error: it is odd\n"),
        (UsageError("write it"), 2, "derivload: error: write it\n"),
        (SettingsError(["one", "two"]), 2, "one\ntwo\n"),
        (TreeCodeError("one\ntwo"), 1, "derivload: error: one\ntwo\n"),
    ],
)
def test_each_error_has_its_status(
    error: BaseException, status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def fail(options: object) -> int:
        raise error

    monkeypatch.setattr(emit, "run", fail)
    assert main(EMIT) == status
    assert capsys.readouterr() == ("", said)


class Stream(io.StringIO):
    """A stdout that cannot be flushed."""

    def __init__(self, file: int, error: OSError) -> None:
        super().__init__()
        self._file = file
        self.error = error

    def fileno(self) -> int:
        return self._file

    def flush(self) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "arguments", "status", "said"),
    [
        (OSError(errno.ENOSPC, "No space"), ["--version"], 3, "derivload: error: No space\n"),
        (OSError("it is odd"), ["--version"], 3, "derivload: error: it is odd\n"),
        (BrokenPipeError(), ["--version"], 0, ""),
        (BrokenPipeError(), ["emit", "@none"], 2, "derivload: error: none: No such file or d"),
        (OSError(errno.ENOSPC, "No space"), [*EMIT[:-1], "/proc/none"], 3, "derivload: error: /"),
    ],
)
def test_a_stdout_that_cannot_be_written_is_told_once(
    error: OSError,
    arguments: list[str],
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    with Path("stream").open("wb") as file:
        monkeypatch.setattr(sys, "stdout", Stream(file.fileno(), error))
        assert main(arguments) == status
        # It leads nowhere by now.
        assert os.path.samestat(os.fstat(file.fileno()), Path(os.devnull).stat())
    monkeypatch.undo()
    err = capsys.readouterr().err
    assert err.startswith(said)
    assert err.count("\n") == bool(said)


@pytest.mark.skipif(sys.platform == "win32", reason="a current folder cannot be removed there")
def test_a_current_folder_that_is_gone_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (folder / "gone").mkdir()
    monkeypatch.chdir(folder / "gone")
    (folder / "gone").rmdir()
    assert main(["check", "--pytorch", "x"]) == 3
    assert "error: the current folder is gone, change to another one: " in capsys.readouterr().err
    files = [
        f"--derivatives={PACKAGE}/catalog/{DERIVATIVES}",
        f"--native-functions={PACKAGE}/catalog/{NATIVES}",
    ]
    assert main(["check", *files, "--native-functions=o.yaml"]) == 1
    assert capsys.readouterr().out.startswith("o.yaml: error[DL001]")


def test_a_closed_stderr_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("stream").open("wb") as file:
        monkeypatch.setattr(sys, "stderr", Stream(file.fileno(), BrokenPipeError()))
        assert main(EMIT) == 0
        assert main(EMIT) == 0
        assert main(["emit", "@none"]) == 2


def test_what_is_said_is_one_line_that_is_fit(capsys: Captured) -> None:
    Path("##[x]").write_text("")
    assert main(["emit", "@a\tb"]) == 2
    assert main(["emit", "@##[x]", "@no ##[y]"]) == 2
    assert capsys.readouterr().err == (
        "derivload: error: a\\tb: No such file or directory\n"
        "derivload: error: no \\x23#[y]: No such file or directory\n"
    )


# Which command it is


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The command lines as they are read, of which none is run."""
    seen: list[list[str]] = []

    def parse(arguments: list[str]) -> int:
        seen.append(arguments)
        return 7

    monkeypatch.setattr(cli, "_parse", parse)
    yield seen


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        (["--once"], ["watch", "--once"]),
        ([], ["watch"]),
        (["--version"], ["--version"]),
        (["--print-completion", "bash"], ["--print-completion", "bash"]),
        (["--once", "--version"], ["watch", "--once", "--version"]),
    ],
)
def test_derivwatch_is_derivload_watch(
    arguments: list[str], read: list[str], parsed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["derivwatch", *arguments])
    monkeypatch.setattr("derivload.identity.start_again_if_unsure", lambda: None)
    monkeypatch.setattr("derivload.terminal.streams.make_fit", lambda: None)
    assert cli.watch() == 7
    assert parsed == [read]
    assert not gc.isenabled()
    gc.enable()


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        (["--verbose", "emit", "a"], ["emit", "--verbose", "a"]),
        (["codegen", "--out_dir=a_b", "c_d"], ["codegen", "--out-dir=a_b", "c_d"]),
        (["watch", "--out_dir", "--a_b=c_d=e_f"], ["watch", "--out-dir", "--a-b=c_d=e_f"]),
        (["emit", "--out_dir"], ["emit", "--out_dir"]),
        (["@file", "c"], ["check", "--out_dir", "c"]),
        (["run", "script", "@none"], ["run", "script", "@none"]),
        (["run", "--quiet", "-m", "script", "@none"], ["run", "--quiet", "-m", "script", "@none"]),
        (["--quiet", "run", "script", "@none"], ["run", "--quiet", "script", "@none"]),
        (["run", "@script"], ["run", "s", "a b"]),
    ],
)
def test_a_command_line_is_read_in_one_form(
    arguments: list[str], read: list[str], parsed: list[list[str]]
) -> None:
    Path("file").write_text("check\n--out_dir\n")
    Path("script").write_text("s\na b\n")
    assert main(arguments) == 7
    assert parsed == [read]


def test_folders_and_the_version_are_printed(capsys: Captured) -> None:
    assert main(["--cmake-dir"]) == main(["--bazel-dir"]) == main(["--version"]) == 0
    assert capsys.readouterr() == (f"{ROOT}/cmake\n{ROOT}/bazel\nderivload {__version__}\n", "")
    assert main(["--version", "--verbose"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"derivload {__version__}"
    assert lines == [*about.versions()]
    assert lines[0] == f"package    {PACKAGE}"
    assert lines[1].startswith(f"Python     {sys.version_info[0]}.{sys.version_info[1]}.")
    assert lines[1].endswith(f", {sys.executable}")
    assert [line.split()[0] for line in lines[2:]] == ["PyYAML", "msgspec", "diskcache", "torchgen"]
    assert lines[-1] == "torchgen   the rules of 2.1 to 2.15"


def test_a_run_in_detail_begins_with_the_versions(capsys: Captured) -> None:
    assert main([*EMIT, "--verbose"]) == 0
    err = capsys.readouterr().err.splitlines()
    assert err[0] == f"derivload: version    {__version__}"
    assert err[1:7] == [f"derivload: {line}" for line in about.versions()]
    assert err[7].startswith("derivload: input      ")
    assert main(EMIT) == 0
    assert capsys.readouterr().err == "derivload: out: up to date\n"


# Nothing to do


def test_nothing_to_do_is_said_as_is_asked_for(capsys: Captured) -> None:
    assert main(EMIT) == 0
    capsys.readouterr()
    for more, out, err in (
        (["--quiet"], "", ""),
        (["--stats=text"], "", "derivload: exit      up-to-date\n"),
        (["--stats"], "", "derivload: exit      up-to-date\n"),
        (["--stats", "text"], "", "derivload: exit      up-to-date\n"),
        (["--stats=json", "--quiet"], '{"exit": "up-to-date", "counts": {"inputs": 3, "outp', ""),
        (["--stats", "json", "--quiet"], '{"exit": "up-to-date"', ""),
    ):
        assert main([*EMIT, *more]) == 0  # a form that is a word of its own is another command line
        capsys.readouterr()
        assert main([*EMIT, *more]) == 0
        said = capsys.readouterr()
        assert said.out.startswith(out)
        assert said.err.startswith("" if "--quiet" in more else "derivload: out: up to date\n")
        assert err in said.err
        assert bool(said.out) == bool(out)
    start = time.perf_counter()
    assert main([*EMIT, "--quiet"]) == main([*EMIT, "--quiet", "--stats=json"]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert (stats["counts"], [*stats["seconds"]]) == ({"inputs": 3, "outputs": 3}, ["check"])
    assert 0 <= stats["seconds"]["check"] <= time.perf_counter() - start


@pytest.mark.parametrize("option", ["--no-cache", "--verbose"])
def test_what_needs_the_whole_command_is_no_quick_end(option: str, capsys: Captured) -> None:
    for where in (EMIT, ["emit"]):
        Path("derivload.toml").write_text(
            "" if where == EMIT else f"{option[2:]} = true\ncatalogue = true\nout-dir = 'out'\n"
        )
        own = [option] if where == EMIT else []
        for _ in range(2):
            assert main([*where, *own, "--stats=json"]) == 0
            assert json.loads(capsys.readouterr().out)["exit"] != "up-to-date"


def test_settings_that_are_found_and_the_notes_of_a_run_are_said_again(
    folder: Path, capsys: Captured
) -> None:
    Path("derivload.toml").write_text('catalogue = true\nout-dir = "o"\n')
    Path("below").mkdir()
    os.chdir("below")
    assert main(["emit"]) == 0
    first = capsys.readouterr().err.splitlines()
    assert main(["emit"]) == 0
    again = capsys.readouterr().err.splitlines()
    assert again == ["derivload: ../o: up to date", *first[1:]]
    assert "derivload.toml" in again[-1]


# Scripts


def test_a_script_that_has_nothing_to_do_is_not_run(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in child_environment().items():
        monkeypatch.setenv(name, value)
    Path("script.py").write_text("import sys; print('said'); print('told', file=sys.stderr)")
    command = ["run", "--stats", "json", "script.py"]
    assert main(command) == 0
    first, stats = capfd.readouterr().out.splitlines()
    assert (first, json.loads(stats)["exit"]) == ("said", "ran")
    assert main(command) == 0
    said = capfd.readouterr()
    first, again = said.out.splitlines()
    assert (first, json.loads(again)["exit"]) == ("said", "up-to-date")
    assert json.loads(again)["counts"] == json.loads(stats)["counts"]
    assert said.err == "told\nderivload: script.py: up to date\n"
    Path("derivload.toml").write_text("quiet = true\n")
    assert main(["run", "script.py"]) == 0
    assert capfd.readouterr() == ("said\n", "told\n")
    Path("derivload.toml").write_text("quite = true\nquiet = 1\n")
    assert main(["run", "script.py"]) == 2
    assert "there is no setting `quite`" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("[run]\nstats = 'json'\n", ["--stats=json"]),
        ("stats = 'text'\n", ["--stats=text"]),
        ("cache-dir = 'c'\n", ["--cache-dir=c"]),
        ("state-dir = 's'\n", ["--state-dir=s"]),
        ("quiet = true\n", ["--quiet"]),
        ("verbose = true\n", ["--verbose"]),
        ("color = 'never'\n", ["--color=never"]),
        ("places = true\n", []),
    ],
)
def test_settings_of_a_run_are_its_own_options(text: str, added: list[str]) -> None:
    Path("derivload.toml").write_text(text)
    assert [*cli._settings_of_run([])] == added
    assert [*cli._settings_of_run(["--no-settings"])] == []


def test_what_was_noted_is_said_again_if_nothing_is_to_be_done(capsys: Captured) -> None:
    copy_catalogue(Path("a\nb"))
    inputs = ["--derivatives", f"a\nb/{DERIVATIVES}", "--native-functions", f"a\nb/{NATIVES}"]
    for done in ("wrote ", "up to date\n"):
        assert main(["emit", *inputs, "--out-dir", "o", "--depfile", "dep"]) == 0
        err = capsys.readouterr().err
        assert f"derivload: o: {done}" in err
        assert "derivload: note: a depfile cannot name " in err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("emit\0\n", "file: it contains a NUL"),
        ("a\n" * 10_001, "10001 arguments are too many: give 10000 at most"),
        (None, "@ stands for no arguments: name the file behind it, as in @FILE"),
    ],
)
def test_a_file_of_arguments_that_will_not_do_is_told(
    text: str | None, said: str, capsys: Captured
) -> None:
    Path("file").write_text(text or "")
    assert main(["@" if text is None else "@file"]) == 2
    assert capsys.readouterr() == ("", f"derivload: error: {said}\n")


@pytest.mark.parametrize("program", ["derivload", "derivwatch"])
def test_a_shell_completes_the_program_that_was_called(
    program: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"derivload": "derivwatch", "derivwatch": "derivload"}[program]
    for name in (program, f"/bin/{program}", f"/bin/{program}.exe"):
        monkeypatch.setattr(sys, "argv", [name])
        assert main(["--print-completion", "bash"]) == 0
        out = capsys.readouterr().out
        assert f"_{program} {program}\n" in out
        assert f" {other}\n" not in out
    for folder in ("cmake", "bazel"):
        assert main([f"--{folder}-dir", "--quiet"]) == 0
        assert capsys.readouterr().out == f"{ROOT}/{folder}\n"


def test_a_language_server_takes_no_settings_from_where_it_starts() -> None:
    Path("derivload.toml").write_text("quiet = true\n")
    for command, is_quiet in (("lsp", False), ("check", True)):
        options = cli._parse([command])
        assert not isinstance(options, int)
        assert options.quiet == is_quiet


def test_lines_of_arguments_end_as_on_any_system() -> None:
    for text in (b"a\nb c\n", b"a\r\nb c\r\n", b"a\rb c\r", b"\xef\xbb\xbfa\nb c"):
        Path("file").write_bytes(text)
        assert with_files_read(["@file", "d"]) == ["a", "b c", "d"]
