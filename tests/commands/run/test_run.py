"""`derivload run` on scripts of all kinds: what it runs, what it keeps, and what it puts back.

A run may be left out only if the script would do the same again. So each thing that a script can
depend on has a test in which it changes, and each thing that cannot be seen has one in which the
script runs every time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from support.script_runs import Runner, changed, contents, times

Write = Callable[[str], Runner]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "work").mkdir()
    return Runner(tmp_path / "work", tmp_path / "cache")


@pytest.fixture
def script(runner: Runner) -> Write:
    """Write `script.py`, and a file `in.txt` that it may read."""

    def write(text: str) -> Runner:
        (runner.folder / "script.py").write_text(textwrap.dedent(text), "utf-8")
        (runner.folder / "in.txt").write_text("one\n", "utf-8")
        return runner

    return write


COPY = """
    from pathlib import Path
    Path("out.txt").write_text(Path("in.txt").read_text())
"""


# How a script runs

WHO = """
    import json, sys
    main = sys.modules["__main__"]
    names = sorted(name for name in vars(main) if name not in ("json", "sys", "main"))
    print(json.dumps([__name__, __file__, str(__spec__ and __spec__.name), __package__, sys.argv,
                      sys.path, names, type(__loader__).__name__, sys.flags[:], __doc__]))
