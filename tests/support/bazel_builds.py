"""What the tests of bazel share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.bazel_workspace import SANDBOXED, Workspace, remove_tree
from support.cache_servers import find_server, running_nginx
from support.few_operators import KINDS, make_small
from support.paths import PACKAGE, ROOT
from support.project import replace_in
from support.releases import Release
from support.telling import Unavailable

SHARDS = 4


PACKAGED = "torchgen/packaged"


DERIVATIVES = f"{PACKAGED}/autograd/derivatives.yaml"


NATIVES = f"{PACKAGED}/ATen/native/native_functions.yaml"


TAGS = f"{PACKAGED}/ATen/native/tags.yaml"


DOCUMENTS = "//:codegen_inputs"


PROGRAM = "//:nodes"


class Checkout(Workspace):
    """A checkout with the example in it, a Python that has derivload, and a Bazel for both."""

    def __init__(
        self,
        folder: Path,
        bazel: Path,
        pytorch: Path,
        environment: Mapping[str, str] | None = None,
        source: Path = PACKAGE,
    ) -> None:
        self.pytorch = folder / "pytorch"
        ignored = shutil.ignore_patterns("__pycache__", "bazel-*")
        for name in ("bazel", "examples"):
            shutil.copytree(ROOT / name, folder / "checkout" / name, ignore=ignored)
        for name in (DERIVATIVES, NATIVES, TAGS, "version.txt"):
            target = self.pytorch / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(pytorch / name, target)
        workspace = folder / "checkout" / "examples" / "bazel"
        super().__init__(workspace, folder, bazel, environment, source)
        self.options += [f"--repo_env=PYTORCH_DIR={self.pytorch}", f"--repo_env=SHARDS={SHARDS}"]

    def edit(self, old: str, new: str) -> None:
        replace_in(self.pytorch / DERIVATIVES, old, new)

    def documents(self) -> dict[str, bytes]:
        folder = self.workspace / "bazel-bin" / "codegen_inputs"
        return {path.name: path.read_bytes() for path in sorted(folder.glob("*.json"))}

    def worker_logs(self) -> dict[str, str]:
        """What each worker wrote, by the name of its log."""
        base = self.run("info", "output_base").stdout.splitlines()[-1]
        folder = Path(base, "bazel-workers")
        return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.log"))}


@pytest.fixture(scope="module")
def bazel(tmp_path_factory: pytest.TempPathFactory, unavailable: Unavailable) -> Iterator[Path]:
    """Where Bazel keeps what it makes."""
    for name in ("bazel", "gcc"):
        if shutil.which(name) is None:
            unavailable(f"there is no {name} on this machine")
    root = tmp_path_factory.mktemp("bazel")
    yield root
    remove_tree(root)


@pytest.fixture(scope="module")
def pytorch(
    release: Release, newest: str, thinning: int, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A release; in a plain run, with few of its operators: compiling all shows no more."""
    whole = release(newest)
    return (
        make_small(whole, tmp_path_factory.mktemp("small") / "pytorch", KINDS).root
        if thinning > 1
        else whole
    )


@pytest.fixture(scope="module")
def built(
    bazel: Path, pytorch: Path, cache_url: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checkout]:
    """A checkout in which all was built, in sandboxes, and put into the remote cache."""
    checkout = Checkout(tmp_path_factory.mktemp("one"), bazel, pytorch)
    done = checkout.build(
        PROGRAM, SANDBOXED, *([f"--remote_cache={cache_url}"] if cache_url else [])
    )
    assert done.status == 0, done
    assert done.ran["DerivloadCodegen"] == 1
    assert done.ran["Genrule"] == SHARDS
    assert done.ran["CppCompile"] == SHARDS + 1
    assert done.runners == {"linux-sandbox"}
    yield checkout
    checkout.shut_down()


@pytest.fixture
def checkout(built: Checkout, pytorch: Path) -> Iterator[Checkout]:
    """That checkout, with nothing left to do."""
    assert built.build(PROGRAM, SANDBOXED).status == 0
    yield built
    shutil.copyfile(pytorch / DERIVATIVES, built.pytorch / DERIVATIVES)


@pytest.fixture(scope="module")
def cache_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | None]:
    """A remote cache, which is an nginx of our own; None where there is no nginx."""
    if find_server("nginx") is None:
        yield None
        return
    with running_nginx(tmp_path_factory.mktemp("nginx")) as server:
        yield server.url
