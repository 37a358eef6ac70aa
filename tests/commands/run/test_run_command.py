"""How `derivload run` starts the process of a script, and what it says and keeps of its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from derivload.cli import main
from derivload.commands.run.asked import Asked
from derivload.outputs.journal import Journal
from derivload.outputs.kept_runs import context, read_record
from derivload.pytorch.script.seen import ObservedRun
from support.child import child_environment
from support.out_dirs import posix
from support.paths import SOURCE

Act = Callable[[Path], object]


class Child:
    """In the place of the script's process: what it was told, and what it does."""

    told: list[str]

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.acts: list[Act] = []
        self.ends: list[int | type[BaseException]] = [0]
        self.signals: list[int] = []
        monkeypatch.setattr(subprocess, "Popen", self)

    def __call__(self, told: list[str]) -> Child:
        self.told = told
        self.start, self.journal, self.record, self.now, self.cache, self.form, *self.rest = told[
            told.index("-c") + 1 :
        ]
        for act in self.acts:
            act(Path(self.journal))
        return self

    def wait(self) -> int:
        end = self.ends.pop(0)
        if isinstance(end, int):
            return end
        raise end

    def send_signal(self, number: int) -> None:
        self.signals.append(number)


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Child:
    monkeypatch.chdir(tmp_path)
    Path("script.py").touch()
    return Child(monkeypatch)


def seen(**fields: Any) -> Act:
    """The child tells what the script was seen to do."""
    run = ObservedRun()
    run.began = time.time_ns() + 1_000_000_000
    vars(run).update(fields)

    def tell(journal: Path) -> None:
        (journal / fields.pop("name", "seen")).write_bytes(run.render())

    return tell


@pytest.mark.parametrize(
    ("arguments", "form", "rest", "cache"),
    [
        (["script.py", "-q", "a b"], "", ["script.py", "-q", "a b"], "-"),
        (["-m", "module", "a"], "-m", ["module", "a"], "-"),
        (["--cache-dir", "kept", "script.py"], "", ["script.py"], "kept"),
        (["--no-cache", "script.py"], "", ["script.py"], ""),
        (["--state-dir", "kept", "script.py"], "", ["script.py"], "-"),
    ],
)
def test_the_process_is_told_where_to_write_and_what_to_run(
    child: Child, arguments: list[str], form: str, rest: list[str], cache: str
) -> None:
    assert main(["run", *arguments]) == 0
    assert child.told[0] == sys.executable
    assert (child.form, child.rest, child.cache, child.now) == (form, rest, cache, context())
    assert f"{str(SOURCE)!r}; p in sys.path or sys.path.append(p); " in child.start
    assert Path(child.journal).is_absolute()
    assert not Path(child.journal).exists()
    if cache:
        assert Path(child.record).is_absolute()
        assert child.journal.startswith(f"{child.record}.")
        assert child.journal.endswith(".tmp")
        assert Path(child.record).parent == (
            Path("kept").resolve() if "--state-dir" in arguments else Path(child.record).parent
        )
    else:
        assert child.record == ""


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ([0], 0),
        ([3], 3),
        ([-9], 137),
        ([KeyboardInterrupt, KeyboardInterrupt, 130], 130),
    ],
)
def test_the_status_is_the_scripts(
    child: Child, ends: list[int | type[BaseException]], status: int
) -> None:
    child.ends = ends
    assert main(["run", "script.py"]) == status
    assert ends == []


def test_what_a_failed_run_wrote_is_taken_back(child: Child) -> None:
    def write(journal: Path) -> None:
        Journal(str(journal)).note_file("script.py", follow=True)
        Path("script.py").write_text("changed")

    child.acts = [write]
    child.ends = [1]
    assert main(["run", "script.py"]) == 1
    assert Path("script.py").read_text() == ""
    child.ends = [0]
    assert main(["run", "script.py"]) == 0
    assert Path("script.py").read_text() == "changed"


@pytest.mark.parametrize("name", ["SIGTERM", pytest.param("SIGHUP", marks=posix)])
@pytest.mark.parametrize("is_started", [True, False])
def test_a_signal_is_passed_on(child: Child, name: str, is_started: bool) -> None:
    number = signal.Signals[name]
    before = signal.signal(number, signal.SIG_DFL)  # it may be ignored, as nohup has it

    def wait() -> int:
        if is_started:
            os.kill(os.getpid(), number)
        return 0

    def begin(_: Path) -> None:
        if not is_started:
            os.kill(os.getpid(), number)
        child.wait = wait  # type: ignore[method-assign]

    child.acts = [begin]
    try:
        assert main(["run", "script.py"]) == 0
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert child.signals == [number]


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_that_is_ignored_stays_ignored(child: Child, name: str) -> None:
    number = signal.Signals[name]
    before = signal.signal(number, signal.SIG_IGN)
    try:
        child.acts = [lambda _: os.kill(os.getpid(), number)]
        assert main(["run", "script.py"]) == 0
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
    assert child.signals == []


