"""Users for real: one without a home, and one who would have a text of theirs served to another."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from derivload.store.owned import LAYOUT
from support.child import child_environment
from support.releases import Release
from support.sampling import one_in
from support.small_pytorch import SmallPyTorch

IS_ROOT = os.name != "nt" and os.geteuid() == 0
pytestmark = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
# No passwd entry has it.
NOBODY = 54321
Run = Callable[..., subprocess.CompletedProcess[str]]
GOING_ON = (
    "derivload: warning: going on without the cache: there is no home folder to keep it in; "
    "--cache-dir names another folder\n"
)
UNUSABLE = (
    "derivload: error: the cache cannot be used: there is no home folder to keep it in; "
    "--cache-dir names another folder\n"
)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that all users may write to."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def homeless(shared: Path) -> Run:
    """Run a module of Python as a user without home or passwd entry, as containers have them."""
    program = shutil.which("setpriv")
    if program is None:
        pytest.skip("there is no setpriv")
    become = [program, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    without = ("HOME", "XDG_CACHE_HOME", "DERIVLOAD_CACHE_DIR")
    environment = {k: v for k, v in child_environment().items() if k not in without}

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*become, sys.executable, "-B", *arguments],
            cwd=shared,
            env={**environment, **more},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    tried = run("-c", "import derivload.cli, msgspec")
    if tried.returncode:
        pytest.skip(f"another user has no way to this Python: {tried.stderr[-200:]}")
    return run


# --- a user without a home


def derivload(*arguments: str) -> Sequence[str]:
    return ("-m", "derivload", *arguments)


def test_emit_goes_on_without_a_cache(homeless: Run, shared: Path) -> None:
    done = homeless(*derivload("emit", "--catalogue", "--out-dir", "out"))
    wrote = "derivload: out: wrote differentiability.json, functions.json, manifest.json\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", GOING_ON + wrote)
    done = homeless(*derivload("emit", "--catalogue", "--out-dir", "out"))
    assert (done.returncode, done.stderr) == (0, "derivload: out: up to date\n")
    assert [path.name for path in shared.iterdir()] == ["out"]


def test_check_and_show_and_watch_go_on(homeless: Run, shared: Path) -> None:
    done = homeless(*derivload("check", "--catalogue"))
    assert (done.returncode, done.stderr.startswith(f"{GOING_ON}derivload: no mistakes")) == (
        0,
        True,
    )
    done = homeless(*derivload("show", "--catalogue", "gild"))
    assert (done.returncode, done.stderr) == (0, "")
    done = homeless(*derivload("watch", "--catalogue", "--once", "--out-dir", "out"))
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in shared.iterdir()] == ["out"]


@pytest.mark.parametrize("action", ["stats", "verify", "clear", "prune"])
def test_the_cache_commands_say_what_to_write(homeless: Run, shared: Path, action: str) -> None:
    more = ["--max-size", "1M"] if action == "prune" else []
    done = homeless(*derivload("cache", action, *more))
    assert (done.returncode, done.stdout, done.stderr) == (3, "", UNUSABLE)
    done = homeless(*derivload("cache", action, *more, "--cache-dir", "named"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "named: empty\n", "")
    assert [*shared.iterdir()] == []


@pytest.mark.thorough
@pytest.mark.release
def test_codegen_goes_on(homeless: Run, shared: Path, release: Release, newest: str) -> None:
    tree = SmallPyTorch(release(newest), shared / "tree").root
    done = homeless(*derivload("codegen", "--pytorch", str(tree), "--out-dir", "out"))
    assert (done.returncode, done.stderr.startswith(GOING_ON)) == (0, True), done.stderr
    done = homeless(
        *derivload("watch", "--codegen", "--once", "--pytorch", str(tree), "--out-dir", "other")
    )
    assert (done.returncode, done.stderr.startswith(GOING_ON)) == (0, True), done.stderr
    assert sorted(path.name for path in shared.iterdir()) == ["other", "out", "tree"]


@pytest.mark.parametrize("variable", [None, "DERIVLOAD_CACHE_DIR"])
def test_a_home_that_is_none_is_not_made_a_folder_of_its_sign(
    homeless: Run, shared: Path, variable: str | None
) -> None:
    if variable is None:
        done = homeless(
            *derivload("emit", "--catalogue", "--out-dir", "out", "--cache-dir", "~/cache")
        )
    else:
        done = homeless(
            *derivload("emit", "--catalogue", "--out-dir", "out"), **{variable: "~/cache"}
        )
    assert (done.returncode, done.stderr.startswith(GOING_ON)) == (0, True), done.stderr
    assert [path.name for path in shared.iterdir()] == ["out"]


@pytest.mark.parametrize(
    "home",
    ["/root", *(pytest.param(h, marks=pytest.mark.thorough) for h in ("/nonexistent", "/"))],
)
def test_a_home_that_cannot_be_written_to_is_one_warning(
    homeless: Run, shared: Path, home: str
) -> None:
    done = homeless(*derivload("emit", "--catalogue", "--quiet", "--out-dir", "out"), HOME=home)
    assert done.returncode == 0
    assert done.stderr.startswith("derivload: warning: going on without the cache: "), done.stderr
    assert done.stderr.count("\n") == 1
    done = homeless(*derivload("cache", "stats"), HOME=home)
    assert done.returncode in (0, 3)  # what is not there, or cannot be seen, is empty
    assert (done.stdout + done.stderr).count("\n") == 1
    assert [path.name for path in shared.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(("HOME", "~"), ("XDG_CACHE_HOME", "relative"), ("HOME", "")),
        *(
            pytest.param(variable, value, marks=pytest.mark.thorough)
            for variable, value in (
                *(("HOME", "relative"), ("HOME", "~nobody"), ("XDG_CACHE_HOME", "")),
                *(("XDG_CACHE_HOME", "~"), ("XDG_CACHE_HOME", "~nobody")),
            )
        ),
    ],
)
def test_a_home_that_is_no_absolute_path_makes_no_folder(
    homeless: Run, shared: Path, variable: str, value: str
) -> None:
    done = homeless(
        *derivload("emit", "--catalogue", "--quiet", "--out-dir", "out"), **{variable: value}
    )
    assert done.returncode == 0
    assert done.stderr.startswith("derivload: warning: going on without the cache: "), done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in shared.iterdir()] == ["out"]


# --- a user who writes to the cache


# Puts another text in the place of a document, behind a seal that is right: it has no secret.
POISON = """
import contextlib, glob, hashlib, os, sys
text = sys.stdin.buffer.read()
key = hashlib.sha256(b"document " + hashlib.sha256(text).hexdigest().encode()).digest()
evil = text.replace(b'"gild', b'"EVIL')
evil = hashlib.sha256(key + hashlib.sha256(evil).digest()).digest() + evil
for name in glob.glob(sys.argv[1] + "/*/??/??/*.val"):
    with contextlib.suppress(OSError):
        if os.stat(name).st_size == len(evil):
            if not os.access(name, os.W_OK):
                os.unlink(name)
            with open(name, "wb") as file:
                file.write(evil)
            print("poisoned")
