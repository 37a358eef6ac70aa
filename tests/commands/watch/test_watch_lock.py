"""The lock of an out-dir: what it keeps out, and what it leaves alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.child import child_environment
from support.derivwatch import PATIENCE, Inputs, Watch, watching
from support.watch_runs import inputs

__all__ = ["inputs"]  # a fixture


LOCK = ".derivwatch.lock"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def watch(inputs: Inputs, out: Path) -> Iterator[Watch]:
    yield from watching(inputs, out)


def once(inputs: Inputs, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "derivload", "watch", "--once", *inputs.options),
            *("--out-dir", str(out)),
        ],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def assert_refused(inputs: Inputs, out: Path) -> None:
    done = once(inputs, out)
    assert done.returncode == 3
    assert f"{out / LOCK}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in out.iterdir()] == [LOCK]


@pytest.mark.parametrize("target", ["../precious", "../not there", LOCK])
def test_link_is_not_followed(inputs: Inputs, out: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "precious").write_text("precious", "utf-8")
    (out / LOCK).symlink_to(target)
    assert_refused(inputs, out)
    assert (tmp_path / "precious").read_text("utf-8") == "precious"
    assert not (tmp_path / "not there").exists()
    assert (out / LOCK).readlink() == Path(target)


@pytest.mark.parametrize("text", ["precious", "12 monkeys\n", "1\n2\n", "7" * 100, "\0"])
def test_file_that_is_no_lock_stays_as_it_is(inputs: Inputs, out: Path, text: str) -> None:
    (out / LOCK).write_text(text, "utf-8")
    assert_refused(inputs, out)
    assert (out / LOCK).read_text("utf-8") == text


def test_file_of_another_name_too_stays_as_it_is(inputs: Inputs, out: Path, tmp_path: Path) -> None:
    """A pid, as a lock has it, but not ours alone."""
    (tmp_path / "other.pid").write_text("1234\n", "utf-8")
    (out / LOCK).hardlink_to(tmp_path / "other.pid")
    assert_refused(inputs, out)
    assert (tmp_path / "other.pid").read_text("utf-8") == "1234\n"


def test_what_is_no_file_is_refused(inputs: Inputs, out: Path) -> None:
    (out / LOCK).mkdir()
    assert_refused(inputs, out)
    (out / LOCK).rmdir()
    os.mkfifo(out / LOCK)
    assert_refused(inputs, out)


@pytest.mark.parametrize("left", ["", "1234\n"])
def test_lock_that_was_left_behind_is_taken(inputs: Inputs, out: Path, left: str) -> None:
    (out / LOCK).write_text(left, "utf-8")
    assert once(inputs, out).returncode == 0
    assert not (out / LOCK).exists()


def test_lock_goes_with_the_folder_and_comes_back(watch: Watch, inputs: Inputs, out: Path) -> None:
    shutil.rmtree(out)
    inputs.save("grad * 2")
    watch.expect("reloaded")
    assert (out / LOCK).read_text("utf-8") == f"{watch.process.pid}\n"
    done = once(inputs, out)
    assert done.returncode == 3
    assert f"pid {watch.process.pid} " in done.stderr


def test_two_never_write_to_the_same_folder(watch: Watch, inputs: Inputs, out: Path) -> None:
    """The folder is deleted under the first one, and is the second one's from then on."""
    shutil.rmtree(out)
    for second in watching(inputs, out):
        (out / "manifest.json").unlink()
        inputs.save("grad * 2")
        assert watch.wait() == 3
        assert f"a derivwatch with pid {second.process.pid} already writes there" in watch.errors
        assert len(watch.events) == 1
        assert second.expect("reloaded")["written"]
        assert (out / LOCK).read_text("utf-8") == f"{second.process.pid}\n"


def test_link_in_the_place_of_the_lock_stops_writing_until_it_is_gone(
    watch: Watch, inputs: Inputs, out: Path, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("1234\n", "utf-8")
    (out / LOCK).unlink()
    (out / LOCK).symlink_to("../precious")
    inputs.save("grad * 2")
    assert "not derivwatch's lock" in watch.expect("error")["message"]
    (out / LOCK).unlink()
    assert watch.expect("reloaded")["mended"]
    assert watch.formula() == "grad * 2"
    assert (tmp_path / "precious").read_text("utf-8") == "1234\n"
