"""What `derivload run` keeps of a run, and when it runs a script again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.run_scripts import COPY, Write, _write, runner, script
from support.script_runs import Runner, times

pytestmark = pytest.mark.thorough

__all__ = ["runner", "script"]  # fixtures


def test_second_run_does_nothing_and_prints_the_same(script: Write) -> None:
    runner = script(COPY + "    import sys; print('said'); print('told', file=sys.stderr)\n")
    first = runner.run("script.py")
    before = times(runner.folder)
    again = runner.run("script.py")
    assert (first.exit, again.exit) == ("ran", "up-to-date")
    assert again.stdout == first.stdout == "said\n"
    assert again.stderr == first.stderr + "derivload: script.py: up to date\n"
    assert runner.run("script.py", own=["--quiet"]).stderr == first.stderr
    assert times(runner.folder) == before


_BY_PATH = """
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location('h', 'helper.py')
module = module_from_spec(spec)
spec.loader.exec_module(module)
print(module.x)
"""


def test_the_run_that_does_nothing_imports_the_standard_library_alone(script: Write) -> None:
    runner = script(COPY)
    runner.run("script.py", own=["--quiet"])
    arguments = ["run", "--quiet", "--cache-dir", str(runner.state), "script.py"]
    ask = (
        "import sys; from derivload.cli import main; sys.argv[1:] = [];"
        f"assert main({arguments}) == 0; print(*sys.modules)"
    )
    modules = {name.partition(".")[0] for name in runner.plain("-c", ask).stdout.split()}
    foreign = {"msgspec", "yaml", "diskcache", "sqlite3", "argparse", "platformdirs", "subprocess"}
    assert "derivload" in modules
    assert not foreign & modules


CHANGES: list[tuple[str, str, Callable[[Path], object]]] = [
    ("content", COPY, lambda f: (f / "in.txt").write_text("two\n")),
    ("the script", COPY, lambda f: (f / "script.py").write_text("# other\n")),
    ("an output", COPY, lambda f: (f / "out.txt").write_text("mine")),
    ("no output", COPY, lambda f: (f / "out.txt").unlink()),
    ("no input", "import os; print(os.path.exists('in.txt'))", lambda f: (f / "in.txt").unlink()),
    (
        "a new file, by exists",
        "import os; print(os.path.exists('new'))",
        lambda f: (f / "new").touch(),
    ),
    (
        "a new file, by Path",
        "from pathlib import Path; print(Path('new').is_file())",
        lambda f: (f / "new").touch(),
    ),
    (
        "a new file, by access",
        "import os; print(os.access('new', os.F_OK))",
        lambda f: (f / "new").touch(),
    ),
    (
        "a new file, by open",
        "try:\n    open('new')\nexcept OSError:\n    print('none')",
        lambda f: (f / "new").touch(),
    ),
    ("a listing", "import os; print(os.listdir('sub'))", lambda f: (f / "sub" / "new").touch()),
    ("a glob", "import glob; print(glob.glob('sub/*'))", lambda f: (f / "sub" / "new").touch()),
    ("a walk", "import os; print(list(os.walk('sub')))", lambda f: (f / "sub" / "new").touch()),
    (
        "a glob of Path",
        "from pathlib import Path; print(list(Path('sub').rglob('*.x')))",
        lambda f: (f / "sub" / "new.x").touch(),
    ),
    ("a kind", "import os; print(os.path.isdir('in.txt'))", lambda f: _to_folder(f / "in.txt")),
    (
        "a time",
        "import os; print(os.path.getmtime('in.txt'))",
        lambda f: os.utime(f / "in.txt", (1, 1)),
    ),
    (
        "a size",
        "import os; print(os.stat('in.txt').st_size)",
        lambda f: (f / "in.txt").write_text(""),
    ),
    (
        "a module",
        "import helper; print(helper.x)",
        lambda f: (f / "helper.py").write_text("x = 22\n"),
    ),
    (
        "a module in a module's place",
        "import helper; print(helper.x)",
        lambda f: _write(f / "helper" / "__init__.py", "x = 3\n"),
    ),
    (
        "a module of Python's",
        "import fractions",
        lambda f: (f / "fractions.py").write_text("print(1)"),
    ),
    (
        "a module that was not there",
        "try:\n    import absent\nexcept ImportError:\n    print('none')",
        lambda f: (f / "absent.py").touch(),
    ),
    (
        "a module by its path",
        _BY_PATH,
        lambda f: (f / "helper.py").write_text("x = 22\n"),
    ),
    (
        "code that it runs",
        "import runpy; print(runpy.run_path('helper.py')['x'])",
        lambda f: (f / "helper.py").write_text("x = 22\n"),
    ),
    ("a link", "import os; print(os.path.realpath('link'))", lambda f: _link(f / "link", "sub")),
    (
        "a descriptor",
        "import os; print(os.read(os.open('in.txt', os.O_RDONLY), 9))",
        lambda f: (f / "in.txt").write_text("two\n"),
    ),
    (
        "a folder that it made",
        "import os; os.makedirs('a/b', exist_ok=True)",
        lambda f: (f / "a" / "b").rmdir(),
    ),
]


def _to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


@pytest.mark.parametrize(("text", "change"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_what_it_saw_changed(script: Write, text: str, change: Callable[[Path], object]) -> None:
    runner = script(text)
    (runner.folder / "sub").mkdir()
    (runner.folder / "helper.py").write_text("x = 1\n")
    (runner.folder / "link").symlink_to("in.txt")
    assert runner.run("script.py").exit == "ran"
    assert runner.run("script.py").exit == "up-to-date"
    change(runner.folder)
    ran = runner.run("script.py")
    assert ran.exit == "ran"
    expected = runner.plain("script.py")
    assert ran.stdout == expected.stdout


def test_what_it_did_not_look_at_changes_nothing(script: Write) -> None:
    runner = script(COPY)
    assert runner.run("script.py").exit == "ran"
    (runner.folder / "new.py").touch()
    (runner.folder / "sub").mkdir()
    assert Runner(runner.folder, runner.state, {"X": "1"}).run("script.py").exit == "up-to-date"


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("import os; print(os.environ.get('X'))", {"X": "1"}),
        ("import os; print(os.getenv('X'))", {"X": "1"}),
        ("import os; print('X' in os.environ)", {"X": "1"}),
        ("import os; print(os.environb.get(b'X'))", {"X": "1"}),
        ("import os; print(sorted(dict(os.environ)) and 1)", {"X": "1"}),
        ("print(1)", {"PYTHONHASHSEED": "7"}),
        ("print(1)", {"PYTHONWARNINGS": "error"}),
        ("print(1)", {"LC_ALL": "C"}),
    ],
)
def test_environment_changed(script: Write, text: str, variables: dict[str, str]) -> None:
    runner = script(text)
    assert runner.run("script.py").exit == "ran"
    assert runner.run("script.py").exit == "up-to-date"
    other = Runner(runner.folder, runner.state, variables)
    ran = other.run("script.py")
    assert (ran.exit, ran.stdout) == ("ran", other.plain("script.py").stdout)


def test_each_command_line_and_folder_has_a_run_of_its_own(script: Write) -> None:
    runner = script("import os, sys; print(os.getcwd(), sys.argv)")
    (runner.folder / "sub").mkdir()
    path = str(runner.folder / "script.py")
    for arguments in ([path], [path, "a"], [path, "a", "b"], [path, "a b"]):
        for folder in (runner.folder, runner.folder / "sub"):
            there = Runner(folder, runner.state)
            assert there.run(*arguments).exit == "ran"
            again = there.run(*arguments)
            assert (again.exit, again.stdout) == ("up-to-date", there.plain(*arguments).stdout)


_SPAWNING = """
import multiprocessing
if __name__ == '__main__':
    process = multiprocessing.get_context('spawn').Process(target=print)
    process.start()
    process.join()
