"""`derivload run` on scripts of all kinds: what it runs, what it keeps, and what it puts back.

A run may be left out only if the script would do the same again. So each thing that a script can
depend on has a test in which it changes, and each thing that cannot be seen has one in which the
script runs every time.
"""

from __future__ import annotations

import json
import signal

import pytest

from support.run_scripts import Write, runner, script
from support.sampling import one_in
from support.script_runs import Runner

__all__ = ["runner", "script"]  # fixtures


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


def test_script_is_not_looked_for_modules_where_python_is_to_be_safe(script: Write) -> None:
    runner = script("import sys; print(sys.flags.safe_path, sys.path[0])")
    runner.environment["PYTHONSAFEPATH"] = "1"
    assert runner.run("script.py").stdout == runner.plain("script.py").stdout


def test_error_of_derivloads_is_shown_as_the_command_does(script: Write) -> None:
    runner = script(
        """
        from derivload.loading.errors import UsageError
        raise UsageError("a sentence\\nand another")
        """
    )
    ran = runner.run("script.py")
    assert (ran.status, ran.stderr) == (1, "a sentence\nand another\n")


def test_os_says_of_its_functions_what_it_said(script: Write) -> None:
    runner = script(
        """
        import os, shutil, sys
        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            print(os.stat in able, os.access in able, os.readlink in able)
        print(shutil.rmtree.avoids_symlink_attacks, os.stat.__name__, os.lstat.__name__)
        os.path.lexists("link") or os.symlink("in.txt", "link")
        shutil.copystat("link", "link", follow_symlinks=False)
        sys.stdin.close()
        print(os.dup(0) > 2)  # only the object is closed
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
    one_in(
        2,
        [
            "raise ValueError('no')",
            "import sys; sys.exit(3)",
            "import sys; sys.exit('a sentence')",
            "def f():\n    try:\n        1 / 0\n    finally:\n        [][1]\nf()",
            "def (",
            "import nowhere",
            "import other",
            "e, f = ValueError('no'), KeyError(); e.__cause__ = f; f.__cause__ = e; raise e",
        ],
    ),
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
        (["-m", "json"], "error: there is no module json to run"),
        (["-m", "json..tool"], "error: json..tool cannot be imported: "),
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


def test_what_is_printed_without_a_buffer_is_there_at_once(script: Write) -> None:
    runner = script("import os; print('said'); os._exit(3)")
    runner.environment["PYTHONUNBUFFERED"] = "1"
    assert runner.run("script.py").stdout == "said\n"


def test_no_script_is_wrong_usage(runner: Runner) -> None:
    assert runner.run().status == 2
    assert runner.run("-m").status == 2
