"""The Bazel rules, with the real Bazel, gcc and nginx, on a PyTorch release and the example.

One checkout is built once; each test starts from there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.bazel_builds import (
    DERIVATIVES,
    DOCUMENTS,
    NATIVES,
    PROGRAM,
    SHARDS,
    TAGS,
    Checkout,
    bazel,
    built,
    cache_url,
    checkout,
    pytorch,
)
from support.bazel_workspace import SANDBOXED
from support.telling import Unavailable

__all__ = ["bazel", "built", "cache_url", "checkout", "pytorch"]  # fixtures


# An edit to a formula of derivatives.yaml, and one that is a mistake.
FORMULA = ("self: grad * self.sgn()\n", "self: self.sgn() * grad\n")


MISTAKE = ("self: grad * self.sgn()\n", "self: grad * self.sizes()\n")


WORKER = "--strategy=DerivloadCodegen=worker"


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


@pytest.mark.thorough
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


@pytest.mark.thorough
@pytest.mark.parametrize("strategy", [SANDBOXED, WORKER])
def test_mistake_fails_the_build_and_mending_it_rebuilds_what_is_needed(
    checkout: Checkout, strategy: str
) -> None:
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


@pytest.mark.thorough
def test_warning_is_shown(checkout: Checkout) -> None:
    checkout.edit("self: grad * self.sgn()\n", "self: grad * slef.sgn()\n")
    done = checkout.build(DOCUMENTS, SANDBOXED)
    assert done.status == 0
    assert "warning[DL602]: `slef` is not an argument, output or gradient of `abs`" in done.output


# -------------------------------------------------------------------------------------- workers


@pytest.mark.thorough
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


@pytest.mark.thorough
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
    built: Checkout, elsewhere: Checkout, pytorch: Path, strategy: str
) -> None:
    assert built.build(DOCUMENTS, SANDBOXED).status == 0
    assert elsewhere.run("clean").returncode == 0
    done = elsewhere.build(DOCUMENTS, f"--strategy=DerivloadCodegen={strategy}")
    assert done.ran == {"DerivloadCodegen": 1}, done
    assert "remote cache hit" not in done.runners
    assert elsewhere.documents() == built.documents()
