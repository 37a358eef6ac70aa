"""The process of a script, which is a copy of this one: what the script finds, and how it ends."""

from __future__ import annotations

import atexit
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from derivload.exit_status import BAD_USAGE
from derivload.loading.errors import UsageError
from derivload.pytorch.script import child
from derivload.pytorch.script.seen import SEEN, USERS_CACHE, read_seen
from support.copies import in_a_copy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

SCRIPT = """
from __future__ import annotations
import gc, json, os, sys
main = sys.modules["__main__"]
told = {
    "name": __name__, "file": __file__, "own": main.__dict__ is globals(), "argv": sys.argv,
    "path": sys.path[0], "spec": __spec__ and __spec__.name, "loader": __loader__.path,
    "mine": os.environ.get("MINE_X"),
    "cached": globals().get("__cached__"), "names": sorted(n for n in globals() if n[0] != "_"),
    "collect": gc.get_threshold()[0],
}
with open("told.json", "w") as file:
    json.dump(told, file)
"""


class Script:
    """A folder with scripts, and what one that ran has told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.notes = folder / "notes"
        (self.folder / "pack" / "sub").mkdir(parents=True)
        self.notes.mkdir()
        for name in ("script.py", "pack/__main__.py", "pack/one.py"):
            (self.folder / name).write_text(SCRIPT, "utf-8")
        for name in ("pack/__init__.py", "pack/sub/__init__.py"):
            (self.folder / name).touch()

    def run(self, form: str, target: str, *arguments: str, record: str = "") -> tuple[int, str]:
        """Run a script; its status, and what was printed to stderr."""
        said = self.notes / "stderr"

        def do() -> None:
            os.chdir(self.folder)
            sys.stdout, sys.stderr = io.StringIO(), said.open("w")
            sys.argv = ["-c", str(self.notes), record, "context", USERS_CACHE, form, target]
            sys.argv += arguments
            main: Any = sys.modules["__main__"]
            main.left_over = 1
            status = 0
            atexit._clear()
            try:
                child.main()
            except SystemExit as error:
                status = error.code if isinstance(error.code, int) else 0
            finally:
                (self.notes / "status").write_text(str(status))
            atexit._run_exitfuncs()
            sys.stderr.close()

        in_a_copy(do)
        return int((self.notes / "status").read_text()), said.read_text("utf-8")

    def told(self) -> dict[str, Any]:
        import json

        found: dict[str, Any] = json.loads((self.folder / "told.json").read_text("utf-8"))
        return found


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def test_a_script_finds_what_python_gives_it(script: Script) -> None:
    assert script.run("", "script.py", "a", "-b") == (0, "")
    told = script.told()
    assert told["argv"] == ["script.py", "a", "-b"]
    assert told["path"] == str(script.folder)
    assert told["file"] == str(script.folder / "script.py")
    assert (told["name"], told["own"], told["spec"]) == ("__main__", True, None)
    assert (told["loader"], told["cached"]) == (told["file"], None)
    assert told["names"] == ["annotations", "gc", "json", "main", "os", "sys"]
    assert told["collect"] == 100_000
    seen = read_seen(str(script.notes / SEEN))
    assert seen is not None
    assert str(script.folder / "script.py") in seen.files
    assert str(script.folder / "told.json") in seen.written
    assert seen.began > 0
    assert "MINE_X" in seen.variables
    assert seen.reasons == {}


@pytest.mark.parametrize("target", ["pack.one", "pack"])
def test_a_module_finds_what_python_gives_it(target: str, script: Script) -> None:
    assert script.run("-m", target, "a") == (0, "")
    told = script.told()
    file = script.folder / "pack" / ("one.py" if "." in target else "__main__.py")
    assert told["argv"] == [str(file), "a"]
    assert told["path"] == str(script.folder)
    assert told["file"] == str(file)
    assert (told["name"], told["own"]) == ("__main__", True)
    assert told["spec"] == ("pack.one" if "." in target else "pack.__main__")


@pytest.mark.parametrize(
    ("form", "target", "said"),
    [
        ("", "none.py", "error: none.py: No such file or directory"),
        ("", "pack", "error: pack: Is a directory"),
        ("-m", "nothing_here", "error: there is no module nothing_here to run"),
        ("-m", "pack.none", "error: there is no module pack.none to run"),
        ("-m", "pack.sub", "error: there is no module pack.sub to run"),
        ("-m", "none.sub", "error: none.sub cannot be imported: No module named 'none'"),
    ],
)
def test_what_cannot_be_run_is_wrong_usage(
    form: str, target: str, said: str, script: Script
) -> None:
    assert script.run(form, target) == (BAD_USAGE, f"derivload: {said}\n")


def test_a_module_that_needs_another_one(script: Script) -> None:
    (script.folder / "pack" / "__init__.py").write_text("import none_of_it\n")
    status, said = script.run("-m", "pack.one")
    assert status == 1
    assert said.endswith("ModuleNotFoundError: No module named 'none_of_it'\n")
    assert "derivload" not in said
    assert "importlib" not in said


def test_a_script_that_is_no_python(script: Script) -> None:
    (script.folder / "script.py").write_text("a b\n")
    status, said = script.run("", "script.py")
    assert status == 1
    assert said.startswith(f'  File "{script.folder}/script.py", line 1\n    a b\n')
    assert "SyntaxError: invalid syntax" in said
    assert "Traceback" not in said
    (script.folder / "script.py").write_bytes(b"a = 1\0")
    assert script.run("", "script.py")[0] == 1


RAISING = """
import sys
def inner():
    raise KeyError("first")
try:
    inner()
except KeyError as error:
    raise ValueError("second") from error
"""


def test_what_a_script_raises_is_shown_as_python_shows_it(script: Script) -> None:
    (script.folder / "script.py").write_text(RAISING)
    status, said = script.run("", "script.py")
    assert status == 1
    path = script.folder / "script.py"
    places = [line.strip() for line in said.splitlines() if "  File" in line]
    assert places == [
        f'File "{path}", line 6, in <module>',
        f'File "{path}", line 4, in inner',
        f'File "{path}", line 8, in <module>',
    ]
    assert "direct cause" in said
    assert said.endswith("ValueError: second\n")


def test_how_a_script_ends(script: Script) -> None:
    for text, status in (("import sys; sys.exit(7)", 7), ("raise SystemExit", 0)):
        (script.folder / "script.py").write_text(text)
        assert script.run("", "script.py") == (status, "")
        assert read_seen(str(script.notes / SEEN)) is not None
        (script.notes / SEEN).unlink()


def test_mistakes_of_inputs_are_told_as_derivload_tells_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    child._show(UsageError("one\ntwo"))
    assert capsys.readouterr().err == "one\ntwo\n"
