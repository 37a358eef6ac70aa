"""What is refused of a command line, and what stands for options, operators or the script's."""

from __future__ import annotations

import os

import pytest

from derivload.cli import main
from derivload.commands.options.command_line import make_parser, prepare
from derivload.commands.settings.apply import parse_options
from derivload.terminal import colour
from support.paths import CATALOGUE, NATIVES, TAGS

Options = dict[str, object]


def parse(arguments: list[str]) -> Options:
    """What a command gets where no settings are."""
    return vars(parse_options(make_parser(arguments[0]), arguments, may_search=False))


@pytest.mark.parametrize(
    "arguments",
    [
        *("emit --out-dir o --quiet --verbose", "emit --out-dir o --cache-dir c --no-cache"),
        *(
            f"emit --out-dir o --settings {os.devnull} --no-settings",
            "emit",
            "codegen",
            "watch",
            "explore",
        ),
        "codegen --out-dir o --selected-op-list-path a --operators-yaml-path b",
        *("check --version --cmake-dir", "show", "diff", "schema", "schema no", "fetch 2.15"),
        *(
            "check --watch --fix",
            "show --catalogue a.yaml",
            "fetch --to d",
            "cache",
            "cache no",
            "run",
            "list --format sarif",
            "check --format html",
        ),
        *("emit --out-dir o --shards 0", "emit --out-dir o --shards 10001", "diff a b --only no"),
        *("codegen --out-dir o --jobs 0", "codegen --out-dir o --jobs 1001"),
        *("watch --out-dir o --debounce 10001", "watch --out-dir o --debounce x"),
        *("check --select no", "check --ignore ,", "emit --out-dir o --remote-cache-limit 600001"),
        *("diff a b --only ,", "cache stats --no-cache", "emit --out-dir o --remote-cache-mode x"),
    ],
)
def test_wrong_usage_ends_it(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parse(arguments.split())
    assert raised.value.code == 2
    assert ": error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        *("emit --out-dir", "emit --out-dir o --tags", "emit --out-dir o --derivatives"),
        *("emit --out-dir o --depfile", "emit --out-dir o --pytorch", "check --cache-dir"),
        *("codegen --out-dir o --install-dir", "codegen --out-dir o --selected-op-list-path"),
        *("codegen --out-dir o --operators-yaml-path", "run --state-dir", "verify --keep"),
        *("watch --out-dir o --explore", "check --stdin-filename", "cache stats --cache-dir"),
        *("emit --out-dir o --depfile d --depfile-target", "check --settings"),
        *("diff a b --backend-yaml", "emit --out-dir o --native-functions"),
    ],
)
def test_a_path_is_not_empty(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([*arguments.split(), ""])
    assert "the path is empty" in capsys.readouterr().err


def test_without_a_command_one_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last == "derivload: error: the following arguments are required: COMMAND"


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ("run s.py --state-dir x --stats", set()),
        ("run --stats json s.py --state-dir x", {"stats"}),
        ("run -m m --stats", {"is_module"}),
        ("list --tag x a --format names", {"tag", "format"}),
        ("show a -- --json", set()),
        ("emit --out-dir=o --places", {"out_dir", "places"}),
    ],
)
def test_what_was_given_is_noted_without_what_is_for_the_script(
    arguments: str, given: set[str]
) -> None:
    assert parse(arguments.split())["given"] == given


def test_behind_two_hyphens_all_are_operators() -> None:
    assert parse(["show", "a", "--", "--json", "b"])["operator"] == ["a", "--json", "b"]
    found = parse(["list", "--tag", "x", "a", "--format", "names", "b", "--", "--", "-c"])
    assert (found["operator"], found["tag"]) == (["a", "b", "--", "-c"], ["x"])


def test_stdin_stands_behind_the_files_wherever_it_was_named() -> None:
    natives, tags = str(CATALOGUE / NATIVES), str(CATALOGUE / TAGS)
    arguments = ["check", "-", natives, "--stdin-filename", "f", "--", tags]
    assert prepare(make_parser("check"), arguments) == [
        *("check", "--native-functions", natives, "--stdin-filename", "f", "--tags", tags, "-")
    ]


@pytest.mark.parametrize(
    ("arguments", "is_wanted"),
    [
        (["show", "a", "--color", "always"], True),
        (["--color=always"], True),
        (["show", "--color=always", "a", "--color", "never"], False),
        (["run", "--color", "always", "s.py", "--color", "never"], True),
        (["show", "a"], False),
    ],
)
def test_colour_is_chosen_before_anything_is_printed(
    arguments: list[str], is_wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(colour, "_chosen", ["auto"])
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    prepare(make_parser(), arguments)
    assert colour.is_wanted() == is_wanted
