"""A fresh container with a remote cache, behind links of 1, 20 and 100 ms, against upstream.

    .venv/bin/python -m benchmarks.remote RELEASE [ROUNDS]

RELEASE is a folder that `derivload fetch` made. Each round runs upstream's two generators, then
derivload in containers that have nothing, one for each link. Another container has filled the cache
before. The server is nginx, and a proxy delays every byte.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.codegen import UPSTREAM

_TESTS = Path(__file__).parents[1] / "tests"
_LINKS = (1, 20, 100)
# In milliseconds: the default, and what a server 100 ms away needs. The first one fills the cache.
_LIMITS = {"first": "20000", "1 ms": "200", "20 ms": "200", "100 ms": "1000"}
_GEN = ("-m", "torchgen.gen", "--source-path", "aten/src/ATen", "--per-operator-headers")


class Timed:
    """Wall times and times of a processor, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[tuple[float, float]]] = {}

    def run(self, name: str, argv: Sequence[str], folder: Path, **variables: str) -> None:
        """Run a command and note its times."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        environment = {**os.environ, **variables}
        done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, check=False)
        wall = time.perf_counter() - start
        if done.returncode != 0 or b"going on without" in done.stderr:
            raise SystemExit(f"{name} failed:\n{done.stderr.decode()}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.seconds.setdefault(name, []).append((wall, used))

    def show(self, name: str, against: str) -> str:
        """A line with the medians, and how many times less than another."""
        wall, used = (statistics.median(times) for times in zip(*self.seconds[name], strict=True))
        theirs = [statistics.median(t) for t in zip(*self.seconds[against], strict=True)]
        ratios = f"{theirs[0] / wall:6.1f} {theirs[1] / used:6.1f}"
        return f"{name:32} {wall:8.2f} s {used:8.2f} s of a processor {ratios}"


def main(release: Path, rounds: int) -> None:
    """Run, and print."""
    sys.path.insert(0, str(_TESTS))
    from support.cache_servers import running_nginx, running_proxy
    from support.pytorch_tree import PyTorchTree

    timed = Timed()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        release = shutil.copytree(release, folder / "release")
        tree = PyTorchTree(release, folder / "tree").root
        # Upstream leaves files in the tree, which a fresh container does not have.
        theirs = PyTorchTree(release, folder / "theirs").root
        with running_nginx(folder / "nginx") as nginx, running_proxy(nginx.port) as proxy:
            for number in range(-1, rounds):
                if number >= 0:
                    _upstream(timed, release, theirs, folder)
                for link in _LINKS if number >= 0 else (0,):
                    proxy.delay = link / 2000
                    _own(timed, f"{link} ms" if link else "first", release, tree, proxy.url)
            sizes = [path.stat().st_size for path in nginx.packs()]
    for kind in ("codegen", "torchgen.gen"):
        for name in ("upstream", "first", *(f"{link} ms" for link in _LINKS)):
            print(timed.show(f"{kind} {name}", f"{kind} upstream"))
    print(f"{len(sizes)} packs, {sum(sizes) / 1e6:.1f} MB: {sorted(sizes)}")


def _upstream(timed: Timed, release: Path, tree: Path, folder: Path) -> None:
    for name in ("upstream", "gen-upstream"):
        shutil.rmtree(folder / name, ignore_errors=True)
    command = [sys.executable, "-c", UPSTREAM, str(release), str(folder / "upstream")]
    timed.run("codegen upstream", command, folder)
    options = ["--install_dir", str(folder / "gen-upstream")]
    timed.run("torchgen.gen upstream", [sys.executable, *_GEN, *options], tree)


def _own(timed: Timed, name: str, release: Path, tree: Path, url: str) -> None:
    folder = tree.parent
    own = folder / "own"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    for left in ("own", "torch/csrc/inductor"):
        shutil.rmtree(tree / left, ignore_errors=True)
    derivload = [sys.executable, "-m", "derivload"]
    variables = {
        "DERIVLOAD_REMOTE_CACHE": url,
        "DERIVLOAD_CACHE_DIR": str(own / "cache"),
        "DERIVLOAD_REMOTE_LIMIT": _LIMITS[name],
    }
    options = ["--pytorch", str(release), "--out-dir", str(own / "out")]
    timed.run(f"codegen {name}", [*derivload, "codegen", *options], folder, **variables)
    command = [*derivload, "run", *_GEN, "--install_dir", "own"]
    timed.run(f"torchgen.gen {name}", command, tree, **variables)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
