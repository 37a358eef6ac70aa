"""What real life does to the files that derivwatch watches, on the real file system."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from derivload.commands.watch.decisions import DELAYS
from support.derivwatch import DERIVATIVES, FORMULA, Event, Inputs, Watch, changes, watching
from support.paths import CATALOGUE

Start = Callable[..., Watch]
BEFORE = FORMULA.removeprefix("self: ")


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path / "inputs")


@pytest.fixture
def watch(inputs: Inputs, tmp_path: Path) -> Iterator[Watch]:
    yield from watching(inputs, tmp_path / "out")


@pytest.fixture(params=["events", "polling"])
def either(inputs: Inputs, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Watch]:
    """By events, and without."""
    more = ["--poll"] if request.param == "polling" else []
    for watch in watching(inputs, tmp_path / "out", *more):
        assert watch.events[0]["watching"] == request.param
        yield watch


def assert_one_reload(watch: Watch, formula: str) -> Event:
    """That one save was seen, once, for what it was, and nothing else."""
    event = watch.only()
    assert event["event"] == "reloaded", event
    assert changes(event)["gild"][0] == ("backward", "self", BEFORE, formula)
    assert watch.formula() == formula
    return event


def assert_quick_save_is_reloaded(
    watch: Watch, limit: float, save: Callable[[str], None]
) -> list[Event]:
    """That nothing but reloads is said of a save with a formula, by what was said of it.

    Of one that took longer than `limit`, on a busy machine, nothing is known: it is tried again.
    """
    for number in range(100):
        formula = f"grad * {number + 2}"
        seen = len(watch.events)
        began = time.monotonic()
        save(formula)
        took = time.monotonic() - began
        watch.settle_on(formula)
        watch.rest()
        if took < limit:
            said = watch.events[seen:]
            assert {event["event"] for event in said} == {"reloaded"}
            return said
    pytest.fail("this machine is too busy to see it")


# Editors.


def test_saved_in_place(either: Watch, inputs: Inputs) -> None:
    inputs.edit("grad * 2")
    event = assert_one_reload(either, "grad * 2")
    assert event["written"] == ["differentiability.json", "manifest.json"]
    assert not event["mended"]


def test_saved_in_place_with_several_writes(watch: Watch, inputs: Inputs) -> None:
    def save(formula: str) -> None:
        text = inputs.edited(formula)
        with inputs.derivatives.open("w", encoding="utf-8") as file:
            for start in range(0, len(text), 1000):
                file.write(text[start : start + 1000])
                file.flush()
                time.sleep(0.01)

    assert len(assert_quick_save_is_reloaded(watch, 0.5, save)) == 1


def test_saved_through_a_temporary_file(watch: Watch, inputs: Inputs) -> None:
    temporary = inputs.folder / ".derivatives.yaml.swp"
    temporary.write_text(inputs.edited("grad * 2"), "utf-8")
    temporary.replace(inputs.derivatives)
    assert_one_reload(watch, "grad * 2")


def test_saved_with_a_backup_as_vim_does(watch: Watch, inputs: Inputs) -> None:
    backup = inputs.folder / "derivatives.yaml~"
    inputs.derivatives.rename(backup)
    inputs.edit("grad * 2")
    inputs.derivatives.chmod(0o600)
    backup.unlink()
    assert_one_reload(watch, "grad * 2")


def test_saved_with_a_backup_in_another_folder(watch: Watch, inputs: Inputs) -> None:
    """Its going is a move that nothing matches: watchdog would hold back all that follows."""
    backups = inputs.folder.parent / "backups"
    backups.mkdir()
    inputs.derivatives.rename(backups / DERIVATIVES)
    inputs.edit("grad * 2")
    assert_one_reload(watch, "grad * 2")


def test_saved_through_a_temporary_file_of_another_folder(watch: Watch, inputs: Inputs) -> None:
    temporary = inputs.folder.parent / "temporary"
    temporary.write_text(inputs.edited("grad * 2"), "utf-8")
    temporary.replace(inputs.derivatives)
    assert_one_reload(watch, "grad * 2")


def test_truncated_first_and_written_later(watch: Watch, inputs: Inputs) -> None:
    def save(formula: str) -> None:
        with inputs.derivatives.open("w", encoding="utf-8") as file:
            time.sleep(0.1)
            file.write(inputs.edited(formula))

    assert len(assert_quick_save_is_reloaded(watch, 0.25, save)) == 1


def test_truncated_and_closed_and_written_later(watch: Watch, inputs: Inputs) -> None:
    def save(formula: str) -> None:
        inputs.derivatives.write_text("", "utf-8")
        time.sleep(0.05)
        inputs.edit(formula)

    event, *others = assert_quick_save_is_reloaded(watch, DELAYS.gone, save)
    assert changes(event)["gild"][0][0] == "backward"
    # These were two saves: the second may be told by itself, where its last event came late.
    for later in others:
        assert not any(later["difference"].values())
        assert not later["written"]


def test_emptied_for_good_is_said(watch: Watch, inputs: Inputs) -> None:
    inputs.derivatives.write_text("", "utf-8")
    assert [d["code"] for d in watch.expect("error")["diagnostics"]] == ["DL004"]
    assert watch.formula() == BEFORE
    inputs.edit("grad * 2")
    assert assert_one_reload(watch, "grad * 2")["mended"]


def test_same_bytes_change_nothing(watch: Watch, inputs: Inputs) -> None:
    before = {path: path.stat().st_ino for path in watch.out.glob("*.json")}
    inputs.derivatives.write_bytes(inputs.derivatives.read_bytes())
    event = watch.expect("reloaded")
    assert not any(event["difference"].values())
    assert not event["written"]
    assert {path: path.stat().st_ino for path in watch.out.glob("*.json")} == before
    assert not watch.rest()


def test_comment_changes_nothing(watch: Watch, inputs: Inputs) -> None:
    with inputs.derivatives.open("a", encoding="utf-8") as file:
        file.write("\n# A comment.\n")
    event = watch.expect("reloaded")
    assert not any(event["difference"].values())
    assert not event["written"]


def test_other_files_of_the_folder_are_nothing(watch: Watch, inputs: Inputs) -> None:
    (inputs.folder / "notes.txt").write_text("notes", "utf-8")
    (inputs.folder / ".#derivatives.yaml").write_text("lock", "utf-8")
    inputs.derivatives.read_bytes()
    os.utime(inputs.derivatives)
    assert not watch.rest()


# Many at a time.


def test_saves_that_arrive_while_another_is_loaded(either: Watch, inputs: Inputs) -> None:
    for number in range(50):
        inputs.edit(f"grad * {number}")
        time.sleep(0.015)
    either.settle_on("grad * 49")
    assert not [event for event in either.rest() if event["event"] != "reloaded"]


def test_change_in_small_steps_ends_right(watch: Watch, inputs: Inputs) -> None:
    """Files that belong together, with more time between them than any debounce waits."""
    natives = inputs.folder / "native_functions.yaml"
    for path in (inputs.derivatives, natives):
        text = path.read_text("utf-8")
        path.write_text(text.replace("gild", "gilt"), "utf-8")
        event = watch.expect("error" if path == inputs.derivatives else "reloaded")
    assert event["mended"]
    assert "gilt" in [function["name"] for function in event["difference"]["added"]]


# Git.


class Checkout:
    """The inputs as a repository, with a branch on which all three files differ."""

    def __init__(self, inputs: Inputs) -> None:
        self.folder = inputs.folder
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("main")
        self.git("checkout", "--quiet", "-b", "other")
        for path in inputs.folder.glob("*.yaml"):
            text = path.read_text("utf-8")
            path.write_text(
                text.replace("burnish", "polish").replace("pointwise", "pointy"), "utf-8"
            )
        self.commit("other")
        self.git("checkout", "--quiet", "main")

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True, timeout=60)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)


@pytest.fixture
def checkout(inputs: Inputs, unavailable: Callable[[str], NoReturn]) -> Checkout:
    if shutil.which("git") is None:
        unavailable("git is not there")
    return Checkout(inputs)


def test_git_checkout_is_one_reload(checkout: Checkout, inputs: Inputs, tmp_path: Path) -> None:
    for watch in watching(inputs, tmp_path / "out"):
        for branch, came in (("other", "polish"), ("main", "burnish")):
            checkout.git("checkout", "--quiet", branch)
            event = watch.only()
            assert event["event"] == "reloaded"
            assert came in [function["name"] for function in event["difference"]["added"]]


def test_git_stash_and_rebase_end_right(checkout: Checkout, inputs: Inputs, tmp_path: Path) -> None:
    for watch in watching(inputs, tmp_path / "out"):
        inputs.edit("grad * 2")
        watch.settle_on("grad * 2")
        checkout.git("stash", "--quiet")
        watch.settle_on(BEFORE)
        checkout.git("stash", "pop", "--quiet")
        watch.settle_on("grad * 2")
        checkout.commit("formula")
        checkout.git("checkout", "--quiet", "-b", "third")
        checkout.git("rebase", "--quiet", "--strategy-option=theirs", "other")
        watch.rest()
        assert watch.events[-1]["event"] == "reloaded"
        cold = tmp_path / "cold"
        arguments = [*inputs.arguments(), "--once"]
        once = Watch(arguments, cold)
        assert once.wait() == 0
        once.close()
        for path in cold.glob("*.json"):
            assert (watch.out / path.name).read_bytes() == path.read_bytes()


def test_git_in_progress_is_waited_for(checkout: Checkout, inputs: Inputs, tmp_path: Path) -> None:
    lock = inputs.folder / ".git" / "index.lock"
    for watch in watching(inputs, tmp_path / "out"):
        lock.touch()
        inputs.edit("grads[7] * half of a checkout")
        time.sleep(0.5)
        inputs.edit("grad * 2")
        lock.unlink()
        assert_one_reload(watch, "grad * 2")


def test_git_lock_that_was_left_behind_holds_up_nothing_for_long(
    checkout: Checkout, inputs: Inputs, tmp_path: Path
) -> None:
    for watch in watching(inputs, tmp_path / "out"):
        (inputs.folder / ".git" / "index.lock").touch()
        inputs.edit("grad * 2")
        assert_one_reload(watch, "grad * 2")


# What is gone, and comes back.


def test_input_deleted_and_brought_back(either: Watch, inputs: Inputs) -> None:
    inputs.derivatives.unlink()
    event = either.expect("error")
    assert [d["code"] for d in event["diagnostics"]] == ["DL001"]
    assert not either.rest()
    inputs.edit("grad * 2")
    assert assert_one_reload(either, "grad * 2")["mended"]


def test_input_missing_at_the_start(inputs: Inputs, tmp_path: Path) -> None:
    aside = inputs.derivatives.rename(tmp_path / "aside")
    watch = Watch(inputs.arguments(), tmp_path / "out")
    try:
        watch.expect("error")
        aside.rename(inputs.derivatives)
        watch.expect("started")
        inputs.edit("grad * 2")
        assert_one_reload(watch, "grad * 2")
    finally:
        watch.close()


def test_read_error_for_a_moment(watch: Watch, inputs: Inputs) -> None:
    """A folder in the file's place: what cannot be read by anybody, not even by root."""
    aside = inputs.derivatives.rename(inputs.folder / "aside")
    inputs.derivatives.mkdir()
    event = watch.expect("error")
    assert [d["code"] for d in event["diagnostics"]] == ["DL001"]
    inputs.derivatives.rmdir()
    aside.rename(inputs.derivatives)
    assert watch.expect("reloaded")["mended"]


