"""What derivload takes itself for: no result of other source is kept, or found, as one of this."""

from __future__ import annotations

import json
import os
import py_compile
import shutil
import socket
import subprocess
import sys
import time
import types
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from derivload.identity import _Scan, python_digest
from support.child import child_environment
from support.copied import copy_modules
from support.paths import CATALOGUE, PACKAGE
from support.project import replace_in

# Seconds: so long after an edit, a process that starts is certain to have the edited source.
_CLEARLY = 0.05
# Seconds: so long after an edit, the state of the files is certain to show the next one.
_STEP = 2.6
_INPUTS = ("derivatives", "native-functions", "tags")


class Checkout:
    """A copy of derivload's source, which is run from there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "src"
        self.package = self.source / "derivload"
        copy_modules(PACKAGE, self.package)
        self.module = self.package / "outputs" / "documents.py"
        self.out = folder / "out"
        time.sleep(_CLEARLY)

    def environment(self, **variables: str) -> dict[str, str]:
        own = {"PYTHONDONTWRITEBYTECODE": "", "DERIVLOAD_CACHE_DIR": str(self.folder / "cache")}
        return child_environment(self.source, **{**own, **variables})

    def arguments(self, out: Path) -> list[str]:
        named = [f"--{name}={CATALOGUE / name.replace('-', '_')}.yaml" for name in _INPUTS]
        return ["emit", *named, "--out-dir", str(out), "--stats=json"]

    def run(self, out: str = "out", **variables: str) -> str:
        """Run derivload; the exit that it took."""
        command = [sys.executable, "-m", "derivload", *self.arguments(self.folder / out)]
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            env=self.environment(**variables),
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["exit"])

    def edit(self, old: str, new: str) -> None:
        """Have the documents name another format, within the second of the last edit."""
        replace_in(self.module, f'f"{old}.', f'f"{new}.')
        os.utime(self.module, (1e9, 1e9))
        time.sleep(_CLEARLY)

    def format(self, out: str = "out") -> str:
        """The format that was written, as far as an edit changes it."""
        text = (self.folder / out / "functions.json").read_text("utf-8")
        return str(json.loads(text)["format"]).partition(".")[0]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param("", id="beside"),
        pytest.param("compiled", id="elsewhere", marks=pytest.mark.thorough),
    ],
)
def test_two_edits_in_one_second_are_seen(prefix: str, checkout: Checkout) -> None:
    """Python takes what it compiled of the first for that of the second."""
    where = {"PYTHONPYCACHEPREFIX": str(checkout.folder / prefix)} if prefix else {}
    before = "derivload"
    for number, after in enumerate(["firstload", "otherload"]):
        checkout.edit(before, after)
        checkout.run(f"out{number}", **where)
        assert checkout.format(f"out{number}") == after
        before = after
    time.sleep(_CLEARLY)
    checkout.run("out2", **where)
    assert checkout.format("out2") == "otherload"
    compiled = checkout.folder if prefix else checkout.module.parent
    assert [*compiled.rglob("documents.*.pyc")]


def state_in(out: Path) -> str:
    """The state of derivload's files, as a stamp has it."""
    return (out / ".derivload-stamp").read_text("utf-8").split("\n")[1].split(" ")[2]


@pytest.mark.skipif(sys.platform != "linux", reason="the state is known on Linux only")
def test_an_edit_of_the_same_length_and_time_is_seen_in_the_state(checkout: Checkout) -> None:
    checkout.edit("derivload", "firstload")
    checkout.run()
    assert not state_in(checkout.out), "a second edit may have the same time"
    time.sleep(_STEP)
    shutil.rmtree(checkout.folder / "cache")
    checkout.run("settled")  # the digest is kept for the state, in the new cache
    assert state_in(checkout.folder / "settled")
    assert checkout.run("settled") == "up-to-date"
    checkout.edit("firstload", "otherload")
    time.sleep(_STEP)  # from now on, the state counts again
    assert checkout.run("settled") == "cold"
    assert checkout.format("settled") == "otherload"


@pytest.mark.skipif(sys.platform != "linux", reason="the state is known on Linux only")
def test_the_state_is_that_of_code_that_is_certain_alone() -> None:
    scan = _Scan()
    scan._files = [("os.py", os.__file__, Path(os.__file__).stat())]
    known = scan._digest_of_looks()  # "" on no disk of this machine
    for is_certain, expected in ((False, ""), (True, known), (False, "")):
        scan.is_certain = is_certain
        assert scan.state() == expected


def test_two_edits_to_what_is_imported_first_are_seen(checkout: Checkout) -> None:
    checkout.module = checkout.package / "cli.py"
    text = checkout.module.read_text("utf-8")
    for number in (1, 2):
        checkout.module.write_text(f"{text}\nprint('edit {number}', file=sys.stderr)\n", "utf-8")
        os.utime(checkout.module, (1e9, 1e9))
        time.sleep(_CLEARLY)
        command = [sys.executable, "-m", "derivload", "emit", "--help"]
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", env=checkout.environment(), check=True
        )
        assert f"edit {number}" in done.stderr.splitlines()


