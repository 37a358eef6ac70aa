"""Options that would have no effect are refused, and said to be so."""

from __future__ import annotations

import pytest

from derivload.cli import main
from derivload.commands.options.command_line import make_parser
from derivload.commands.options.effects import PAIRS
from derivload.commands.options.inputs import INPUTS, WARNINGS

EMIT, CODEGEN, WATCH = ("emit --out-dir o", "codegen --pytorch t --out-dir o", "watch --out-dir o")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (f"{EMIT} --depfile-target t", "--depfile-target has no effect without --depfile"),
        (f"{EMIT} --depfile-for make", "--depfile-for has no effect without --depfile"),
        (f"{CODEGEN} --depfile-target=t", "--depfile-target has no effect without --depfile"),
        (f"{CODEGEN} --depfile-for make", "--depfile-for has no effect without --depfile"),
        (f"{CODEGEN} --list-outputs --depfile d", "--depfile has no effect with --list-outputs"),
        (f"{CODEGEN} --list-outputs --stats", "--stats has no effect with --list-outputs"),
        (
            f"{CODEGEN} --subset python --disable-autograd",
            "--disable-autograd has no effect with --subset python",
        ),
        (
            f"{CODEGEN} --subset pybindings --selected-op-list-path f",
            "--selected-op-list-path has no effect with --subset pybindings",
        ),
        (f"{WATCH} --subset all", "--subset has no effect without --codegen"),
        (f"{WATCH} --subset=libtorch", "--subset has no effect without --codegen"),
        (f"{WATCH} --disable_autograd", "--disable-autograd has no effect without --codegen"),
        (
            f"{WATCH} --force-schema-registration",
            "--force-schema-registration has no effect without --codegen",
        ),
        (
            f"{WATCH} --operators-yaml-path f",
            "--operators-yaml-path has no effect without --codegen",
        ),
        (
            f"{WATCH} --codegen --pytorch t --subset python --selected-op-list-path f",
            "--selected-op-list-path has no effect with --subset python",
        ),
        (f"{WATCH} --on-busy restart", "--on-busy has no effect without --exec"),
        (f"{WATCH} --once --exec true --on-busy queue", "--on-busy has no effect with --once"),
        (f"{WATCH} --once --poll", "--poll has no effect with --once"),
        (f"{WATCH} --once --debounce 5", "--debounce has no effect with --once"),
        ("check --explain DL001 --strict", "--strict has no effect with --explain"),
        ("check --explain DL001 --format text", "--format has no effect with --explain"),
        ("check --explain DL001 --tags t", "--tags has no effect with --explain"),
        ("check --explain DL001 --dispatch-key K", "--dispatch-key has no effect with --explain"),
        ("check --explain DL001 --catalogue", "--catalogue has no effect with --explain"),
        ("check --explain DL001 --ignore DL6", "--ignore has no effect with --explain"),
        ("check --stdin-filename f", "--stdin-filename has no effect without -"),
        (
            "check --unsafe-fixes",
            "--unsafe-fixes has no effect without --fix or --fix-only or --diff",
        ),
        ("check --diff --format json", "--format has no effect with --diff"),
        ("check --fix-only --strict", "--strict has no effect with --fix-only"),
        ("check --watch --fix", "--fix has no effect with --watch"),
        ("verify --compiled --keep d", "--keep has no effect with --compiled"),
        ("verify --compiled --codegen", "--codegen has no effect with --compiled"),
        ("cache stats --older-than 3d", "--older-than has no effect with stats"),
        ("cache verify --max-size 3M", "--max-size has no effect with verify"),
        ("--older-than 3d cache clear", "--older-than has no effect with clear"),
    ],
)
def test_option_without_effect_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: str, said: str
) -> None:
    assert main(arguments.split()) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f": error: {said}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("show --no-tree-code gild", "name one with --pytorch"),
        ("watch --codegen --pytorch t --shards 2 --out-dir o", "--shards is only for documents"),
        ("codegen --out-dir o", "--pytorch is missing"),
        ("verify --no-tree-code --pytorch t", "--no-tree-code leaves nothing to compare with"),
    ],
)
def test_what_only_the_command_knows_is_refused_too(
    capsys: pytest.CaptureFixture[str], arguments: str, said: str
) -> None:
    assert main(arguments.split()) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("common", ["--quiet", "--verbose", "--color=never", "--no-cache"])
def test_common_options_may_always_be_given(
    capsys: pytest.CaptureFixture[str], common: str
) -> None:
    assert main([common, "check", "--explain", "DL001"]) == 0
    assert "DL001" in capsys.readouterr().out


def test_the_table_has_options_that_exist() -> None:
    parsers = make_parser().commands
    for pair in PAIRS:
        parser = parsers[pair.command]
        others = [other.partition(" ")[0] for other in pair.other.split(" or ")]
        names = {*pair.options.split(), *others}
        titles = {title for title in (INPUTS, WARNINGS) if parser.options_of(title)}
        assert names - {"action", "files", *titles} <= parser.options.keys()
