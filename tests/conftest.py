"""PyTorch releases to test against, what their own torchgen says, and how documents are compared.

What is downloaded or computed by torchgen is kept in a cache folder between runs: the one that
DERIVLOAD_TEST_CACHE names, or the user's.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import itertools
import os
import random
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import platformdirs
import pytest
from xdist.remote import Producer
from xdist.scheduler import Scheduling

from derivload.commands.fetch.command import FetchError, fetch
from support import documents
from support.bad_disks import small_disk
from support.order import InParts, quickest_first
from support.paths import REFERENCE
from support.releases import Release
from support.telling import Keeping, Telling, Unavailable
from support.telling import unavailable as end_untested

if sys.platform != "win32":
    import fcntl

# Runs are tested as a user has them: with a buffer before stdout, and with modules that are
# compiled once. The latter holds for the processes of this test run, too.
for _name in ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"):
    os.environ.pop(_name, None)
sys.dont_write_bytecode = False

__all__ = ["small_disk"]  # a fixture

RELEASES = [f"2.{minor}.0" for minor in range(1, 16)]
SPREAD = ["2.1.0", "2.5.0", "2.10.0", "2.15.0"]
DUMP = REFERENCE / "dump_torchgen.py"

Judge = Callable[..., Path]
AssertSame = Callable[[Path, Path], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("derivload")
    group.addoption(
        "--all-releases",
        action="store_true",
        help="test every PyTorch release from 2.1 to 2.15, not the newest alone",
    )
    group.addoption("--long", action="store_true", help="let random tests run for longer")
    group.addoption(
        "--offline",
        action="store_true",
        help="download nothing, and leave out the tests that need what is not on this machine",
    )


@pytest.hookimpl(trylast=True)  # the terminal is one more plugin
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Keeping())
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        is_last = not _in_ci() or bool(config.getoption("--offline"))
        config.pluginmanager.register(Telling(terminal, has_last_line=is_last))


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as there are cores: half of the time of a test goes into waiting."""
    return 2 * (os.cpu_count() or 1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    return InParts(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with the argument `each_release` runs once for each release of this session.

    One with `outer_release`, which takes long, runs in CI for the oldest and the newest alone.
    """
    releases = _releases(metafunc.config)
    if "each_release" in metafunc.fixturenames:
        metafunc.parametrize("each_release", releases, scope="session")
    if "outer_release" in metafunc.fixturenames:
        outer = [releases[0], releases[-1]] if releases == SPREAD else releases
        metafunc.parametrize("outer_release", outer, scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what takes long, so that a plain run is one that is made often; sort the rest."""
    quickest_first(items)
    if _in_ci() or config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="thorough tests are for CI and --long")
    for item in items:
        if item.get_closest_marker("thorough"):
            item.add_marker(skip)


def pytest_collection_finish() -> None:
    """Have the collector of garbage leave alone what is there now: it stays until the end.

    What tests leave is collected in larger portions: each look at all that is there costs time.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _releases(config: pytest.Config) -> list[str]:
    if config.getoption("--all-releases"):
        return RELEASES
    return SPREAD if _in_ci() else RELEASES[-1:]


@pytest.fixture(scope="session")
def releases(request: pytest.FixtureRequest) -> list[str]:
    """The releases that this session tests."""
    return _releases(request.config)


@pytest.fixture(scope="session")
def thinning(request: pytest.FixtureRequest) -> int:
    """Of the random examples of a test, a plain run tries one in so many; CI and --long try all."""
    return 1 if _in_ci() or request.config.getoption("--long") else 6


@pytest.fixture(autouse=True)
def _stays_in_its_folder() -> Iterator[None]:
    """A test leaves the process in the folder in which it began: the next one runs there."""
    before = Path.cwd()
    yield
    after = Path.cwd()
    os.chdir(before)
    assert after == before


@pytest.fixture
def longer(request: pytest.FixtureRequest) -> bool:
    """Whether random tests may run for longer."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def seed(request: pytest.FixtureRequest, longer: bool) -> int:
    """What a random test draws its examples from: printed, so that a failure can be had again.

    It is another one in each run, but in CI: whether a change passes there depends on the change,
    not on luck. Hypothesis does the same.
    """
    given = os.environ.get("DERIVLOAD_TEST_SEED")
    if given:
        drawn = int(given)
    elif _in_ci() and not longer:
        drawn = zlib.crc32(request.node.nodeid.encode())
    else:
        drawn = random.randrange(1 << 30)
    print(f"DERIVLOAD_TEST_SEED={drawn}")
    return drawn


def _in_ci() -> bool:
    return bool(os.environ.get("CI"))


@pytest.fixture(scope="session")
def newest() -> str:
    """The newest release that derivload knows."""
    return RELEASES[-1]


@pytest.fixture(scope="session")
def is_offline(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--offline"))


@pytest.fixture(scope="session")
def unavailable(is_offline: bool) -> Unavailable:
    """End a test for what this machine lacks: an error, or left out with --offline."""
    return functools.partial(end_untested, is_offline=is_offline)


@pytest.fixture(scope="session")
def release_cache() -> Path:
    """The folder that is kept between runs."""
    named = os.environ.get("DERIVLOAD_TEST_CACHE")
    return Path(named).resolve() if named else platformdirs.user_cache_path("derivload-tests")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary folder that all processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def release(
    release_cache: Path, run_folder: Path, unavailable: Unavailable, is_offline: bool
) -> Release:
    """From "X.Y.Z" to a folder with that release's `torchgen/` and `version.txt`."""

    def get(version: str) -> Path:
        folder = release_cache / "releases" / version
        # `fetch` moves it into place last.
        if not (folder / "version.txt").exists():
            what = f"PyTorch {version} is not here"
            if is_offline:
                unavailable(what)
            with _locked(release_cache / "fetch.lock"):
                cause = _fetch_once(version, folder, run_folder / f"no-{version}.txt")
            if cause:
                unavailable(what, cause)
        return folder

    return get


def _fetch_once(version: str, folder: Path, failure: Path) -> str:
    """Why a release cannot be had, or nothing. The processes of a run try it once."""
    if not failure.exists():
        try:
            fetch(version, folder)
        except FetchError as error:
            failure.write_text(str(error), "utf-8")
    return failure.read_text("utf-8") if failure.exists() else ""


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Hold a lock that the processes of one test run share."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as stream:
        if sys.platform != "win32":
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def judge(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """What a release's own torchgen makes of derivatives, native functions and tags.

    Several files of one kind are joined, and dispatch keys are added to its own. Gives the folder
    of the two documents.
    """

    def documents(
        version: str,
        derivatives: Sequence[Path],
        natives: Sequence[Path],
        tags: Path,
        dispatch_keys: Sequence[str] = (),
    ) -> Path:
        folder = tmp_path_factory.mktemp("judged")
        _run_torchgen(release(version), derivatives, natives, tags, folder, dispatch_keys)
        return folder

    return documents


@pytest.fixture(scope="session")
def expected(release: Release, release_cache: Path) -> Release:
    """From "X.Y.Z" to a folder with the documents that its torchgen makes of its own files.

    They are kept beside the releases, until the script that writes them is edited.
    """

    def documents(version: str) -> Path:
        pytorch = release(version)
        script = hashlib.sha256(DUMP.read_bytes()).hexdigest()
        folder = release_cache / f"expected-{script[:16]}" / version
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            packaged = pytorch / "torchgen" / "packaged"
            natives = packaged / "ATen" / "native"
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                made = Path(scratch, version)
                _run_torchgen(
                    pytorch,
                    [packaged / "autograd" / "derivatives.yaml"],
                    [natives / "native_functions.yaml"],
                    natives / "tags.yaml",
                    made,
                )
                made.rename(folder)
        return folder

    return documents


def _run_torchgen(
    pytorch: Path,
    derivatives: Sequence[Path],
    natives: Sequence[Path],
    tags: Path,
    out: Path,
    dispatch_keys: Sequence[str] = (),
) -> None:
    # torchgen opens its files in the encoding of the locale.
    command = [
        *(sys.executable, "-X", "utf8", str(DUMP), str(pytorch)),
        *("--derivatives", *map(str, derivatives), "--native-functions", *map(str, natives)),
        *("--tags", str(tags), "--out-dir", str(out)),
        *(part for key in dispatch_keys for part in ("--dispatch-key", key)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"torchgen rejects what it was to judge: {done.stderr}", pytrace=False)


@pytest.fixture(scope="session")
def new_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names for caches.

    To number a folder, pytest looks at all that there are, and each test has one.
    """
    folder = tmp_path_factory.mktemp("caches")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def cache_of_its_own(new_caches: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a cache that no other run has filled, and leave the user's alone."""
    cache = next(new_caches)
    cache.mkdir(mode=0o700)
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(cache))


@pytest.fixture(scope="session")
def assert_same() -> AssertSame:
    """Assert that the documents in two folders, ours and torchgen's, hold the same values."""
    return documents.assert_same