"""


@pytest.mark.parametrize("spoiled", one_in(2, ["nothing", "folders", "files"]))
def test_another_user_cannot_have_a_text_served(spoiled: str, shared: Path) -> None:
    """Under a umask of 0, in a cache that others may read: restored from CI's, say."""
    cache, out = shared / "cache", shared / "out"
    cache.mkdir(0o755)
    options = ["--catalogue", "--cache-dir", str(cache), "--out-dir", str(out)]
    command = [sys.executable, "-m", "derivload", "emit", *options]

    def emit() -> bytes:
        subprocess.run(command, env=child_environment(), check=True, umask=0)
        functions = (out / "functions.json").read_bytes()
        for file in out.iterdir():
            file.unlink()
        return functions

    first = emit()
    (cache / LAYOUT).chmod(0o755)
    for path in (cache / LAYOUT).rglob("*"):
        if spoiled != "nothing" and path.is_dir():
            path.chmod(0o777 if spoiled == "folders" else 0o755)
        if path.suffix == ".val" and spoiled == "files":
            path.chmod(0o666)
    # Another user may have no way to the Python that runs this.
    python = shutil.which("python3", path=os.defpath) or sys.executable
    done = subprocess.run(
        [python, "-c", POISON, str(cache)],
        user=65534,
        group=65534,
        extra_groups=[],
        input=first,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"another user cannot run Python here: {done.stderr[-200:]!r}")
    assert done.stdout.count(b"poisoned") == (spoiled != "nothing")
    assert [emit(), emit(), emit()] == [first] * 3