def test_what_cannot_be_put_back_stays_in_the_journal(
    child: Child, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("out.txt").write_text("before")

    def harm(journal: Path) -> None:
        Journal(str(journal)).note_file("out.txt", follow=True)
        Path("out.txt").unlink()
        Path("out.txt").mkdir()

    child.acts, child.ends = [harm], [1]
    assert main(["run", "script.py"]) == 1
    copy = Path(child.journal, "1")
    assert copy.read_text() == "before"
    told = capsys.readouterr().err
    assert f"{Path('out.txt').resolve()} cannot be put back: " in told
    assert f"; what it held is in {copy}\n" in told


def test_a_run_that_was_seen_is_kept_and_its_parts_too(
    child: Child, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in").write_text("in")
    Path("out").write_text("out")
    child.acts = [
        seen(files={"in": None}, written={"out": None}, kinds={"in": "file"}),
        seen(name="part-gen-1", files={"in": None}),
        seen(name="part-gen-2", reasons={"so it is": None}),
        seen(name="other", files={"in": None}),
    ]
    assert main(["run", "--stats=json", "script.py"]) == 0
    out, err = capsys.readouterr()
    assert '"exit": "ran"' in out
    assert '"counts": {"depends": 3, "outputs": 1}, "seconds": {"run": ' in out
    assert ', "keep": ' in out
    assert err == ""
    assert [item.kind for item in read_record(child.record)] == [
        *("context", "kind"),
        *("input", "output"),
    ]
    part = read_record(f"{child.record}.part-gen-1")
    assert [item.kind for item in part] == ["context", "input"]
    names = {path.name for path in Path(child.record).parent.iterdir()}
    assert names == {Path(child.record).name, f"{Path(child.record).name}.part-gen-1"}


def test_a_run_that_is_not_kept_says_why(child: Child, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--stats=json", "script.py"]) == 0
    out, err = capsys.readouterr()
    note = "derivload: note: this run of script.py is not kept: "
    assert err == f"{note}it ended without Python's own end, or its notes cannot be written\n"
    assert '"counts": {}' in out
    child.ends = [0]
    child.acts = [seen(reasons={"so it is": None})]
    assert main(["run", "script.py"]) == 0
    assert capsys.readouterr().err == f"{note}so it is\n"
    assert read_record(child.record) == []


def test_a_folder_that_cannot_be_made_costs_a_warning(
    child: Child, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "derivload: warning: this run is not kept: {}; --state-dir names another folder\n"
    assert main(["run", "--state-dir", "script.py/x", "script.py"]) == 0
    assert capsys.readouterr().err == said.format("Not a directory")
    monkeypatch.setattr(Asked, "record_path", lambda self: None)
    child.ends = [0]
    assert main(["run", "script.py"]) == 0
    assert capsys.readouterr().err == said.format("there is no home folder to keep it in")


@pytest.mark.parametrize("target", ["none.py", "."])
def test_what_is_no_file_is_wrong_usage(
    child: Child, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", target]) == 2
    said = f"derivload: error: {target} is no file; for a module, write -m {target}\n"
    assert capsys.readouterr().err == said
    assert not hasattr(child, "told")


def test_what_nobody_used_for_a_month_goes(child: Child) -> None:
    state = Path("state")
    state.mkdir()
    month = 30 * 24 * 60 * 60
    for digit, age in (("a", month - 60), ("b", month + 60)):
        (state / (digit * 64)).touch()
        os.utime(state / (digit * 64), (0, time.time() - age))
    assert main(["run", "--state-dir", "state", "script.py"]) == 0
    assert [path.name for path in state.iterdir()] == ["a" * 64]


def test_what_was_printed_before_comes_before(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import sys; print('2'); print('2', file=sys.stderr)")
    code = (
        "import sys; from derivload.cli import main; print(1); print(1, file=sys.stderr);"
        "status = main(['run', '--no-cache', 'script.py']); print(3); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("1\n2\n3\n", "1\n2\n")
