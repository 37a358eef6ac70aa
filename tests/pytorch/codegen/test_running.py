"""What is seen of the code of a tree while it runs: each way to read, and what the trace has of it.

`tests/pytorch/codegen/test_codegen_sources.py` shows what comes of it for the generators.
"""

from __future__ import annotations

import builtins
import io
import os
import py_compile
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from derivload.identity import PACKAGE
from derivload.loading.trace import NOTHING, Trace
from derivload.modules import CLEARLY
from derivload.pytorch.codegen.running import Running
from derivload.pytorch.codegen.upstream import IMPORTED, forget

# By what a generator does: the files, folders and variables that the trace has of it.
SEEN: Final = {
    "open('file').read()": ["./file"],
    "open(b'file').read()": ["./file"],
    "import pathlib; pathlib.Path('file').read_text()": ["./file"],
    "import io; io.open('file').read()": ["./file"],
    "import os; os.close(os.open('file', os.O_RDONLY))": ["./file"],
    "import shutil; shutil.copy('file', 'new')": ["./file"],
    "open('none')": ["./none"],
    "open('OUTSIDE/file').read()": ["OUTSIDE/file"],
    "open('folder')": [],
    "open(open('/dev/null').fileno(), closefd=False).read()": [],
    f"open({PACKAGE + '/cli.py'!r}).read()": [],
    f"open({os.__file__!r}).read()": [],
    f"open({pytest.__file__!r}).read()": [],
    "open('__pycache__/file').read()": [],
    "open('new', 'w').write('x'); open('new').read()": [],
    "open('file', 'a').write('x')": [],
    "open('file', 'r+').write('x')": [],
    "open('new', 'x').write('x')": [],
    "import os; os.close(os.open('file', os.O_WRONLY))": [],
    "import os; os.close(os.open('file', os.O_RDWR))": [],
    "import os; os.mkdir('made'); open('made/a', 'w').close(); open('made/a').read()": [],
    "import os; os.mkdir('made'); os.path.exists('made/none'); os.listdir('made')": [],
    "import os; os.listdir('folder')": ["./folder/*"],
    "import os; os.listdir(b'folder')": ["./folder/*"],
    "import os; list(os.scandir('folder'))": ["./folder/*"],
    "import os; os.listdir(os.open('folder', os.O_RDONLY))": [],
    "import glob; glob.glob('folder/*')": ["./folder/*"],
    "import os; os.listdir('OUTSIDE')": ["OUTSIDE/*"],
    f"import os; os.listdir({PACKAGE!r})": [],
    "import os; os.listdir('none')": [],
    "import shutil; shutil.rmtree('folder')": [],
    "import os; os.path.exists('none')": ["./none"],
    "import os; os.stat(b'none')": ["./none"],
    "import pathlib; pathlib.Path('none').is_file()": ["./none"],
    "import os; os.path.exists('file')": [],
    "import os; os.path.exists('OUTSIDE/none')": [],
    "import os; os.stat('none', dir_fd=os.open('folder', os.O_RDONLY))": [],
    "import os; os.stat(999)": [],
    "import os; os.environ.get('NAMED')": ["$NAMED"],
    "import os; 'NAMED' in os.environ": ["$NAMED"],
    "import os; os.environ['HOME']": ["$HOME"],
    "import os; os.environ.get('TMPDIR'), os.environ.get('TEMP'), os.environ.get('TMP')": [],
    "import helper": ["./helper.py"],
    "import pack.part": ["./pack/__init__.py", "./pack/part.py"],
    "import absent": ["./absent.py", "./absent/__init__.py"],
    "import pack.absent": ["./pack/__init__.py", "./pack/absent.py", "./pack/absent/__init__.py"],
    "import stale; assert stale.x == 2": ["./stale.py"],
    # The tree comes last on Python's path; one of its own would be taken before it is installed.
    "import sys; sys.modules.pop('tomli', 0); import tomli": ["./tomli.py", "./tomli/__init__.py"],
    "import json, derivload.cli": [],
    "assert open('file').encoding == open('file', encoding='locale').encoding == 'utf-8'": [
        "./file"
    ],
    "assert open('file', encoding='latin-1').encoding == 'latin-1'": ["./file"],
    "assert open('file', 'rb').read() == b'one'": ["./file"],
    "import pathlib; pathlib.Path('accent').read_text() == chr(233)": ["./accent"],
}


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is copied for each case; nothing in it was edited just before."""
    root = tmp_path_factory.mktemp("pattern") / "root"
    for name in ("folder", "pack", "__pycache__", "torchgen", "tools", "other"):
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").touch()
    for name in ("file", "folder/inside", "__pycache__/file", "../file"):
        (root / name).write_text("one", "utf-8")
    (root / "accent").write_text("\u00e9", "utf-8")
    (root / "helper.py").touch()
    (root / "pack" / "part.py").touch()
    stale = root / "stale.py"
    for text in ("x = 1\n", "x = 2\n"):
        stale.write_text(text)
        os.utime(stale, (1e9, 1e9))
        if text == "x = 1\n":
            py_compile.compile(str(stale))
    return root


@pytest.fixture
def root(pattern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    shutil.copytree(pattern.parent, tmp_path / "case")
    os.utime(tmp_path / "case" / "root" / "stale.py", (1e9, 1e9))  # changed after its copy was made
    monkeypatch.chdir(tmp_path / "case" / "root")
    yield tmp_path / "case" / "root"
    forget()


def run(running: Running, text: str) -> None:
    try:
        with running:
            exec(compile(text, "generator", "exec"), {"__name__": "generator"})
    except (OSError, ImportError):
        return


def told(trace: Trace, outside: Path) -> list[str]:
    found = [*trace.files, *trace.folders, *(f"${name}" for name in trace.variables)]
    return sorted(name.replace(str(outside), "OUTSIDE") for name in found)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("text", SEEN)
def test_what_is_read_is_in_the_trace(text: str, root: Path) -> None:
    running = Running(str(root))
    run(running, text.replace("OUTSIDE", str(root.parent)))
    assert told(running.trace, root.parent) == SEEN[text]


def test_what_is_known_is_not_in_the_trace(root: Path) -> None:
    running = Running(str(root))
    running.known = frozenset({str(root / "file"), str(root / "helper.py")})
    with running:
        for name in ("file", "accent"):
            (root / name).read_text()
        __import__("helper")
    assert told(running.trace, root.parent) == ["./accent"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_of_installed_packages_only_pytorchs_are_watched(root: Path) -> None:
    installed = root.rename(root.with_name("site-packages"))
    running = Running(str(installed))
    with running:
        for name in ("torchgen", "tools", "other", "../root"):
            (installed / name / "none").exists()
            list(installed.glob(f"{name}/*"))
            if name != "../root":
                (installed / name / "__init__.py").read_text()
    assert told(running.trace, root.parent) == sorted(
        f"./{name}/{each}"
        for name in ("torchgen", "tools")
        for each in ("*", "__init__.py", "none")
    )


def test_inside_and_afterwards(root: Path) -> None:
    before = surroundings()
    running = Running(str(root))
    with running:
        assert sys.path[-1] == str(root)
        with running:
            (root / "file").read_text()
        assert surroundings() != before
        assert running.trace == NOTHING  # until all of it is over
        (root / "accent").read_text()
    assert surroundings() == before
    assert told(running.trace, root.parent) == ["./accent", "./file"]
    (root / "helper.py").read_text()
    assert os.environ.get("NAMED") is None
    with running:
        (root / "helper.py").read_text()
    assert told(running.trace, root.parent) == ["./accent", "./file", "./helper.py"]
    with pytest.raises(ZeroDivisionError), running:
        1 / 0  # noqa: B018
    assert surroundings() == before


def surroundings() -> list[object]:
    return [
        *(sys.path[:], sys.meta_path[:], sys.pycache_prefix, type(os.environ)),
        *(os.stat, builtins.open, io.open),
    ]


def test_what_was_edited_meanwhile_is_told(root: Path) -> None:
    time.sleep(2 * CLEARLY / 1e9)
    running = Running(str(root))
    with running:
        for name in ("file", "accent"):
            (root / name).read_text()
        (root / "none").exists()
        os.utime(root / "accent")
    assert running.edited == {"./accent"}
    with running:
        (root / "helper.py").read_text()
    assert running.edited == {"./accent"}


def test_modules_of_the_tree_are_forgotten(root: Path) -> None:
    with Running(str(root)):
        __import__("helper"), __import__("tools"), __import__("torchgen"), __import__("yaml")
    assert "helper" in IMPORTED
    assert "yaml" not in IMPORTED
    forget()
    assert not {"helper", "tools", "torchgen"} & {*sys.modules}
    assert "yaml" in sys.modules
    # Another one of that name, which somebody else has imported, is left alone.
    sys.modules["helper"] = ModuleType("helper")
    forget()
    assert sys.modules.pop("helper") is not None
