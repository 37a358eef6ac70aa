"""derivload refuses of a backend's file what a release's own torchgen refuses, and nothing more."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from derivload.cpp.dialect import DIALECTS
from derivload.engine.load import LoadedTexts, load_texts
from derivload.engine.texts import Text, Texts
from support.backend_mutants import DERIVATIVES, NATIVES, TAGS, mutants
from support.paths import REFERENCE
from support.releases import Release

pytestmark = pytest.mark.release


def load(text: str, release: str) -> LoadedTexts:
    texts = Texts(
        Text("derivatives.yaml", DERIVATIVES),
        (Text("native_functions.yaml", NATIVES),),
        Text("tags.yaml", TAGS),
        backends=(Text("backend.yaml", text.replace("\r\n", "\n")),),
    )
    return load_texts(texts, DIALECTS[release])


def test_what_torchgen_refuses_is_refused(
    outer_release: str, release: Release, thinning: int
) -> None:
    files = mutants(1200 // thinning)
    answer = subprocess.run(
        [
            *(sys.executable, "-X", "utf8", str(REFERENCE / "judge_backends.py")),
            str(release(outer_release)),
        ],
        input=json.dumps({"natives": NATIVES, "tags": TAGS, "files": files}),
        stdout=subprocess.PIPE,
        check=True,
        encoding="utf-8",
    )
    expected = json.loads(answer.stdout)
    least = len(files) // 12
    assert sum(v is None for v in expected.values()) in range(least, len(files) - least)
    wrong = []
    for name, text in files.items():
        loaded = load(text, outer_release.removesuffix(".0"))
        kernels = {
            operator: sorted(kernel.dispatch_key for kernel in kernels)
            for operator, kernels in loaded.backends.kernels().items()
        }
        found = None if loaded.diagnostics else kernels
        if found != expected[name]:
            wrong.append((name, expected[name], [d.render() for d in loaded.diagnostics]))
    assert not wrong, f"{len(wrong)} differ, first {wrong[:3]}"
