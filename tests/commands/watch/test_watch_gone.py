"""Inputs and outputs that go and come back, and clocks that go wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from derivload.commands.watch.decisions import DELAYS
from support.derivwatch import Inputs, Watch, watching
from support.paths import CATALOGUE
from support.watch_runs import inputs, watch
from support.watched_files import (
    BEFORE,
    assert_one_reload,
    assert_quick_save_is_reloaded,
    checkout,
    either,
)

__all__ = ["checkout", "either", "inputs", "watch"]  # fixtures


# What is gone, and comes back.


def test_input_deleted_and_brought_back(either: Watch, inputs: Inputs) -> None:
    inputs.derivatives.unlink()
    event = either.expect("error")
    assert [d["code"] for d in event["diagnostics"]] == ["DL001"]
    assert not either.rest()
    inputs.save("grad * 2")
    assert assert_one_reload(either, "grad * 2")["mended"]


def test_input_missing_at_the_start(inputs: Inputs, tmp_path: Path) -> None:
    aside = inputs.derivatives.rename(tmp_path / "aside")
    watch = Watch(inputs.options, tmp_path / "out")
    try:
        watch.expect("error")
        aside.rename(inputs.derivatives)
        watch.expect("started")
        inputs.save("grad * 2")
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
        inputs.save(formula)

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
        deep.save("grad * 2")
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
        deep.save("grad * 2")
        watch.settle_on("grad * 2")
        shutil.rmtree(moved)
        shutil.copytree(tmp_path / "aside", moved)
        watch.settle_on(BEFORE)
        watch.rest()
        deep.save("grad * 3")
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
        Inputs(tmp_path / name).save(formula)
    shutil.rmtree(inputs.folder)
    inputs.folder.symlink_to("one")
    for watch in watching(inputs, tmp_path / "out"):
        (tmp_path / "link").symlink_to("two")
        (tmp_path / "link").replace(inputs.folder)
        assert_one_reload(watch, "grad * 2")
        inputs.save("grad * 3")
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
        assert "does not exist: name a folder" in watch.expect("error")["message"]
        aside.rename(tmp_path / "pytorch")
        assert watch.expect("reloaded")["mended"]
    finally:
        watch.close()


# Outputs.


def test_outputs_that_cannot_be_written_for_a_while(watch: Watch, inputs: Inputs) -> None:
    manifest = watch.out / "manifest.json"
    manifest.unlink()
    manifest.mkdir()
    inputs.save("grad * 2")
    assert "manifest.json" in watch.expect("error")["message"]
    manifest.rmdir()
    assert watch.expect("reloaded")["mended"]
    assert watch.formula() == "grad * 2"


def test_outputs_that_were_deleted_are_made_again_at_the_next_save(
    watch: Watch, inputs: Inputs
) -> None:
    shutil.rmtree(watch.out)
    inputs.save("grad * 2")
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
                inputs.save(formula)
                watch.settle_on(formula)
            assert watch.end() == 143
            assert watch.errors.count("no events (inotify instance limit reached)") == 1


# For hours.


@pytest.mark.thorough
def test_many_edits_do_not_make_it_grow(
    watch: Watch, inputs: Inputs, request: pytest.FixtureRequest
) -> None:
    edits = 1000 if request.config.getoption("--long") else 50
    sizes = []
    for number in range(edits + 50):
        inputs.save(f"grad * {number + 2}")
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
        inputs.save(f"grad * {number + 2}")
        watch.settle_on(f"grad * {number + 2}")
        watch.rest()
    assert len(list(tasks.iterdir())) == before
