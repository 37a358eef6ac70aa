"""Which settings and which tree are found, from the current folder up."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.loading.errors import SettingsError
from derivload.loading.settings.file import read_settings
from derivload.loading.settings.search import Search, beside, value_of

TABLE = "[tool.derivload]\nshards = 2\n"


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, three folders below the root of a repository."""
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    folder = tmp_path / "repository" / "a" / "b" / "c"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def found() -> str | None:
    """The path of the settings that are found."""
    settings = Search().find_settings(lambda path, data: read_settings(path, data) is not None)
    return None if settings is None else settings[0]


def test_nothing_is_found_where_nothing_is(deep: Path) -> None:
    assert found() is None
    assert Search().find_tree() is None


def test_the_nearest_file_counts_and_derivload_toml_before_pyproject(deep: Path) -> None:
    (deep.parents[1] / "pyproject.toml").write_text(TABLE)
    assert found() == "../../pyproject.toml"
    (deep.parents[1] / "derivload.toml").write_text("shards = 3\n")
    assert found() == "../../derivload.toml"
    (deep / "pyproject.toml").write_text(TABLE)
    assert found() == "pyproject.toml"


@pytest.mark.parametrize(
    "text", ["", "[tool.ruff]\n", "[project]\nname = 'derivload'\n", "no toml"]
)
def test_a_pyproject_without_the_table_is_passed_over(deep: Path, text: str) -> None:
    (deep / "pyproject.toml").write_text(text)
    (deep.parent / "derivload.toml").write_text("")
    assert found() == "../derivload.toml"


def test_a_pyproject_with_our_name_in_it_has_to_be_toml(deep: Path) -> None:
    (deep / "pyproject.toml").write_text("[tool.derivload]\nx = \n")
    with pytest.raises(SettingsError, match=r"pyproject\.toml:2: error: this is no TOML"):
        found()


@pytest.mark.parametrize("marker", [".git", ".hg"])
@pytest.mark.parametrize("is_file", [True, False])
def test_the_search_ends_at_the_root_of_the_repository(
    deep: Path, marker: str, is_file: bool
) -> None:
    (deep.parents[1] / "derivload.toml").write_text("")
    make_checkout(deep.parents[1])
    assert found() == "../../derivload.toml"
    assert Search().find_tree() == "../.."
    if is_file:  # as a submodule or a worktree has it
        (deep.parent / marker).write_text("gitdir: elsewhere\n")
    else:
        (deep.parent / marker).mkdir()
    assert found() is None
    assert Search().find_tree() is None


def test_without_a_repository_it_ends_at_the_root_of_the_file_system(
    deep: Path, tmp_path: Path
) -> None:
    (tmp_path / "derivload.toml").write_text("")
    assert found() is None
    (tmp_path / "repository" / ".git").rmdir()
    assert found() == "../../../../derivload.toml"


def test_a_file_that_cannot_be_read_is_told(deep: Path) -> None:
    (deep / "derivload.toml").write_bytes(b"\n\xff\n")
    path, content = Search().find_settings(lambda *_: True) or ("", b"")
    with pytest.raises(SettingsError, match=r"derivload\.toml:2: error: the byte 0xff is no UTF-8"):
        read_settings(path, content)


@pytest.mark.parametrize("name", ["derivload.toml", "pyproject.toml"])
def test_a_file_that_cannot_be_looked_into_is_not_passed_over(deep: Path, name: str) -> None:
    (deep.parent / "derivload.toml").write_text("")
    with (deep / name).open("wb") as file:
        file.truncate(17_000_000)
    with pytest.raises(SettingsError, match=rf"^{name}: error: cannot read this file: it is larg"):
        found()


def make_checkout(folder: Path) -> None:
    (folder / "tools" / "autograd").mkdir(parents=True)
    (folder / "tools" / "autograd" / "derivatives.yaml").write_text("")


