"""The command line: where options may stand, and what is said of one that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derivload.cli import main
from support.exits import Exits
from support.paths import CATALOGUE, DERIVATIVES, NATIVES

Captured = pytest.CaptureFixture[str]
INPUTS = [
    *("--derivatives", str(CATALOGUE / DERIVATIVES)),
    *("--native-functions", str(CATALOGUE / NATIVES)),
]


def test_lists_may_be_interrupted_by_options(capsys: Captured) -> None:
    for arguments in ("gild --format names gleam_", "gild gleam_ --format=names"):
        assert main(["list", "--catalogue", *arguments.split()]) == 0
        listed = capsys.readouterr().out.split()
        assert {*listed} == {"gild", "gild_", "gleam_", "gild.out"}
    assert main(["show", *INPUTS, "gild", "--quiet", "--", "gleam"]) == 0


# Names that are not quite right.


@pytest.mark.parametrize(
    ("arguments", "who", "said"),
    [
        ("chek", "", "there is no command `chek`; did you mean `check` or `cache`?"),
        ("--quiet chek", "", "there is no command `chek`; did you mean "),
        ("zzz", "", "there is no command `zzz` (choose from emit, codegen, run, "),
        ("check --formt json", "check", "there is no option --formt; did you mean `--format`?"),
        ("emit --out-dri out", "emit", "there is no option --out-dri; did you mean `--out-dir`?"),
        ("emit --out-dri=a b", "emit", "there is no option --out-dri; did you mean `--out-dir`?"),
        ("check --native f", "check", "there is no option --native; did you mean `--nat"),
        ("show --cache_dir d", "show", "there is no option --cache_dir; did you mean `--cache-dir"),
        ("emit --zzz", "emit", "there is no option --zzz"),
        ("--zzz", "", "there is no option --zzz"),
        ("--quiet --shards=3", "", "--shards is an option of emit and watch, not of this"),
        ("run --stat x.py", "run", "there is no option --stat; did you mean "),
        ("check --shards 3", "check", "--shards is an option of emit and watch, not of this"),
        ("check --version", "check", "--version is an option of derivload itself, not of this"),
        (
            "check --format jsn",
            "check",
            "argument --format: invalid choice: 'jsn' (choose from text, json, github, sarif); di",
        ),
        ("emit --stats=jsno", "emit", "argument --stats: invalid choice: 'jsno' (choose from "),
        ("cache stat", "cache", "argument action: invalid choice: 'stat' (choose from stats, "),
        ("--color allways check", "check", "argument --color: invalid choice: 'allways' (choose"),
        ("fetch 2.15 2.14 --to x", "fetch", "there is no place for 2.14"),
        ("--quiet", "", "the following arguments are required: COMMAND"),
        ("", "", "the following arguments are required: COMMAND"),
        ("show --quiet --verbose gild", "show", "argument --verbose: not allowed with argument "),
    ],
)
def test_what_is_wrong_gets_one_sentence(
    capsys: Captured, arguments: str, who: str, said: str
) -> None:
    assert main(arguments.split()) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"{f'derivload {who}'.strip()}: error: {said}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--catalogue", "--tags x.yaml"], "`--tags x.yaml` is one argument with a space"),
        (["check", "--catalogue "], "`--catalogue ` is one argument with a space in it"),
        (["emit", "--catalogue", "--out-dir x"], "`--out-dir x` is one argument with a space"),
        (["check", "--catalogue", "--zzz x"], "cannot read --zzz x: No such file"),
        (["check", "--catalogue", ""], "an argument is empty: an @FILE has one argument in each"),
        (["emit", "--catalogue", "--out-dir", "x", ""], "an argument is empty: an @FILE has one"),
    ],
)
def test_an_argument_with_a_space_is_not_passed_over(
    capsys: Captured, arguments: list[str], said: str
) -> None:
    assert main(arguments) == 2
    assert f"derivload {arguments[0]}: error: {said}" in capsys.readouterr().err


def test_value_of_an_option_may_look_like_an_option_and_its_value(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["emit", "--catalogue", "--no-cache", "--out-dir", "--tags x"]) == 0
    assert (tmp_path / "--tags x" / "manifest.json").exists()


@pytest.mark.parametrize("name", ["--cmake-dir", "--bazel-dir", "--version"])
def test_what_is_asked_for_instead_of_a_command_stands_without_one(
    capsys: Captured, name: str
) -> None:
    assert main(["--quiet", name, "check"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"derivload: error: {name} is asked for without a command" in said.err


def test_version_of_fetch_is_not_asked_for_instead_of_a_command(capsys: Captured) -> None:
    assert main(["--quiet", "fetch", "nonsense", "--to", "x"]) == 2
    assert "'nonsense' is not a PyTorch version" in capsys.readouterr().err


# Options before the command.


def test_options_may_stand_before_the_command(capsys: Captured, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    assert (
        main(["--out-dir", out, "--shards", "3", "--no-cache", "--stats=json", "emit", *INPUTS])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["exit"] == "cold"
    assert (tmp_path / "out" / "differentiability_2.json").exists()


def test_value_of_an_option_is_no_command(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--cache-dir", "check", *INPUTS, "emit", "--out-dir", "show"]) == 0
    assert (tmp_path / "check").is_dir()
    assert (tmp_path / "show" / "manifest.json").exists()
    assert main(["--stats", "json", "emit", "--out-dir", "show", "--no-cache", *INPUTS]) == 0
    assert json.loads(capsys.readouterr().out)["exit"] == "cold"


def test_options_before_the_command_find_that_there_is_nothing_to_do(tmp_path: Path) -> None:
    project = Exits(tmp_path)
    assert project.ended_emit().exit == "cold"
    before = ("--color", "never", *project.options)
    ran = project.ended(*before, "emit", "--out-dir", str(project.out), alone=True)
    assert ran.err == f"derivload: {project.out}: up to date\n"
    assert "msgspec" not in ran.modules


def test_help_before_the_command_is_that_of_all(capsys: Captured) -> None:
    assert main(["--help", "emit"]) == 0
    assert "COMMAND" in capsys.readouterr().out
    assert main(["emit", "--help"]) == 0
    assert "--out-dir" in capsys.readouterr().out


def test_options_before_run_are_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys; print(sys.argv[1:])", "utf-8")
    state = str(tmp_path / "state")
    assert main(["--state-dir", state, "--color", "never", "run", str(script), "--quiet"]) == 0
    assert "['--quiet']" in capfd.readouterr().out
    assert (tmp_path / "state").is_dir()


# @FILE.


def test_file_of_arguments_is_read_for_every_command(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("arguments").write_text("--format\njson\n", "utf-8")
    assert main(["check", "@arguments", *INPUTS]) == 0
    assert json.loads(capsys.readouterr().out)["diagnostics"] == []
    Path("whole").write_text("show\ngild\n", "utf-8")
    assert main(["--quiet", "@whole", *INPUTS]) == 0
    assert capsys.readouterr().out.startswith("gild\n")
    assert main(["cache", "@none"]) == 2
    assert capsys.readouterr().err == "derivload: error: none: No such file or directory\n"


def test_file_of_arguments_may_begin_with_a_mark_and_have_any_line_ends(
    capsys: Captured, tmp_path: Path
) -> None:
    for content in (b"\xef\xbb\xbf--format\njson\n", b"--format\r\njson", b"--format\rjson\r"):
        file = tmp_path / "arguments"
        file.write_bytes(content)
        assert main(["check", f"@{file}", *INPUTS]) == 0
        assert json.loads(capsys.readouterr().out)["diagnostics"] == []


def test_file_of_arguments_is_not_one_of_commands_of_a_shell(
    capsys: Captured, tmp_path: Path
) -> None:
    file = tmp_path / "arguments"
    for content, said in (
        (f"@{file}\n", f"cannot read @{file}: No such file"),  # it does not read itself
        ('"--quiet"\n', 'cannot read "--quiet": No such file'),
        ("--quiet\n\n", "an argument is empty: an @FILE has one argument in each line"),
        ("--tags x.yaml\n", "`--tags x.yaml` is one argument with a space in it"),
    ):
        file.write_text(content, "utf-8")
        assert main(["check", f"@{file}", *INPUTS]) == 2
        assert said in capsys.readouterr().err
    assert main(["check", "@"]) == 2
    assert "@ stands for no arguments: name the file behind it" in capsys.readouterr().err


def test_there_is_a_most_for_files_of_arguments(capsys: Captured, tmp_path: Path) -> None:
    long = tmp_path / "arguments"
    long.write_text("gild\n" * 10_001, "utf-8")
    assert main(["show", f"@{long}"]) == 2
    assert "are too many: give 10000 at most" in capsys.readouterr().err


def test_arguments_of_a_script_are_the_scripts(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("script.py").write_text("import sys; print(sys.argv[1:])", "utf-8")
    Path("options").write_text("--state-dir\nstate\n", "utf-8")
    assert main(["run", "@options", "script.py", "@options", "@none"]) == 0
    assert "['@options', '@none']" in capfd.readouterr().out
    assert Path("state").is_dir()


# How much is said.


def test_quiet_says_only_what_is_wrong(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--quiet", *INPUTS]) == 0
    assert main(["--quiet", "emit", "--out-dir", "out", *INPUTS]) == 0
    assert main(["watch", "--out-dir", "out", "--once", "--quiet", *INPUTS]) == 0
    assert capsys.readouterr() == ("", "")
    Path("d.yaml").write_text("- name: none(Tensor self) -> Tensor\n  self: grad\n", "utf-8")
    Path("n.yaml").write_text("[]\n", "utf-8")
    Path("tags.yaml").write_text("[]\n", "utf-8")
    inputs = ["--derivatives", "d.yaml", "--native-functions", "n.yaml"]
    assert main(["check", "--quiet", *inputs]) == 1
    printed = capsys.readouterr()
    assert "DL405" in printed.out
    assert printed.err == "derivload: 1 error in d.yaml, n.yaml, tags.yaml\n"
    assert main(["watch", "--out-dir", "out", "--once", "--quiet", *inputs]) == 1
    assert "DL405" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    ["check", "show gild", "emit --out-dir out", "watch --once --out-dir out", "cache stats"],
)
def test_verbose_says_what_is_used(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(tmp_path / "cache"))
    inputs = [] if command == "cache stats" else INPUTS
    assert main(["--verbose", *command.split(), *inputs]) == 0
    said = capsys.readouterr().err
    assert "derivload: PyYAML " in said
    if command == "cache stats":
        return
    assert "derivload: input " in said
    assert "derivload: rules " in said
    assert f"derivload: cache      {tmp_path / 'cache'}\n" in said
