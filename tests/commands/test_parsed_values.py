"""The values that options come to: the target of outputs, the wanted warnings, the store."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

import pytest

from derivload.commands.options.command_line import make_parser
from derivload.commands.own_process import _Platform, importing_msgspec
from derivload.commands.parsed import (
    files_of,
    importing_of,
    is_remote_named,
    open_store_of,
    target_of,
    wanted_of,
    with_remote_ended,
)
from derivload.commands.settings.apply import parse_options
from derivload.loading.errors import UsageError
from derivload.wanted import want

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parsed(*arguments: str) -> Namespace:
    return parse_options(make_parser(arguments[0]), arguments)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["emit"], ("o", None, None, None, False, None, False)),
        (
            ["emit", "--depfile", "d", "--depfile-target", "t", "--depfile-for", "cmake"],
            ("o", None, "d", "t", True, None, False),
        ),
        (
            ["emit", "--depfile", "d", "--depfile-for", "make", "--shards", "3", "--places"],
            ("o", 3, "d", None, False, None, True),
        ),
        (["codegen", "--install-dir", "i"], ("o", None, None, None, False, "i", False)),
    ],
)
def test_a_target_has_what_was_said_of_the_outputs(
    arguments: list[str], expected: tuple[object, ...]
) -> None:
    target = target_of(parsed(*arguments, "--out-dir", "o"))
    assert (target.out_dir, target.shards, target.depfile, target.depfile_target) == expected[:4]
    assert (target.is_for_cmake, target.install_dir, target.with_places) == expected[4:]


def test_warnings_are_wanted_as_options_and_settings_say() -> None:
    def wanted(*arguments: str, text: str = "") -> object:
        Path("derivload.toml").write_text(text)
        options = parsed("check", "--catalogue", *arguments)
        return wanted_of(options, files_of(options))

    assert wanted() is None
    assert wanted("--select", "DL601") == want(["DL601"], (), (), ())
    assert wanted("--ignore", "DL601") == want(None, ["DL601"], (), ())
    assert wanted("--extend-select", "DL601") == want(None, (), ["DL601"], ())
    assert wanted("--extend-ignore", "DL601") == want(None, (), (), ["DL601"])
    operators = {"mul": ["DL601"]}
    assert wanted(text="per-operator-ignore = {mul = ['DL601']}\n") == want(
        None, (), (), (), per_operator_ignore=operators
    )
    assert wanted(text="per-file-ignore = {none = ['DL601']}\n") == want(
        None, (), (), (), per_file_ignore={"none": ["DL601"]}
    )


def test_a_store_is_made_only_to_be_written_to(capsys: Captured) -> None:
    options = parsed("emit", "--catalogue", "--out-dir", "o", "--cache-dir", "cache")
    assert open_store_of(options, to_read=True) is None
    assert not Path("cache").exists()
    for to_read in (False, True):
        store = open_store_of(options, to_read=to_read)
        assert store is not None
        assert store.folder == "cache"
        store.close()
    assert capsys.readouterr().err == ""
    options.verbose = True
    store = open_store_of(options)
    assert store is not None
    store.close()
    assert capsys.readouterr().err == "derivload: cache      cache\n"
    options.no_cache = True
    assert open_store_of(options) is None
    assert capsys.readouterr().err == ""


def test_a_store_that_cannot_be_used_costs_a_warning(capsys: Captured) -> None:
    Path("file").touch()
    options = parsed("emit", "--catalogue", "--out-dir", "o", "--cache-dir", "file")
    assert open_store_of(options) is None
    warning = capsys.readouterr().err
    assert warning.startswith("derivload: warning: going on without the cache: ")
    assert warning.count("\n") == 1


def test_files_know_which_settings_named_them() -> None:
    Path("derivload.toml").write_text("catalogue = true\n")
    files = files_of(parsed("check"))
    assert "derivload.toml" in files.told
    assert files.may_run_tree
    assert files_of(parsed("check", "--catalogue", "--no-settings")).told == ""


@pytest.mark.parametrize(
    ("remote", "variable", "is_named"),
    [
        *((None, None, False), ("", "", False), ("url", None, True)),
        *((None, "url", True), ("url", "url", True)),
    ],
)
def test_a_remote_cache_is_named_by_an_option_or_a_variable(
    remote: str | None, variable: str | None, is_named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DERIVLOAD_REMOTE_CACHE", raising=False)
    if variable is not None:
        monkeypatch.setenv("DERIVLOAD_REMOTE_CACHE", variable)
    assert is_remote_named(Namespace(remote_cache=remote)) == is_named
    assert not is_remote_named(Namespace())
    assert with_remote_ended(Namespace(remote_cache=remote), 5) == 5


def test_a_process_of_somebody_else_imports_as_it_always_does() -> None:
    with importing_of(Namespace(is_own_process=False)):
        assert not isinstance(sys.modules.get("platform"), _Platform)
    own = importing_of(Namespace(is_own_process=True))
    assert type(own) is type(importing_msgspec())


def test_what_names_nothing_is_wrong_usage() -> None:
    options = parsed("check", "--catalogue", "--no-settings")
    options.ignore = ["DL999"]
    with pytest.raises(UsageError, match="DL999"):
        wanted_of(options, files_of(options))
    for may_search, words in (
        (False, ", and none was looked for: write"),
        (True, ", and there is"),
    ):
        options = parse_options(make_parser("check"), ["check"], may_search=may_search)
        with pytest.raises(UsageError, match=f"^nothing names the inputs{words}"):
            files_of(options)
