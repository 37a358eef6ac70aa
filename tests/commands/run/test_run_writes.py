"""What a script writes under `derivload run`, and YAML files that count by value."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.bad_disks import fill, small_disk
from support.out_dirs import posix
from support.run_scripts import COPY, Write, _write, runner, script
from support.script_runs import changed, contents, times

__all__ = ["runner", "script", "small_disk"]  # fixtures


# YAML files count by value


VALUE = "import yaml\nwith open('in.yaml') as f:\n    print(yaml.safe_load(f))\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("- a: 1", "# before\n- a: 1", "stored"),
        ("- a: 1\n  b: 2", "- b: 2\n  a: 1", "ran"),
        ("- c: 3\n", "- c: |\n    # no comment\n", "ran"),
        *(
            pytest.param(*edit, marks=pytest.mark.thorough)
            for edit in (
                ("- a: 1", "- a: 1  # behind", "stored"),
                ("  b: 2", "\n  # inside\n  b: 2", "stored"),
                ("- a: 1", "- a: '1'", "ran"),
                ("- c: 3\n", "- c: 3\n\n# at the end", "stored"),
                ("- a: 1", "- a: 2", "ran"),
                ("  b: 2\n", "", "ran"),
                ("- c: 3\n", "- c: 3\n- c: 3\n", "ran"),
            )
        ),
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
        *(
            pytest.param(text, marks=pytest.mark.thorough)
            for text in (
                _WOUND_BACK,
                "import yaml\nf = open('in.yaml')\nf.readline(); print(yaml.safe_load(f))",
                "import yaml\nwith open('in.yaml') as f:\n    print(yaml.load(f, Loader=L))",
            )
        ),
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
        os.rename("others.txt", "away.txt")
        Path("a/b").mkdir(parents=True)
        Path("a/b/made.txt").write_text("made")
        open("added.txt", "a").write("more")
        shutil.rmtree("folder")
        {end}
        """
    )
    for name in ("old.txt", "gone.txt", "over.txt", "others.txt", "added.txt"):
        (runner.folder / name).write_text(name)
    _write(runner.folder / "folder" / "inside.txt", "inside")
    os.utime(runner.folder / "old.txt", (1, 1))
    before, when = contents(runner.folder), times(runner.folder)
    assert runner.run("script.py").status != 0
    assert (contents(runner.folder), times(runner.folder)) == (before, when)
    assert not (runner.folder / "a").exists()


HARASSED = """
import os, signal, subprocess, sys
from pathlib import Path
# It signals derivload as soon as the script is over, and until derivload is.
harass = '''
import os, signal, sys, time
sys.stdin.read()
while True:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        try:
            os.kill(int(sys.argv[1]), number)
        except OSError:
            sys.exit()
    time.sleep(0.001)
'''
ours, theirs = os.pipe()
nowhere = subprocess.DEVNULL
harassing = [sys.executable, "-c", harass, str(os.getppid())]
subprocess.Popen(harassing, stdin=ours, stdout=nowhere, stderr=nowhere)
for path in Path("many").iterdir():
    path.write_text("new")
sys.exit(5)
"""


@posix
def test_signals_do_not_stop_what_puts_files_back(script: Write) -> None:
    runner = script(HARASSED)
    (runner.folder / "many").mkdir()
    for number in range(1000):
        (runner.folder / "many" / str(number)).write_text("old")
    before = contents(runner.folder)
    runner.run("script.py")
    assert contents(runner.folder) == before


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
    runner.plain("-m", "derivload", "emit", "--catalogue", "--out-dir", "out", *cache[3:])
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


@pytest.mark.parametrize(
    "damage",
    [
        *("garbled", "of another version"),
        *(pytest.param(d, marks=pytest.mark.thorough) for d in ("cut", "empty")),
    ],
)
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


def test_a_state_whose_disk_is_full_costs_a_warning(script: Write, small_disk: Path) -> None:
    runner = script("print(open('in.txt').read())")
    runner.state = small_disk
    assert runner.run("script.py").exit == "ran"
    fill(small_disk)
    for text in ("2", "3"):
        (runner.folder / "in.txt").write_text(text)
        ran = runner.run("script.py")
        assert (ran.status, ran.stdout) == (0, f"{text}\n")
        assert "this run" in ran.stderr and "is not kept: " in ran.stderr
        assert "Traceback" not in ran.stderr


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


@posix
@pytest.mark.parametrize(
    ("stream", "status"), [("| sleep 0", 0), ("2>&1 | sleep 0", 0), (">&-", 0), (">/dev/full", 3)]
)
def test_a_run_that_is_answered_has_the_streams_of_any_command(
    script: Write, stream: str, status: int
) -> None:
    runner = script("import sys; print('out'); print('err', file=sys.stderr)")
    runner.run("script.py")
    command = f"set -o pipefail; sleep 0.1; {sys.executable} -m derivload run --cache-dir "
    command += f"{runner.state} script.py {stream}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=runner.folder,
        env=runner.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    said = "err\nderivload: script.py: up to date\n" if status == 0 else "err\n"
    assert done.stderr.startswith(said) or "2>&1" in stream
    assert "Broken pipe" not in done.stderr