"""


@pytest.mark.parametrize("target", [["script.py"], ["./script.py"], ["-m", "script"]])
def test_script_finds_what_python_gives_it(script: Write, target: list[str]) -> None:
    runner = script(WHO)
    arguments = [*target, "-m", "--stats", "json", "@x", "--", "-q"]
    ran, plain = runner.run(*arguments), runner.plain(*arguments)
    assert ran.status == plain.status == 0, ran.stderr
    got, expected = json.loads(ran.stdout), json.loads(plain.stdout)
    # Where derivload is installed is behind all that Python has.
    assert got[5][: len(expected[5])] == expected[5]
    del got[5], expected[5]
    assert got == expected


def test_os_says_of_its_functions_what_it_said(script: Write) -> None:
    runner = script(
        """
        import os, shutil
        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            print(os.stat in able, os.access in able, os.readlink in able)
        print(shutil.rmtree.avoids_symlink_attacks, os.stat.__name__, os.lstat.__name__)
        os.path.lexists("link") or os.symlink("in.txt", "link")
        shutil.copystat("link", "link", follow_symlinks=False)
        """
    )
    assert runner.run("script.py").stdout == runner.plain("script.py").stdout


def test_a_package_runs_its_main_module(runner: Runner) -> None:
    (runner.folder / "tool").mkdir()
    (runner.folder / "tool" / "__init__.py").touch()
    (runner.folder / "tool" / "__main__.py").write_text("print('here')\n")
    assert runner.run("-m", "tool").stdout == "here\n"


def test_script_without_torchgen_has_nothing_of_derivloads_engine(script: Write) -> None:
    runner = script(
        "import sys; print([n for n in sys.modules if 'drop_in' in n or n in ('yaml', 'msgspec')])"
    )
    assert runner.run("script.py").stdout == "[]\n"


@pytest.mark.parametrize(
    "text",
    [
        "raise ValueError('no')",
        "import sys; sys.exit(3)",
        "import sys; sys.exit('a sentence')",
        "def f():\n    try:\n        1 / 0\n    finally:\n        [][1]\nf()",
        "def (",
        "import nowhere",
        "import other",
    ],
)
def test_failure_is_shown_as_python_shows_it(runner: Runner, text: str) -> None:
    (runner.folder / "script.py").write_text(text)
    (runner.folder / "other.py").write_text("import re\n1 / 0\n")
    for target in (["script.py"], ["-m", "script"]):
        if text == "def (" and target[0] == "-m":
            continue  # runpy's own frames differ
        ran, plain = runner.run(*target), runner.plain(*target)
        assert (ran.status, ran.stdout) == (plain.status, plain.stdout)
        assert ran.stderr == plain.stderr


def test_the_end_by_a_signal_is_passed_on(script: Write) -> None:
    runner = script("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert runner.run("script.py").status == 128 + signal.SIGKILL


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.py"], "error: nowhere.py is no file; for a module, write -m nowhere.py"),
        (["."], "error: . is no file; for a module, write -m ."),
        (["-m", "nowhere"], "error: there is no module nowhere to run"),
        (["-m", "nowhere.at.all"], "error: nowhere.at.all cannot be imported: "),
    ],
)
def test_nothing_to_run_is_wrong_usage(runner: Runner, arguments: list[str], said: str) -> None:
    ran = runner.run(*arguments)
    assert ran.status == 2
    assert ran.stderr.startswith(f"derivload: {said}")
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("import nowhere", "No module named 'nowhere'"),
        ("1 / 0", "division by zero"),
        ("(", "closed"),
    ],
)
def test_a_package_that_does_not_import_is_shown(runner: Runner, text: str, end: str) -> None:
    (runner.folder / "torchgen").mkdir()
    (runner.folder / "torchgen" / "__init__.py").write_text(text)
    (runner.folder / "torchgen" / "gen.py").touch()
    ran = runner.run("-m", "torchgen.gen")
    assert ran.status == 1
    assert ran.stderr.startswith("Traceback") or text == "("
    assert ran.stderr.rstrip().endswith(end)
    assert "derivload" not in ran.stderr


def test_no_script_is_wrong_usage(runner: Runner) -> None:
    assert runner.run().status == 2
    assert runner.run("-m").status == 2


# What is kept


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


def _write(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)


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
    ("it ended without Python's own end", "import os; os._exit(0)"),
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


# YAML files count by value


VALUE = "import yaml\nwith open('in.yaml') as f:\n    print(yaml.safe_load(f))\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("- a: 1", "# before\n- a: 1", "stored"),
        ("- a: 1", "- a: 1  # behind", "stored"),
        ("  b: 2", "\n  # inside\n  b: 2", "stored"),
        ("- c: 3\n", "- c: 3\n\n# at the end", "stored"),
        ("- a: 1", "- a: 2", "ran"),
        ("- a: 1", "- a: '1'", "ran"),
        ("  b: 2\n", "", "ran"),
        ("- a: 1\n  b: 2", "- b: 2\n  a: 1", "ran"),
        ("- c: 3\n", "- c: 3\n- c: 3\n", "ran"),
        ("- c: 3\n", "- c: |\n    # no comment\n", "ran"),
    ],
)
def test_yaml_counts_by_value(script: Write, old: str, new: str, expected: str) -> None:
    runner = script(VALUE)
    path = runner.folder / "in.yaml"
    path.write_text("- a: 1\n  b: 2\n- c: 3\n")
    assert runner.run("script.py").exit == "ran"
    path.write_text(path.read_text().replace(old, new))
    ran = runner.run("script.py")
    assert (ran.exit, ran.stdout) == (expected, runner.plain("script.py").stdout)
    assert runner.run("script.py").exit == "up-to-date"


_WOUND_BACK = """
import yaml
other = open('in.yaml')
with open('in.yaml') as file:
    yaml.safe_load(file)
    file.seek(0)
    yaml.safe_load(file)
    print(other.read())
"""


@pytest.mark.parametrize(
    "text",
    [
        VALUE + "print(open('in.yaml').read())",
        "import yaml\nprint(yaml.safe_load(open('in.yaml').read()))",
        _WOUND_BACK,
        "import yaml\nwith open('in.yaml') as f:\n    f.readline(); print(yaml.safe_load(f))",
        "import yaml\nwith open('in.yaml') as f:\n    print(yaml.load(f, Loader=L))",
        """import yaml
class LineLoader(yaml.SafeLoader):
    def construct_mapping(self, node, deep=False):
        return {**super().construct_mapping(node, deep), "__line__": node.start_mark.line}
with open('in.yaml') as f:
    for entry in yaml.load(f, Loader=LineLoader):
        print(f"{entry['__line__']}")
