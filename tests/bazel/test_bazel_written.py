"""Other ways to write the Bazel rules down, finding derivload, buildifier."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from support.bazel_builds import (
    DOCUMENTS,
    Checkout,
    bazel,
    built,
    cache_url,
    checkout,
    pytorch,
)
from support.bazel_workspace import SANDBOXED
from support.paths import ROOT
from support.telling import Unavailable

pytestmark = pytest.mark.thorough

__all__ = ["bazel", "built", "cache_url", "checkout", "pytorch"]  # fixtures


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


def test_places_are_an_output_of_their_own(checkout: Checkout) -> None:
    folder = checkout.workspace / "placed"
    folder.mkdir()
    (folder / "BUILD").write_text(
        """
load("@derivload//:defs.bzl", "derivload_codegen_inputs")
derivload_codegen_inputs(
    name = "whole",
    derivatives = "@definitions//:derivatives.yaml",
    native_functions = ["@definitions//:native_functions.yaml"],
    places = True,
    tags = "@definitions//:tags.yaml",
)
""",
        "utf-8",
    )
    try:
        assert checkout.build("//placed:whole/places.json", SANDBOXED).status == 0
        made = checkout.workspace / "bazel-bin" / "placed" / "whole" / "places.json"
        assert made.read_bytes().startswith(b'{"format":"derivload.places"')
    finally:
        shutil.rmtree(folder)


_OVERLAY = """\
- func: abs(Tensor self) -> Tensor
  gen_opapi: [x]
  variants: function, method
  dispatch:
    PrivateUse1: mine
"""
_SECTIONS = "vision:\n- func: peer(Tensor self) -> Tensor\n"
_REGISTERED = "backend: XLA\ncpp_namespace: mine\nsupported:\n- abs\n"
_DERIVATIVES = "- name: abs(Tensor self) -> Tensor\n  self: mine(grad)\n"


def test_what_a_backend_adds(checkout: Checkout) -> None:
    folder = checkout.workspace / "backend"
    folder.mkdir()
    (folder / "overlay.yaml").write_text(_OVERLAY, "utf-8")
    (folder / "derivatives.yaml").write_text(_DERIVATIVES, "utf-8")
    (folder / "more.yaml").write_text(_SECTIONS, "utf-8")
    (folder / "registered.yaml").write_text(_REGISTERED, "utf-8")
    (folder / "BUILD").write_text(
        """
load("@derivload//:defs.bzl", "derivload_codegen_inputs")
derivload_codegen_inputs(
    name = "whole",
    backend_yaml = ["registered.yaml"],
    derivatives = "@definitions//:derivatives.yaml",
    derivatives_overlays = ["derivatives.yaml"],
    dispatch_keys = ["PrivateUse1"],
    entry_keys = ["gen_*"],
    native_functions = ["@definitions//:native_functions.yaml", "overlay.yaml", "more.yaml"],
    override = True,
    sections = ["vision"],
    tags = "@definitions//:tags.yaml",
)
""",
        "utf-8",
    )
    try:
        done = checkout.build("//backend:whole", SANDBOXED)
        assert done.ran == {"DerivloadCodegen": 1}, done
        made = checkout.workspace / "bazel-bin" / "backend" / "whole" / "differentiability.json"
        assert '"mine(grad)"' in made.read_text("utf-8")
        assert '"peer(Tensor self)' in made.with_name("functions.json").read_text("utf-8")
        (folder / "registered.yaml").write_text(f"{_REGISTERED}- asb\n", "utf-8")
        failed = checkout.build("//backend:whole", SANDBOXED)
        assert "error[DL707]: there is no operator `asb`" in failed.output
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "shards = SHARDS",
            'shards = SHARDS, dispatch_keys = "PrivateUse1"',
            'dispatch_keys is a string: write a list, ["PrivateUse1"]',
        ),
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
        [
            *command,
            str(ROOT / "bazel"),
            *(str(ROOT / "examples" / name) for name in ("backend", "bazel")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
