"""The Bazel rules, with the real Bazel, gcc and nginx, on a PyTorch release and the example.

One checkout is built once; each test starts from there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from support.bazel_workspace import SANDBOXED, Workspace, remove_tree
from support.paths import PACKAGE, ROOT

SHARDS = 16
PACKAGED = "torchgen/packaged"
DERIVATIVES = f"{PACKAGED}/autograd/derivatives.yaml"
NATIVES = f"{PACKAGED}/ATen/native/native_functions.yaml"
TAGS = f"{PACKAGED}/ATen/native/tags.yaml"
# An edit to a formula of derivatives.yaml, and one that is a mistake.
FORMULA = ("self: grad * self.sgn()\n", "self: self.sgn() * grad\n")
MISTAKE = ("self: grad * self.sgn()\n", "self: grad * self.sizes()\n")
DOCUMENTS = "//:codegen_inputs"
PROGRAM = "//:nodes"
WORKER = "--strategy=DerivloadCodegen=worker"

Unavailable = Callable[[str], NoReturn]


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
        path = self.pytorch / DERIVATIVES
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

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
def pytorch(release: Callable[[str], Path], newest: str) -> Path:
    return release(newest)


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


@pytest.fixture
def is_thorough(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long") or os.environ.get("CI"))


# ------------------------------------------------------------------------- what an edit rebuilds


def test_program_lists_the_nodes(checkout: Checkout) -> None:
    done = subprocess.run(
        [str(checkout.workspace / "bazel-bin" / "nodes")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "AbsBackward0\n" in done.stdout
    names = {
        info["op"]
        for name, data in checkout.documents().items()
        if name.startswith("differentiability")
        for record in json.loads(data)["functions"]
        for info in record["dispatch"].values()
    }
    assert done.stdout.endswith(f"\n{len(names - {None})} nodes\n")


def test_nothing_changed_and_nothing_runs(checkout: Checkout) -> None:
    done = checkout.build(PROGRAM, SANDBOXED)
    assert done.status == 0
    assert not done.spawned


def test_touched_file_runs_nothing(checkout: Checkout) -> None:
    for name in (DERIVATIVES, NATIVES, TAGS):
        os.utime(checkout.pytorch / name)
    assert not checkout.build(PROGRAM, SANDBOXED).spawned


def test_comment_runs_derivload_alone(checkout: Checkout) -> None:
    before = checkout.documents()
    checkout.edit("\n- name: ", "\n# A comment.\n- name: ")
    done = checkout.build(PROGRAM, SANDBOXED)
    assert done.spawned == [("DerivloadCodegen", "linux-sandbox")], done
    assert checkout.documents() == before


def test_formula_changes_one_shard_and_what_is_made_of_it(checkout: Checkout) -> None:
    before = checkout.documents()
    checkout.edit(*FORMULA)
    done = checkout.build(PROGRAM, SANDBOXED)
    assert done.ran == dict.fromkeys(["DerivloadCodegen", "Genrule", "CppCompile", "CppLink"], 1)
    after = checkout.documents()
    shards = [name for name in after if after[name] != before[name] and name.startswith("diff")]
    assert len(shards) == 1


def test_edit_to_derivload_runs_it_again(checkout: Checkout) -> None:
    before = checkout.documents()
    module, added = checkout.package / "identity.py", checkout.package / "native" / "added.py"
    text = module.read_text("utf-8")
    try:
        module.write_text(f"{text}# A comment.\n", "utf-8")
        assert checkout.build(PROGRAM, SANDBOXED).ran == {"DerivloadCodegen": 1}
        added.touch()
        assert checkout.build(PROGRAM, SANDBOXED).ran == {"DerivloadCodegen": 1}
    finally:
        module.write_text(text, "utf-8")
        added.unlink(missing_ok=True)
    assert checkout.documents() == before


@pytest.mark.parametrize("strategy", [SANDBOXED, WORKER])
def test_mistake_fails_the_build_and_mending_it_rebuilds_what_is_needed(
    checkout: Checkout, strategy: str, is_thorough: bool
) -> None:
    if strategy == WORKER and not is_thorough:
        pytest.skip("thorough tests are for CI and --long")
    before = checkout.documents()
    checkout.edit(*MISTAKE)
    text = (checkout.pytorch / DERIVATIVES).read_text("utf-8")
    line = text[: text.index("self.sizes()\n", text.index(MISTAKE[1]))].count("\n") + 1
    done = checkout.build(PROGRAM, SANDBOXED, strategy)
    assert done.status != 0
    assert re.search(rf"derivatives\.yaml:{line}:\d+: error\[DL420\]: ", done.output), done
    assert "Traceback" not in done.output
    checkout.edit(*reversed(MISTAKE))
    assert checkout.build(PROGRAM, SANDBOXED, strategy).ran == {"DerivloadCodegen": 1}
    assert checkout.documents() == before


# -------------------------------------------------------------------------------------- workers


def test_second_build_of_a_worker_is_incremental(checkout: Checkout) -> None:
    checkout.edit(*FORMULA)
    assert checkout.build(DOCUMENTS, SANDBOXED).status == 0
    expected = checkout.documents()
    checkout.edit(*reversed(FORMULA))

    known = checkout.worker_logs()
    for number, edit in enumerate([("\n- name: ", "\n# A comment.\n- name: "), FORMULA]):
        checkout.edit(*edit)
        done = checkout.build(DOCUMENTS, WORKER)
        assert done.spawned == [("DerivloadCodegen", "worker")], (number, done)
    assert checkout.documents() == expected
    first, second = _said_since(known, checkout.worker_logs())
    assert "cold" in first or "incremental" in first
    assert re.search(r"codegen_inputs: incremental, \d read, \d+ reused", second)


def test_edit_to_derivload_starts_the_worker_anew(checkout: Checkout) -> None:
    module = checkout.package / "identity.py"
    text = module.read_text("utf-8")
    known = checkout.worker_logs()
    try:
        module.write_text(f"{text}# Another comment.\n", "utf-8")
        assert checkout.build(DOCUMENTS, WORKER).spawned == [("DerivloadCodegen", "worker")]
    finally:
        module.write_text(text, "utf-8")
    new = checkout.worker_logs()
    (name,) = new.keys() - known.keys()
    assert "codegen_inputs: cold, " in new[name]


def _said_since(known: Mapping[str, str], logs: Mapping[str, str]) -> list[str]:
    """The lines that workers have written since."""
    return [
        line
        for name, text in logs.items()
        for line in text.removeprefix(known.get(name, "")).splitlines()
    ]


# ------------------------------------------------------------- another machine, and a shared cache

_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 0;
    location / {{
      root {folder}/files;
      dav_methods PUT;
      create_full_put_path on;
    }}
  }}
}}
"""