def test_bytecode_that_python_never_checks_is(checkout: Checkout) -> None:
    py_compile.compile(
        str(checkout.module), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    checkout.edit("derivload", "otherload")
    checkout.run()
    assert checkout.format() == "otherload"


def test_bytecode_with_the_hash_of_the_source_is_used_whenever_it_was_made(
    checkout: Checkout,
) -> None:
    """As distributions and images have it, where times tell nothing."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = Path(str(py_compile.compile(str(checkout.module), invalidation_mode=mode)))
    os.utime(compiled, (0, 0))
    checkout.run()
    assert compiled.stat().st_mtime == 0


def test_edit_while_derivload_runs_is_the_next_runs(checkout: Checkout) -> None:
    """What is imported by then stays, what is imported later is of the edit: nothing is kept."""
    script = (
        "import os, sys\nfrom derivload import cli\nfrom derivload.identity import tool_digest\n"
        "tool_digest()\nmodule, old, new, *arguments = sys.argv[1:]\n"
        "text = open(module).read()\nopen(module, 'w').write(text.replace(old, new))\n"
        "status = cli.main(arguments)\nopen(module, 'w').write(text)\nsys.exit(status)\n"
    )
    words = (str(checkout.module), 'f"derivload.', 'f"otherload.')
    command = [sys.executable, "-c", script, *words, *checkout.arguments(checkout.out)]
    subprocess.run(command, env=checkout.environment(), stdout=subprocess.DEVNULL, check=True)
    assert checkout.format() == "otherload"
    time.sleep(_CLEARLY)
    assert checkout.run() == "cold"
    assert checkout.format() == "derivload"


def link(path: Path) -> None:
    path.symlink_to("me@host.123:1")


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        (".#cli.py", link),
        ("pipe.py", os.mkfifo),
        pytest.param("gone.py", link, marks=pytest.mark.thorough),
        pytest.param("folder.py", Path.mkdir, marks=pytest.mark.thorough),
        pytest.param("socket.py", listen, marks=pytest.mark.thorough),
    ],
)
def test_what_is_no_file_is_no_module(
    name: str, make: Callable[[Path], None], checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout.package)
    make(checkout.package / name)
    depfile = checkout.folder / "depfile"
    checkout.run()
    assert checkout.run() == "up-to-date"
    command = [*checkout.arguments(checkout.out), f"--depfile={depfile}", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "derivload", *command],
        env=checkout.environment(),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    assert name not in depfile.read_text("utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "added.py",
        *(pytest.param(n, marks=pytest.mark.thorough) for n in ("added.pyc", "added.abi3.so")),
    ],
)
def test_whatever_python_imports_counts(name: str, checkout: Checkout) -> None:
    checkout.run()
    (checkout.package / "cpp" / name).touch()
    time.sleep(_CLEARLY)
    assert checkout.run() == "cold"


def change_version(package: Path) -> None:
    replace_in(package / "__init__.py", "__version__ =", "__version__  =")


def take_out_parser(package: Path) -> None:
    for path in package.glob("_yaml.*"):
        path.unlink()


@pytest.mark.parametrize(
    "change", [change_version, pytest.param(take_out_parser, marks=pytest.mark.thorough)]
)
def test_other_pyyaml_counts(change: Callable[[Path], None], checkout: Checkout) -> None:
    package = checkout.source / "yaml"
    shutil.copytree(Path(str(yaml.__file__)).parent, package)
    checkout.run()
    assert checkout.run() == "up-to-date"
    change(package)
    assert checkout.run() == "cold"


@pytest.mark.thorough
def test_archive_is_what_it_holds(checkout: Checkout) -> None:
    archive = checkout.folder / "derivload.zip"

    def pack() -> None:
        with zipfile.ZipFile(archive, "w") as packed:
            for path in sorted(checkout.package.rglob("*.py")):
                packed.write(path, path.relative_to(checkout.source))

    pack()
    time.sleep(_CLEARLY)
    where = {"PYTHONPATH": str(archive)}
    checkout.run("first", **where)
    checkout.run(**where)
    assert checkout.run(**where) == "up-to-date"
    checkout.edit("derivload", "otherload")
    pack()
    time.sleep(_CLEARLY)
    assert checkout.run(**where) == "cold"
    assert checkout.format() == "otherload"


@pytest.mark.parametrize("name", ["sitecustomize", "usercustomize"])
def test_code_that_a_site_runs_at_start_counts_for_generators(
    name: str, checkout: Checkout
) -> None:
    command = "import NAME; from derivload.identity import python_digest; print(python_digest())"

    def digest() -> str:
        return subprocess.run(
            [sys.executable, "-c", command.replace("NAME", name)],
            env=checkout.environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    site = checkout.source / f"{name}.py"
    site.write_text("a = 1\n", "utf-8")
    before = digest()
    assert digest() == before
    site.write_text("a = 2\n", "utf-8")
    time.sleep(_CLEARLY)
    assert digest() != before


def test_code_that_a_site_runs_counts_by_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sitecustomize", "usercustomize"):
        site = tmp_path / f"{name}.py"
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        found = [python_digest()]
        sys.modules[name].__file__ = str(site)
        found.append(python_digest())  # the file is not there
        for text in ("a = 1\n", "a = 2\n"):
            site.write_text(text, "utf-8")
            found.append(python_digest())
        assert found[0] == found[1]
        assert len({*found}) == 3


def test_what_decides_what_python_does_counts_for_generators() -> None:
    def digest(*flags: str) -> str:
        command = "from derivload.identity import python_digest; print(python_digest().hex())"
        return subprocess.run(
            [sys.executable, *flags, "-c", command],
            env=child_environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    changes: tuple[list[str], ...] = (
        [],
        ["-O"],
        ["-OO"],
        ["-b"],
        ["-W", "error"],
        ["-X", "int_max_str_digits=0"],
    )
    assert len({digest(*flags) for flags in changes}) == len(changes)
    assert digest("-X", "utf8", "-q", "-B") == digest()
