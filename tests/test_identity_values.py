"""The digest and the state of a small package in a folder, as a process finds them."""

from __future__ import annotations

import os
import py_compile
import sys
import time
import types
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from derivload import __version__, identity
from derivload.identity import (
    _Scan,
    is_as_it_began,
    learn_digest,
    python_digest,
    sha256,
    start_again_if_unsure,
    tool_digest,
    tool_files,
    tool_state,
)
from support.out_dirs import posix

# Nanoseconds: as if the process began so long after all edits so far.
LATER = 10_000_000_000
NAMES = ["__init__.py", "a.py", "b/__init__.py", "b/c.py", "tree/known.json"]


class Package:
    """A package in a folder, in the place of derivload."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._patch = patch
        for name in NAMES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"# {name}\n")
        patch.setattr(identity, "PACKAGE", str(folder))
        patch.setattr(identity, "_BELOW", f"{folder}{os.sep}")
        self.begin()

    def begin(self, after: int = LATER) -> None:
        """Have a new process begin, so long after now."""
        self._patch.setattr(identity, "_UNTIL", time.time_ns() + after)
        self._patch.setattr(identity, "_scans", [])

    def digest(self) -> bytes:
        self.begin()
        return tool_digest()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    return Package(tmp_path / "derivload", monkeypatch)


def test_the_digest_is_of_names_and_bytes(package: Package) -> None:
    digest = package.digest()
    assert len(digest) == 32
    assert package.digest() == digest == tool_digest()
    seen = {digest}
    for name in NAMES:
        package.write(name, "# other\n")
        seen.add(package.digest())
    assert len(seen) == len(NAMES) + 1
    digest = package.digest()
    package.write("notes.txt", "")
    assert package.digest() == digest
    if os.name != "nt":
        for name in ("\udcff.py", "\udcfe.py"):
            package.write(name, "")
            seen.add(package.digest())
            (package.folder / name).unlink()
        assert len(seen) == len(NAMES) + 3
    (package.folder / "a.py").rename(package.folder / "d.py")
    seen = {digest, package.digest()}
    (package.folder / "d.py").unlink()
    seen.add(package.digest())
    assert len(seen) == 3


def test_where_one_module_ends_and_the_next_begins_counts(package: Package) -> None:
    digests = set()
    for one, other in (("", "a.py\x000\x00"), ("a.py\x000\x00", ""), ("x", "y"), ("xy", "")):
        package.write("a.py", one)
        package.write("b/c.py", other)
        digests.add(package.digest())
    assert len(digests) == 4


def test_the_same_package_elsewhere_is_the_same(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = package.digest()
    assert Package(tmp_path / "elsewhere", monkeypatch).digest() == digest


def test_a_digest_that_is_not_certain_is_a_random_number(package: Package) -> None:
    package.begin(-LATER)  # before the last edit
    first = tool_digest()
    assert tool_digest() == first
    assert len(first) == 32
    assert tool_state() == ""
    assert not is_as_it_began()
    package.begin(-LATER)
    assert tool_digest() != first
    # An edit between the look at the files and the reading of them.
    package.begin()
    assert tool_state() is not None
    identity._UNTIL = (package.folder / "a.py").stat().st_ctime_ns - 1
    assert len({package.digest(), tool_digest()}) == 1
    scan = _Scan()
    identity._UNTIL = 0
    assert scan.is_certain and scan.digest() != package.digest() and not scan.is_certain


@pytest.mark.skipif(sys.platform != "linux", reason="the state is known on Linux only")
def test_the_state_shows_each_edit(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "major", lambda device: 8)  # as if on a disk of this machine
    state = tool_state()
    assert len(bytes.fromhex(state)) == 32
    assert tool_state() == state
    package.begin()
    assert tool_state() == state
    os.utime(package.folder / "a.py", (1e9, 1e9))
    package.begin()
    assert tool_state() not in (state, "")
    os.utime(package.folder / "a.py", (2e9, 2e9))
    package.begin(0)  # too soon after the last edit
    assert tool_state() == ""
    monkeypatch.setattr(os, "major", lambda device: 0)
    package.begin()
    assert tool_state() == ""
    monkeypatch.setattr(os, "major", lambda device: 8)
    monkeypatch.setattr(sys, "platform", "other")
    package.begin()
    assert tool_state() == ""


@pytest.mark.skipif(sys.platform != "linux", reason="the state is known on Linux only")
def test_times_in_whole_seconds_may_be_of_an_image(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "major", lambda device: 8)
    scan = _Scan()
    name, path, status = scan._files[0]
    whole = types.SimpleNamespace(
        **{key: getattr(status, key) for key in ("st_dev", "st_ino", "st_size", "st_mtime_ns")},
        st_ctime_ns=1_700_000_000_000_000_000,
    )
    scan._files[0] = (name, path, whole)  # type: ignore[assignment]
    assert scan.state() == ""
    scan = _Scan()
    whole.st_ctime_ns += 1
    scan._files[0] = (name, path, whole)  # type: ignore[assignment]
    assert scan.state() != ""


@pytest.mark.skipif(sys.platform != "linux", reason="the state is known on Linux only")
def test_a_digest_that_was_kept_for_the_state_is_learned(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "major", lambda device: 8)
    asked: list[str] = []

    def look_up(state: str, found: bytes | None = b"\x01" * 32) -> bytes | None:
        asked.append(state)
        return found

    read = package.digest()
    learn_digest(look_up)  # it is known already
    assert (tool_digest(), asked) == (read, [])
    package.begin()
    for found in (None, b"", b"\x01" * 31):
        learn_digest(lambda state, found=found: look_up(state, found))  # type: ignore[misc]
    assert asked == [tool_state()] * 3
    assert tool_digest() == read
    package.begin()
    learn_digest(look_up)
    assert tool_digest() == b"\x01" * 32
    package.begin(-LATER)
    asked.clear()
    learn_digest(look_up)  # there is no state
    assert asked == []


def test_the_files_are_those_that_can_be_imported(package: Package) -> None:
    (package.folder / "gone.py").symlink_to("nowhere")
    assert tool_files() == sorted(str(package.folder / name) for name in NAMES)
    package.begin()
    assert "gone.py" in _Scan().names
    assert package.digest() == tool_digest()


def test_an_archive_is_one_file(
    tmp_path: Path, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"zipped")
    monkeypatch.setattr(identity, "PACKAGE", str(archive / "derivload"))
    monkeypatch.setattr(identity, "__loader__", types.SimpleNamespace(archive=str(archive)))
    assert tool_files() == [str(archive)]
    assert identity._imported() is None
    digest = package.digest()
    archive.write_bytes(b"zipper")
    assert package.digest() != digest
    monkeypatch.setattr(identity, "__loader__", None)
    assert identity._modules() == [("", str(archive / "derivload"))]


# Whether it was edited


def test_nothing_may_be_kept_after_an_edit(package: Package) -> None:
    assert is_as_it_began()
    edited = package.folder / "a.py"
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = Path(str(py_compile.compile(str(edited), invalidation_mode=mode)))
    package.begin()
    assert is_as_it_began() and compiled.exists()
    (package.folder / "new.py").touch()
    assert not is_as_it_began()
    (package.folder / "new.py").unlink()
    assert is_as_it_began()
    (package.folder / "b" / "c.py").unlink()
    assert not is_as_it_began()
    package.begin()
    tool_state()
    identity._UNTIL = edited.stat().st_ctime_ns - 1
    assert not is_as_it_began()
    assert not compiled.exists(), "Python compiles it again"


def test_alone_only_what_was_imported_counts(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "derivload"]:
        monkeypatch.delitem(sys.modules, name)
    ours = types.ModuleType("derivload.b.c")
    ours.__file__ = str(package.folder / "b" / "c.py")
    monkeypatch.setitem(sys.modules, ours.__name__, ours)
    monkeypatch.setitem(sys.modules, "derivloads", types.ModuleType("derivloads"))
    known = str(package.folder / "tree" / "known.json")
    assert identity._imported() == [("tree/known.json", known), ("b/c.py", ours.__file__)]
    assert is_as_it_began(is_alone=True)
    others = {name: types.ModuleType(f"derivload.{number}") for number, name in enumerate(NAMES)}
    for name, module in others.items():
        module.__file__ = str(package.folder / name)
    with monkeypatch.context() as patched:  # it has imported everything
        for module in others.values():
            patched.setitem(sys.modules, module.__name__, module)
        assert is_as_it_began(is_alone=True)
    (package.folder / "new.py").touch()
    assert is_as_it_began(is_alone=True)  # it was not imported
    (package.folder / "newer.py").touch()
    assert is_as_it_began(is_alone=True)
    assert not is_as_it_began()
    # A module that was not there when this began.
    ours.__file__ = str(package.folder / "newer.py")
    assert not is_as_it_began(is_alone=True)
    ours.__file__ = f"{package.folder}s/b/c.py"
    assert identity._imported() is None


# Compiled files


@pytest.fixture(params=["b/c.py", "b/__init__.py"])
def stale(request: pytest.FixtureRequest, package: Package) -> Path:
    """A compiled file of other source, of the same size and time, which Python would take."""
    source = package.folder / request.param
    os.utime(source, (1e9, 1e9))
    py_compile.compile(str(source))
    source.write_text(f"#{source.read_text()[1:].swapcase()}")
    os.utime(source, (1e9, 1e9))
    return Path(cache_from_source(str(source)))


def test_a_stale_compiled_file_is_removed(package: Package, stale: Path) -> None:
    package.begin()
    scan = _Scan()
    assert scan.is_certain and not stale.exists()


def test_code_from_a_stale_compiled_file_is_not_certain(
    package: Package, stale: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "derivload.b.c" if stale.name.startswith("c.") else "derivload.b"
    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    package.begin()
    assert not _Scan().is_certain
    assert not stale.exists()
    assert _Scan().is_certain


@posix
def test_one_that_cannot_be_removed_makes_it_uncertain(
    package: Package, stale: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "remove", lambda path: path != str(stale))
    package.begin()
    assert not _Scan().is_certain


def test_what_was_compiled_at_the_installation_is_right(package: Package, stale: Path) -> None:
    notes = package.folder.parent / f"derivload-{__version__}.dist-info"
    notes.mkdir()
    assert identity._installed_at() == 0
    (notes / "RECORD").touch()
    os.utime(notes / "RECORD", (2e9, 2e9))
    assert identity._installed_at() == 2_000_000_000_000_000_000
    package.begin()
    assert _Scan().is_certain and stale.exists()
    os.utime(notes / "RECORD", (1e9 - 1, 1e9 - 1))
    assert _Scan().is_certain and not stale.exists()


@posix
def test_a_command_starts_again_where_it_is_not_certain(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda *given: started.append(given))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "derivload", "emit"])
    monkeypatch.setattr(sys, "executable", "/bin/python")
    monkeypatch.setattr(sys, "pycache_prefix", None)
    start_again_if_unsure()
    package.begin(-LATER)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "pycache_prefix", os.devnull)  # it has been started again
        start_again_if_unsure()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "")
        start_again_if_unsure()
    assert started == []
    start_again_if_unsure()
    command = ["/bin/python", "-X", "pycache_prefix=/dev/null", "-m", "derivload", "emit"]
    assert started == [("/bin/python", command)]


# PyYAML and Python


def test_the_pyyaml_that_is_imported_counts(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path / "none"), str(tmp_path / "site")])
    assert identity._yaml() == b""
    without = package.digest()
    folder = tmp_path / "site" / "yaml"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("one")
    assert identity._yaml() == b"one"
    (folder / "_yaml.b.so").touch()
    (folder / "_yaml.a.so").touch()
    (folder / "yaml.so").touch()
    assert identity._yaml() == b"one_yaml.a.so\0_yaml.b.so"
    assert package.digest() != without
    monkeypatch.setattr(os, "major", lambda device: 8)
    states = set()
    for path in ([], [str(tmp_path / "site")]):
        monkeypatch.setattr(sys, "path", path)
        package.begin()
        states.add(tool_state())
    assert len(states) == (2 if sys.platform == "linux" else 1)
    monkeypatch.setattr(sys, "path", [])
    assert package.digest() == without


def test_what_python_does_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = python_digest()
    assert python_digest() == before and len(before) == sha256().digest_size
    seen = {before}
    for name, value in (("version", "3"), ("warnoptions", ["error"])):
        with monkeypatch.context() as patched:
            patched.setattr(sys, name, value)
            seen.add(python_digest())
    flags = {"optimize": 0, "bytes_warning": 0, "int_max_str_digits": 0}
    for name in ("", *flags):
        values = types.SimpleNamespace(**{**flags, **({name: 7} if name else {})})
        with monkeypatch.context() as patched:
            patched.setattr(sys, "flags", values)
            seen.add(python_digest())
    assert len(seen) == 7
