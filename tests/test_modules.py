"""The files that Python imports, and which compiled forms of them may be stale."""

from __future__ import annotations

import os
import py_compile
import sys
import time
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from derivload import modules
from derivload.modules import (
    CLEARLY,
    doubtful_form,
    file_status,
    forget_compiled,
    is_module,
    is_settled,
    looks_of,
    modules_below,
    read_file,
    recompile,
    remove,
)
from support.out_dirs import posix


@pytest.mark.parametrize("name", ["a.py", "a.pyc", "a.so", "a.cpython-311.so", "a.pyd"])
def test_what_can_be_imported(name: str) -> None:
    assert is_module(name)


@pytest.mark.parametrize("name", ["a.txt", "a", "py", ".#a.py", ".a.py", "a.py~", "a.pyx"])
def test_what_cannot_be_imported(name: str) -> None:
    assert not is_module(name)


def test_modules_below_a_folder(tmp_path: Path) -> None:
    for name in ("a.py", "b/__init__.py", "b/c/d.py", "b/c/notes.txt", "b/out/x.py", "out/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("__pycache__", "no-package", "b/__pycache__"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "e.py").touch()
    (tmp_path / "file").touch()
    found = dict(modules_below(str(tmp_path), "root/", without="out"))
    assert sorted(found) == ["root/a.py", "root/b/__init__.py", "root/b/c/d.py", "root/b/out/x.py"]
    assert found["root/b/c/d.py"] == str(tmp_path / "b" / "c" / "d.py")
    assert "out/x.py" in dict(modules_below(str(tmp_path)))
    with pytest.raises(FileNotFoundError):
        list(modules_below(str(tmp_path / "none")))


@posix
def test_links_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    for folder in (root / "a", other):
        folder.mkdir(parents=True)
        (folder / "m.py").touch()
    for number in range(3):  # following them would never end
        (root / "a" / f"above{number}").symlink_to(root)
        (other / f"self{number}").symlink_to(".")
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("none")
    (root / "elsewhere").symlink_to(other)
    (other / "back").symlink_to(root / "a")
    found = [name for name, _ in modules_below(str(root))]
    assert sorted(found) == ["a/m.py", "elsewhere/back/m.py", "elsewhere/m.py"]


def test_a_file_is_read_with_its_status(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"text\n")
    data, status = read_file(str(path)) or (b"", None)
    assert data == b"text\n"
    assert status is not None
    assert status.st_size == 5
    path.write_bytes(b"")
    assert (read_file(str(path)) or [None])[0] == b""


def test_what_is_no_file_has_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("none")
    (tmp_path / "round").symlink_to("round")
    os.mkfifo(tmp_path / "pipe")
    for name in ("none", "file/none", "link", "round", "pipe", "."):
        assert read_file(str(tmp_path / name)) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0)
    with pytest.raises(PermissionError):
        read_file(str(tmp_path / "file"))


def test_what_cannot_be_looked_at_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    status = file_status(str(tmp_path / "file"))
    assert status is not None and status.st_size == 4
    for name in ("none", "file/none", "."):
        assert file_status(str(tmp_path / name)) is None
    for look in (file_status, read_file):
        with pytest.raises(OSError, match="too long"):
            look(str(tmp_path / ("x" * 300)))


class Source:
    """A module whose compiled form is of another text, of the same size and time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "a.py"
        self.compiled = Path(cache_from_source(str(self.path)))

    def compile(self, mode: str = "TIMESTAMP") -> None:
        self.write("x = 1\n")
        kind = getattr(py_compile.PycInvalidationMode, mode)
        py_compile.compile(str(self.path), invalidation_mode=kind)

    def write(self, text: str, when: float = 1e9) -> None:
        self.path.write_text(text)
        os.utime(self.path, (when, when))

    @property
    def doubtful(self) -> str | None:
        return doubtful_form(str(self.path))


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)


def test_form_of_an_earlier_text_is_doubtful_and_goes(source: Source) -> None:
    assert source.doubtful is None
    source.compile()
    source.write("x = 2\n")
    assert source.doubtful == str(source.compiled)
    assert doubtful_form(str(source.path), source.path.stat()) == str(source.compiled)
    assert forget_compiled([str(source.path)]) is True
    assert not source.compiled.exists()
    assert source.doubtful is None


def test_form_that_python_does_not_take_is_not_doubtful(source: Source) -> None:
    source.compile()
    source.write("x = 22\n")  # of another size
    assert source.doubtful is None
    source.write("x = 2\n", 1e9 + 1)  # of another time
    assert source.doubtful is None
    source.path.unlink()
    assert source.doubtful is None


def test_form_that_was_made_clearly_later_is_right(source: Source) -> None:
    source.write("x = 1\n")
    time.sleep(2 * CLEARLY / 1e9)
    py_compile.compile(str(source.path))
    assert source.doubtful is None
    os.utime(source.compiled, (1e9 - 1, 1e9 - 1))  # as if it were older
    assert source.doubtful is not None


@pytest.mark.parametrize("mode", ["CHECKED_HASH", "UNCHECKED_HASH"])
def test_form_with_a_hash_is_right_if_it_is_the_sources(mode: str, source: Source) -> None:
    source.compile(mode)
    assert source.doubtful is None
    source.write("x = 2\n")
    assert source.doubtful == str(source.compiled)


def test_form_elsewhere(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source.compile()
    source.write("x = 2\n")
    assert source.doubtful is not None
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "elsewhere"))
    assert source.doubtful is None
    source.compiled = Path(cache_from_source(str(source.path)))
    source.compile()
    source.write("x = 2\n")
    assert source.doubtful == str(source.compiled)
    monkeypatch.setattr(sys.implementation, "cache_tag", None)  # of a Python that keeps none
    modules._places.clear()
    assert source.doubtful is None
    recompile(str(source.path))
    modules._places.clear()


def test_what_cannot_be_removed_is_told(source: Source) -> None:
    assert remove(str(source.compiled)) is True  # it was not there
    source.compile()
    recompile(str(source.path))
    assert not source.compiled.exists()
    source.compiled.mkdir()
    assert remove(str(source.compiled)) is False
    assert source.doubtful is None  # Python takes no folder
    assert forget_compiled([]) is True


def test_one_form_that_stays_is_told_of_many(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.compile()
    source.write("x = 2\n")
    other = Source(source.path.parent)
    other.path = source.path.with_name("b.py")
    other.compiled = Path(cache_from_source(str(other.path)))
    other.compile()
    other.write("x = 2\n")
    monkeypatch.setattr(modules, "remove", lambda path: path != str(source.compiled))
    assert forget_compiled([str(source.path), str(other.path)]) is False
    assert forget_compiled([str(other.path)]) is True


def test_a_file_is_settled_once_no_clock_can_hide_an_edit(tmp_path: Path) -> None:
    """The coarsest clock of a file system notes steps of two seconds."""
    path = tmp_path / "file"
    path.write_bytes(b"one")
    before = path.stat()
    assert not is_settled(before, before.st_ctime_ns + 2_000_000_000)
    assert is_settled(before, before.st_ctime_ns + 3_000_000_000)
    time.sleep(2 * CLEARLY / 1e9)
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert looks_of(path.stat()) != looks_of(before)