"""


NOT_KEPT = [
    ("it started a process", "import subprocess, sys; subprocess.run([sys.executable, '-c', ''])"),
    ("it started a process", "import os; os.system('true')"),
    ("it started a process", "import os; os.fork() or os._exit(0)"),
    (
        "it started a process",
        _SPAWNING,
    ),
    ("it opened a socket", "import socket; socket.socket().close()"),
    ("it called a library directly", "import ctypes; ctypes.CDLL(None)"),
    ("it read from stdin", "import sys; sys.stdin.read()"),
    ("it read from stdin", "import sys; sys.stdin.buffer.read()"),
    ("it read from stdin", "open(0, closefd=False).read()"),
    ("which is no file", "open('/dev/zero', 'rb').read(1)"),
    ("it made a link", "import os; os.path.lexists('l') or os.symlink('in.txt', 'l')"),
    (
        "which it read, was written while it ran",
        "from pathlib import Path; p = Path('in.txt'); p.write_text(p.read_text() + 'x')",
    ),
    ("which it read, was written while it ran", "open('in.txt', 'a').write('x')"),
    ("which it read, was written while it ran", "open('in.txt', 'r+').write('x')"),
    ("something changed while it ran", "import os; n = len(os.listdir('.')); open(f'f{n}', 'w')"),
    ("changed while it ran", "import os; os.path.exists('made') or open('made', 'w').close()"),
    ("it ended without Python's own end, or its notes cannot be written", "import os; os._exit(0)"),
]


@pytest.mark.parametrize(("reason", "text"), NOT_KEPT)
def test_run_that_cannot_be_seen_through_is_not_kept(script: Write, reason: str, text: str) -> None:
    runner = script(text)
    ran = runner.run("script.py")
    assert ran.exit == "ran", ran.stderr
    said = ran.stderr.splitlines()[-1]
    assert said.startswith("derivload: note: this run of script.py is not kept: ")
    assert said.endswith(reason)
    assert runner.run("script.py").exit == "ran"


def test_input_edited_while_it_runs_is_not_taken_for_read(script: Write) -> None:
    runner = script(
        """
        import os
        text = open("in.txt").read()
        descriptor = os.open("edit.sh", os.O_RDONLY)
        open("out.txt", "w").write(text)
        os.utime("script.py")
        """
    )
    (runner.folder / "edit.sh").touch()
    ran = runner.run("script.py")
    assert "is not kept" in ran.stderr
    assert runner.run("script.py").exit == "ran"