def test_read_error_shorter_than_a_moment_is_not_said(watch: Watch, inputs: Inputs) -> None:
    def save(formula: str) -> None:
        inputs.derivatives.rename(inputs.folder / "aside")
        inputs.derivatives.mkdir()
        inputs.derivatives.rmdir()
        inputs.edit(formula)

    assert_quick_save_is_reloaded(watch, DELAYS.gone, save)


@pytest.mark.parametrize("above", [0, 1])
def test_folder_moved_away_and_back(inputs: Inputs, tmp_path: Path, above: int) -> None:
    """The folder of the inputs, or the one above it."""
    deep = Inputs(tmp_path / "checkout" / "inputs")
    moved = [deep.folder, deep.folder.parent][above]
    for watch in watching(deep, tmp_path / "out"):
        aside = moved.rename(tmp_path / "aside")
        watch.expect("error")
        aside.rename(moved)
        assert watch.expect("reloaded")["mended"]
        deep.edit("grad * 2")
        assert_one_reload(watch, "grad * 2")


@pytest.mark.parametrize("above", [0, 1])
def test_folder_replaced_by_another(inputs: Inputs, tmp_path: Path, above: int) -> None:
    deep = Inputs(tmp_path / "checkout" / "inputs")
    moved = [deep.folder, deep.folder.parent][above]
    for watch in watching(deep, tmp_path / "out"):
        another = tmp_path / "another"
        shutil.copytree(moved, another)
        moved.rename(tmp_path / "aside")
        another.rename(moved)
        deep.edit("grad * 2")
        watch.settle_on("grad * 2")
        shutil.rmtree(moved)
        shutil.copytree(tmp_path / "aside", moved)
        watch.settle_on(BEFORE)
        watch.rest()
        deep.edit("grad * 3")
        assert_one_reload(watch, "grad * 3")


