"""What real life does to the files that derivwatch watches, on the real file system."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from derivload.commands.watch.decisions import DELAYS
from support.derivwatch import Inputs, Watch, changes, watching
from support.paths import DERIVATIVES
from support.watch_runs import inputs, watch
from support.watched_files import (
    BEFORE,
    Checkout,
    assert_one_reload,
    assert_quick_save_is_reloaded,
    checkout,
    either,
)

__all__ = ["checkout", "either", "inputs", "watch"]  # fixtures


Start = Callable[..., Watch]


# Editors.


def test_saved_in_place(either: Watch, inputs: Inputs) -> None:
    inputs.save("grad * 2")
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
    inputs.save("grad * 2")
    inputs.derivatives.chmod(0o600)
    backup.unlink()
    assert_one_reload(watch, "grad * 2")


def test_saved_with_a_backup_in_another_folder(watch: Watch, inputs: Inputs) -> None:
    """Its going is a move that nothing matches: watchdog would hold back all that follows."""
    backups = inputs.folder.parent / "backups"
    backups.mkdir()
    inputs.derivatives.rename(backups / DERIVATIVES)
    inputs.save("grad * 2")
    assert_one_reload(watch, "grad * 2")


def test_saved_through_a_temporary_file_of_another_folder(watch: Watch, inputs: Inputs) -> None:
    temporary = inputs.folder.parent / "temporary"
    temporary.write_text(inputs.edited("grad * 2"), "utf-8")
    temporary.replace(inputs.derivatives)
    assert_one_reload(watch, "grad * 2")


@pytest.mark.parametrize("place", ["unwatched", "memory"])
def test_moved_in_by_mv(watch: Watch, inputs: Inputs, place: str) -> None:
    """From a folder that nobody watches, or from another file system: then mv copies."""
    memory = Path("/dev/shm")
    if place == "memory" and not memory.is_dir():
        pytest.skip("there is no other file system")
    folder = Path(tempfile.mkdtemp(dir=memory if place == "memory" else None))
    try:
        moved = folder / "moved.yaml"
        moved.write_text(inputs.edited("grad * 2"), "utf-8")
        subprocess.run(["mv", moved, inputs.derivatives], check=True)
    finally:
        shutil.rmtree(folder)
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
        inputs.save(formula)

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
    inputs.save("grad * 2")
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
        inputs.save(f"grad * {number}")
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


def test_git_checkout_is_one_reload(checkout: Checkout, inputs: Inputs, tmp_path: Path) -> None:
    for watch in watching(inputs, tmp_path / "out"):
        for branch, came in (("other", "polish"), ("main", "burnish")):
            checkout.git("checkout", "--quiet", branch)
            event = watch.only()
            assert event["event"] == "reloaded"
            assert came in [function["name"] for function in event["difference"]["added"]]


def test_git_stash_and_rebase_end_right(checkout: Checkout, inputs: Inputs, tmp_path: Path) -> None:
    for watch in watching(inputs, tmp_path / "out"):
        inputs.save("grad * 2")
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
        arguments = [*inputs.options, "--once"]
        once = Watch(arguments, cold)
        assert once.wait() == 0
        once.close()
        for path in cold.glob("*.json"):
            assert (watch.out / path.name).read_bytes() == path.read_bytes()


def test_git_in_progress_is_waited_for(checkout: Checkout, inputs: Inputs, tmp_path: Path) -> None:
    lock = inputs.folder / ".git" / "index.lock"
    for watch in watching(inputs, tmp_path / "out"):
        lock.touch()
        inputs.save("grads[7] * half of a checkout")
        time.sleep(0.5)
        inputs.save("grad * 2")
        lock.unlink()
        assert_one_reload(watch, "grad * 2")


def test_git_lock_that_was_left_behind_holds_up_nothing_for_long(
    checkout: Checkout, inputs: Inputs, tmp_path: Path
) -> None:
    for watch in watching(inputs, tmp_path / "out"):
        (inputs.folder / ".git" / "index.lock").touch()
        inputs.save("grad * 2")
        assert_one_reload(watch, "grad * 2")