def make_fetched(folder: Path) -> None:
    autograd = folder / "torchgen" / "packaged" / "autograd"
    autograd.mkdir(parents=True)
    (autograd / "derivatives.yaml").write_text("")
    (folder / "version.txt").write_text("2.15.0\n")


@pytest.mark.parametrize("make", [make_checkout, make_fetched])
def test_a_tree_is_found_from_any_folder_in_it(
    deep: Path, monkeypatch: pytest.MonkeyPatch, make: object
) -> None:
    assert callable(make)
    make(deep.parent)
    assert Search().find_tree() == ".."
    monkeypatch.chdir(deep.parent)
    assert Search().find_tree() == ""
    inside = next(path for path in deep.parent.rglob("derivatives.yaml")).parent
    monkeypatch.chdir(inside)
    assert Path(Search().find_tree() or "none").resolve() == deep.parent


def test_a_folder_of_installed_packages_is_no_tree(deep: Path) -> None:
    make_fetched(deep)
    (deep / "version.txt").unlink()
    assert Search().find_tree() is None


def test_what_was_seen_is_noted(deep: Path) -> None:
    (deep / "pyproject.toml").write_text("[tool.ruff]\n")
    (deep.parents[1] / "derivload.toml").write_text("")
    search = Search()
    search.find_settings(lambda *_: False)
    assert search.folder == str(deep)
    assert search.passed == [("pyproject.toml", b"[tool.ruff]\n")]
    assert search.there == ["../../../.git"]
    assert {"derivload.toml", "../derivload.toml", "../pyproject.toml", ".git"} < {*search.absent}


def test_a_current_folder_that_was_deleted_finds_nothing(deep: Path) -> None:
    deep.rmdir()
    assert found() is None
    assert Search().find_tree() is None


def test_a_link_that_leads_nowhere_is_not_passed_over(deep: Path) -> None:
    (deep.parent / "derivload.toml").write_text("")
    (deep / "derivload.toml").symlink_to("gone.toml")
    with pytest.raises(SettingsError, match=r"^derivload\.toml: error: cannot read this file: No "):
        found()


def test_paths_are_relative_to_the_folder_of_a_link(deep: Path) -> None:
    (deep.parent / "shared.toml").write_text("tags = 'tags.yaml'\n")
    (deep / "derivload.toml").symlink_to("../shared.toml")
    settings = read_settings("derivload.toml", (deep / "derivload.toml").read_bytes())
    assert settings is not None
    assert settings.resolve("tags.yaml") == "tags.yaml"


def test_a_pyproject_that_was_passed_is_told_with_what_it_holds(deep: Path) -> None:
    (deep / "pyproject.toml").write_text("[tool]\n")
    (deep.parent / "pyproject.toml").write_text("# derivload\n")
    search = Search()
    assert search.find_settings(lambda _, data: b"shards" in data) is None
    passed = [("pyproject.toml", b"[tool]\n"), ("../pyproject.toml", b"# derivload\n")]
    assert search.passed == passed


def test_settings_that_cannot_be_read_are_told(deep: Path) -> None:
    with (deep / "derivload.toml").open("wb") as file:
        file.truncate(17 << 20)
    with pytest.raises(SettingsError) as raised:
        found()
    said = "error: cannot read this file: it is larger than 16 MB"
    assert raised.value.lines == (f"derivload.toml: {said}",)


def test_a_path_in_settings_is_relative_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    expected = {"x": "a/x", "../x": "a/../x", "/x": "/x", "~x": "a/~x", "x/~": "a/x/~"}
    expected |= {"~": "/home/me", "~/x": "/home/me/x"}
    assert {path: beside("a/derivload.toml", path) for path in expected} == expected


def test_the_value_of_an_option_is_the_last(deep: Path) -> None:
    assert value_of(["emit", "--a", "x", "--a=y"], "--a") == "y"
    assert value_of(["emit", "--a=y", "--a", "x"], "--a") == "x"
    for arguments in ([], ["--a"], ["--a="], ["--ab=x"], ["--a=y", "--a"]):
        assert value_of(arguments, "--a") is None