@pytest.fixture(scope="module")
def cache_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | None]:
    """A remote cache, which is an nginx of our own; None where there is no nginx."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        yield None
        return
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "files").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "nginx.conf").write_text(
        ("user root;\n" if os.geteuid() == 0 else "") + _NGINX.format(folder=folder, port=port),
        "utf-8",
    )
    server = subprocess.Popen(
        [nginx, "-p", str(folder), "-e", str(folder / "error.log"), "-c", folder / "nginx.conf"]
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("nginx does not answer")


@pytest.fixture(scope="module")
def elsewhere(
    built: Checkout, bazel: Path, pytorch: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checkout]:
    """A clean checkout at another path, of another user, in another country."""
    folder = tmp_path_factory.mktemp("quite") / "another" / "place"
    folder.mkdir(parents=True)
    environment = {
        "HOME": str(folder),
        "USER": "somebody",
        "TMPDIR": str(folder),
        "PATH": f"{folder}:{os.environ['PATH']}",
        "LANG": "tr_TR.ISO-8859-9",
        "LC_ALL": "C",
        "TZ": "Pacific/Chatham",
        "PYTHONHASHSEED": "4",
        "PYTHONPATH": str(folder),
        "PYTHONUTF8": "0",
        "DERIVLOAD_CACHE_DIR": str(folder / "cache"),
    }
    made = Checkout(folder, bazel, pytorch, environment, source=built.package)
    yield made
    assert not (folder / "cache").exists()
    made.shut_down()


@pytest.mark.thorough
def test_another_checkout_gets_everything_from_the_remote_cache(
    built: Checkout, elsewhere: Checkout, cache_url: str | None, unavailable: Unavailable
) -> None:
    if cache_url is None:
        unavailable("there is no nginx on this machine")
    done = elsewhere.build(PROGRAM, SANDBOXED, f"--remote_cache={cache_url}")
    assert done.status == 0, done
    assert done.runners == {"remote cache hit"}, [s for s in done.spawned if "hit" not in s[1]]
    assert done.ran["CppCompile"] == SHARDS + 1
    assert elsewhere.documents() == built.documents()
    programs = [made.workspace / "bazel-bin" / "nodes" for made in (built, elsewhere)]
    assert programs[0].read_bytes() == programs[1].read_bytes()


@pytest.mark.thorough
@pytest.mark.parametrize("strategy", ["sandboxed", "worker", "local"])
def test_another_machine_writes_the_same_bytes(
    built: Checkout, elsewhere: Checkout, pytorch: Path, strategy: str, is_thorough: bool
) -> None:
    if strategy != "sandboxed" and not is_thorough:
        pytest.skip("thorough tests are for CI and --long")
    assert built.build(DOCUMENTS, SANDBOXED).status == 0
    assert elsewhere.run("clean").returncode == 0
    done = elsewhere.build(DOCUMENTS, f"--strategy=DerivloadCodegen={strategy}")
    assert done.ran == {"DerivloadCodegen": 1}, done
    assert "remote cache hit" not in done.runners
    assert elsewhere.documents() == built.documents()


# ------------------------------------------------------------------- other ways to write it down

_GENRULE = """
genrule(
    name = "documents",
    srcs = [
        "@definitions//:derivatives.yaml",
        "@definitions//:native_functions.yaml",
        "@definitions//:tags.yaml",
    ],
    outs = [
        "documents/differentiability.json",
        "documents/functions.json",
        "documents/manifest.json",
    ],
    cmd = "$(execpath @derivload_local//:derivload) emit --no-cache --quiet" +
          " --derivatives $(execpath @definitions//:derivatives.yaml)" +
          " --native-functions $(execpath @definitions//:native_functions.yaml)" +
          " --tags $(execpath @definitions//:tags.yaml)" +
          " --out-dir $(RULEDIR)/documents",
    tools = ["@derivload_local//:derivload"],
)
"""


def test_genrule_does_as_well(checkout: Checkout) -> None:
    folder = checkout.workspace / "plain"
    folder.mkdir()
    (folder / "BUILD").write_text(
        f"""