""",
    ],
)
def test_yaml_that_is_read_otherwise_counts_by_its_bytes(script: Write, text: str) -> None:
    loader = "import yaml\nclass L(yaml.SafeLoader):\n    pass\n"
    runner = script(loader + text)
    path = runner.folder / "in.yaml"
    path.write_text("- a: 1\n- c: 3\n")
    assert runner.run("script.py").exit == "ran"
    path.write_text("# new\n" + path.read_text())
    ran = runner.run("script.py")
    assert (ran.exit, ran.stdout) == ("ran", runner.plain("script.py").stdout)


def test_lines_that_nobody_uses_do_not_count(script: Write) -> None:
    runner = script(
        """
        import yaml
        class LineLoader(yaml.SafeLoader):
            def construct_mapping(self, node, deep=False):
                made = super().construct_mapping(node, deep)
                made["__line__"] = node.start_mark.line + 1
                return made
        with open('in.yaml') as f:
            for entry in yaml.load(f, Loader=LineLoader):
                assert isinstance(entry["__line__"], int)
                assert {entry["__line__"]: 1}
        """
    )
    path = runner.folder / "in.yaml"
    path.write_text("- a: 1\n- c: 3\n")
    assert runner.run("script.py").exit == "ran"
    path.write_text("# new\n" + path.read_text())
    assert runner.run("script.py").exit == "stored"


# What it writes


def test_file_that_is_written_anew_with_the_same_bytes_is_not_touched(script: Write) -> None:
    runner = script(COPY)
    runner.run("script.py")
    before = times(runner.folder)
    (runner.folder / "script.py").write_text(textwrap.dedent(COPY) + "# more\n")
    assert runner.run("script.py").exit == "ran"
    assert changed(before, times(runner.folder)) == ["script.py"]


def test_file_that_is_replaced_with_the_same_bytes_is_not_touched(script: Write) -> None:
    runner = script(
        """
        import os
        from pathlib import Path
        Path("t.tmp").write_text(Path("in.txt").read_text().upper())
        os.replace("t.tmp", "out.txt")
        """
    )
    runner.run("script.py")
    before = times(runner.folder)
    assert runner.run("script.py").exit == "up-to-date"
    (runner.folder / "in.txt").write_text("One\n")
    assert runner.run("script.py").exit == "ran"
    assert changed(before, times(runner.folder)) == ["in.txt"]


@pytest.mark.parametrize(
    "end", ["1 / 0", "import os; os._exit(4)", "import os; os.kill(os.getpid(), 9)"]
)
def test_failed_script_leaves_what_was_there(script: Write, end: str) -> None:
    runner = script(
        f"""
        import os, shutil
        from pathlib import Path
        Path("old.txt").write_text("new")
        Path("old.txt").write_text("newer")
        os.remove("gone.txt")
        os.replace("old.txt", "over.txt")
        Path("a/b").mkdir(parents=True)
        Path("a/b/made.txt").write_text("made")
        open("added.txt", "a").write("more")
        shutil.rmtree("folder")
        {end}
        """
    )
    for name in ("old.txt", "gone.txt", "over.txt", "added.txt"):
        (runner.folder / name).write_text(name)
    _write(runner.folder / "folder" / "inside.txt", "inside")
    os.utime(runner.folder / "old.txt", (1, 1))
    before, when = contents(runner.folder), times(runner.folder)
    assert runner.run("script.py").status != 0
    assert (contents(runner.folder), times(runner.folder)) == (before, when)
    assert not (runner.folder / "a").exists()


def test_failed_script_leaves_links_as_they_were(script: Write) -> None:
    runner = script(
        """
        import os
        open("link", "w").write("through")
        os.remove("other")
        open("other", "w").write("in its place")
        1 / 0
        """
    )
    (runner.folder / "target").write_text("target")
    for name in ("link", "other"):
        (runner.folder / name).symlink_to("target")
    assert runner.run("script.py").status == 1
    assert (runner.folder / "target").read_text() == "target"
    assert all((runner.folder / name).is_symlink() for name in ("link", "other"))


def test_strange_paths_are_the_scripts_own_affair(script: Write) -> None:
    runner = script(
        """
        import os
        for path in ("a\\0b", "x" * 5000, b"\\xff", ""):
            for ask in (open, os.stat, os.path.exists, os.listdir, os.remove):
                try:
                    print(ask.__name__, ask(path))
                except (OSError, ValueError) as error:
                    print(ask.__name__, error)
        """
    )
    ran, plain = runner.run("script.py"), runner.plain("script.py")
    assert ran.stdout == plain.stdout


def test_nothing_is_left_beside_the_script(script: Write, tmp_path: Path) -> None:
    runner = script(COPY)
    runner.run("script.py")
    assert sorted(contents(runner.folder)) == ["in.txt", "out.txt", "script.py"]
    state = tmp_path / "state"
    assert runner.run("script.py", own=["--state-dir", str(state)]).exit == "ran"
    assert runner.run("script.py", own=[f"--state-dir={state}"]).exit == "up-to-date"
    assert [path.name for path in state.iterdir() if path.is_dir()] == []
    assert len(list(state.iterdir())) == 1


def test_the_cache_command_counts_and_removes_records(script: Write, tmp_path: Path) -> None:
    runner = script(VALUE)
    (runner.folder / "in.yaml").write_text("- a: 1\n")
    runner.run("script.py")
    (tmp_path / "cache" / "runs" / "mine.txt").touch()
    cache = ["-m", "derivload", "cache", "--cache-dir", str(tmp_path / "cache")]
    runner.plain("-m", "derivload", "emit", "--out-dir", "out", *cache[3:])
    assert "\nruns    2 files, " in runner.plain(*cache, "stats").stdout
    runner.plain(*cache, "prune", "--older-than", "1d")
    assert runner.run("script.py").exit == "up-to-date"
    assert "runs: removed 2 files of runs\n" in runner.plain(*cache, "clear").stdout
    assert [path.name for path in (tmp_path / "cache" / "runs").iterdir()] == ["mine.txt"]
    assert runner.run("script.py").exit == "ran"


def test_it_needs_no_option(script: Write, tmp_path: Path) -> None:
    runner = script(COPY)
    runner.environment["DERIVLOAD_CACHE_DIR"] = str(tmp_path / "other")
    assert runner.plain("-m", "derivload", "run", "script.py").stderr == ""
    again = runner.plain("-m", "derivload", "run", "script.py")
    assert again.stderr == "derivload: script.py: up to date\n"
    assert (tmp_path / "other" / "runs").is_dir()


def test_without_a_cache_it_runs_each_time(script: Write, tmp_path: Path) -> None:
    runner = script(COPY)
    command = ["-m", "derivload", "run", "--no-cache", "--stats", "script.py"]
    for _ in range(2):
        assert "exit      ran" in runner.plain(*command).stderr
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("damage", ["cut", "garbled", "empty", "of another version"])
def test_damaged_record_is_none(script: Write, tmp_path: Path, damage: str) -> None:
    runner = script(COPY)
    own = ["--state-dir", str(tmp_path / "state")]
    runner.run("script.py", own=own)
    (record,) = (tmp_path / "state").iterdir()
    data = record.read_bytes()
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "garbled":
        data = data.replace(b"out.txt", b"in.txt")
    elif damage == "empty":
        data = b""
    else:
        data = data.replace(b"derivload-run 1", b"derivload-run 0")
    record.write_bytes(data)
    assert runner.run("script.py", own=own).exit == "ran"
    assert runner.run("script.py", own=own).exit == "up-to-date"


def test_state_that_cannot_be_written_costs_a_warning(script: Write, tmp_path: Path) -> None:
    runner = script(COPY)
    (tmp_path / "file").touch()
    ran = runner.run("script.py", own=["--state-dir", str(tmp_path / "file")])
    assert ran.exit == "ran"
    assert ran.stderr.startswith("derivload: warning: this run is not kept: ")


def test_output_that_was_touched_is_still_the_same(script: Write) -> None:
    runner = script(COPY)
    runner.run("script.py")
    os.utime(runner.folder / "out.txt")
    assert runner.run("script.py").exit == "up-to-date"


def test_output_with_the_size_and_times_of_another_is_found_out(script: Write) -> None:
    runner = script(COPY)
    runner.run("script.py")
    path = runner.folder / "out.txt"
    status = path.stat()
    path.write_text("ONE\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert runner.run("script.py").exit == "ran"
    assert path.read_text() == "one\n"


def test_it_is_the_python_of_derivload_that_runs(script: Write) -> None:
    runner = script("import sys; print(sys.executable)")
    assert runner.run("script.py").stdout == f"{sys.executable}\n"