def test_link_whose_target_is_replaced(inputs: Inputs, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    inputs.derivatives.rename(real / "target.yaml")
    inputs.derivatives.symlink_to("../real/target.yaml")
    for watch in watching(inputs, tmp_path / "out"):
        temporary = real / "temporary"
        temporary.write_text(inputs.edited("grad * 2"), "utf-8")
        temporary.replace(real / "target.yaml")
        assert_one_reload(watch, "grad * 2")


def test_link_that_is_set_to_another_target(inputs: Inputs, tmp_path: Path) -> None:
    """The folder of the inputs is a link, as build systems have them, and changes to another."""
    for name, formula in (("one", BEFORE), ("two", "grad * 2")):
        Inputs(tmp_path / name).edit(formula)
    shutil.rmtree(inputs.folder)
    inputs.folder.symlink_to("one")
    for watch in watching(inputs, tmp_path / "out"):
        (tmp_path / "link").symlink_to("two")
        (tmp_path / "link").replace(inputs.folder)
        assert_one_reload(watch, "grad * 2")
        inputs.edit("grad * 3")
        watch.settle_on("grad * 3")


def test_version_of_a_release_that_changes(tmp_path: Path) -> None:
    packaged = tmp_path / "pytorch" / "torchgen" / "packaged"
    (packaged / "ATen").mkdir(parents=True)
    shutil.copytree(CATALOGUE, packaged / "autograd")
    shutil.copytree(CATALOGUE, packaged / "ATen" / "native")
    version = tmp_path / "pytorch" / "version.txt"
    version.write_text("2.14.0\n", "utf-8")
    watch = Watch(["--pytorch", str(tmp_path / "pytorch")], tmp_path / "out")
    try:
        assert watch.expect("started")["torch_version"] == "2.14"
        version.write_text("2.15.0\n", "utf-8")
        (change,) = watch.expect("reloaded")["difference"]["documents"]
        assert (change["before"], change["after"]) == ("2.14", "2.15")
        aside = (tmp_path / "pytorch").rename(tmp_path / "aside")
        assert "is no PyTorch" in watch.expect("error")["message"]
        aside.rename(tmp_path / "pytorch")
        assert watch.expect("reloaded")["mended"]
    finally:
        watch.close()


# Outputs.


def test_outputs_that_cannot_be_written_for_a_while(watch: Watch, inputs: Inputs) -> None:
    manifest = watch.out / "manifest.json"
    manifest.unlink()
    manifest.mkdir()
    inputs.edit("grad * 2")
    assert "manifest.json" in watch.expect("error")["message"]
    manifest.rmdir()
    assert watch.expect("reloaded")["mended"]
    assert watch.formula() == "grad * 2"


def test_outputs_that_were_deleted_are_made_again_at_the_next_save(
    watch: Watch, inputs: Inputs
) -> None:
    shutil.rmtree(watch.out)
    inputs.edit("grad * 2")
    assert len(assert_one_reload(watch, "grad * 2")["written"]) == 3


# Where there are no events, or clocks go wrong.


def test_clock_set_back(either: Watch, inputs: Inputs) -> None:
    """The new file is older than the old one, and as long."""
    inputs.derivatives.write_text(inputs.edited("grad * luster".replace("*", "/")), "utf-8")
    os.utime(inputs.derivatives, (1000, 1000))
    either.settle_on("grad / luster")


@contextmanager
def no_inotify(unavailable: Callable[[str], NoReturn]) -> Iterator[list[str]]:
    """What to run a command with so that it is allowed no inotify at all."""
    run = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    limit = "echo 0 > /proc/sys/user/max_inotify_instances"
    if shutil.which("unshare") is None or subprocess.run([*run, limit], check=False).returncode:
        unavailable("a process cannot be given limits of its own here")
    yield [*run, f'{limit} && exec "$@"', "sh"]


def test_limit_of_inotify_is_said_once_and_polling_goes_on(
    inputs: Inputs, tmp_path: Path, unavailable: Callable[[str], NoReturn]
) -> None:
    with no_inotify(unavailable) as before:
        for watch in watching(inputs, tmp_path / "out", before=before):
            assert watch.events[0]["watching"] == "polling"
            for formula in ("grad * 2", "grad * 3"):
                inputs.edit(formula)
                watch.settle_on(formula)
            assert watch.end() == 143
            assert watch.errors.count("no events (inotify instance limit reached)") == 1


# For hours.


def test_many_edits_do_not_make_it_grow(
    watch: Watch, inputs: Inputs, request: pytest.FixtureRequest
) -> None:
    edits = 1000 if request.config.getoption("--long") else 100
    sizes = []
    for number in range(edits + 50):
        inputs.edit(f"grad * {number + 2}")
        assert watch.until(lambda event: bool(event["written"]))["event"] == "reloaded"
        if number >= 49:
            sizes.append(_resident(watch))
    # In the middle of the time, and at its end.
    assert max(sizes[-20:]) <= 1.05 * max(sizes[:20]), sizes[:: max(1, edits // 20)]


def _resident(watch: Watch) -> int:
    status = Path(f"/proc/{watch.process.pid}/status")
    if not status.exists():
        pytest.skip("only Linux tells here how much memory a process has")
    (line,) = [s for s in status.read_text("ascii").splitlines() if s.startswith("VmRSS")]
    return int(line.split()[1])


def test_threads_of_one_save_do_not_pile_up(watch: Watch, inputs: Inputs) -> None:
    tasks = Path(f"/proc/{watch.process.pid}/task")
    if not tasks.exists():
        pytest.skip("only Linux tells here which threads a process has")
    before = len(list(tasks.iterdir()))
    for number in range(2):
        aside = inputs.folder.rename(inputs.folder.with_name("aside"))
        watch.expect("error")
        aside.rename(inputs.folder)
        watch.expect("reloaded")
        inputs.edit(f"grad * {number + 2}")
        watch.settle_on(f"grad * {number + 2}")
        watch.rest()
    assert len(list(tasks.iterdir())) == before