load("@derivload//:defs.bzl", "derivload_codegen_inputs")
{_GENRULE}
derivload_codegen_inputs(
    name = "whole",
    derivatives = "@definitions//:derivatives.yaml",
    native_functions = ["@definitions//:native_functions.yaml"],
    tags = "@definitions//:tags.yaml",
)
""",
        "utf-8",
    )
    try:
        done = checkout.build("//plain:documents", "//plain:whole", SANDBOXED)
        assert done.ran == {"Genrule": 1, "DerivloadCodegen": 1}, done
        plain = checkout.workspace / "bazel-bin" / "plain"
        for name in ("differentiability.json", "functions.json", "manifest.json"):
            by_genrule = (plain / "documents" / name).read_bytes()
            assert by_genrule == (plain / "whole" / name).read_bytes()
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("shards = SHARDS", "shards = 0", "shards is 0: write a number from 1 to 10000"),
        ("shards = SHARDS", 'shards = "4"', 'shards is "4": write a number'),
        (
            '["@definitions//:native_functions.yaml"]',
            '"@definitions//:native_functions.yaml"',
            "native_functions is a string: write a list of labels",
        ),
    ],
)
def test_bad_argument_says_what_to_write_instead(
    built: Checkout, old: str, new: str, said: str
) -> None:
    path = built.workspace / "BUILD"
    text = path.read_text("utf-8")
    assert old in text
    try:
        path.write_text(text.replace(old, new, 1), "utf-8")
        done = built.build("--nobuild", DOCUMENTS)
    finally:
        path.write_text(text, "utf-8")
    assert done.status != 0
    assert said in done.output


# --------------------------------------------------------------------------- finding derivload


def test_first_python_on_the_path_that_can_import_derivload_is_taken(
    built: Checkout, tmp_path: Path
) -> None:
    without = tmp_path / "python3"
    without.write_text("#!/bin/sh\necho no such package >&2\nexit 1\n", "utf-8")
    without.chmod(0o755)
    target = ["--nobuild", "@derivload_local//:derivload", "--repo_env=DERIVLOAD_PYTHON="]
    done = built.build(*target, f"--repo_env=PATH={tmp_path}:{built.python.parent}:/bin")
    assert done.status == 0, done
    done = built.build(*target, f"--repo_env=PATH={tmp_path}")
    assert done.status != 0
    assert "no python3 on PATH can import derivload" in done.output
    assert f"{without}: no such package" in done.output


# --------------------------------------------------------------------------------- buildifier


def test_bazel_files_are_formatted_and_without_findings(unavailable: Unavailable) -> None:
    buildifier = shutil.which("buildifier")
    if buildifier is None:
        unavailable("there is no buildifier on this machine (npm install -g @bazel/buildifier)")
    command = [buildifier, "-mode=check", "-lint=warn", "-r"]
    done = subprocess.run(
        [*command, str(ROOT / "bazel"), str(ROOT / "examples" / "bazel")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
