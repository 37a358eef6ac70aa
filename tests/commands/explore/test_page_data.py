"""What the pages of a few functions hold, to the letter."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from derivload.cli import main

NATIVES = """\
- func: plain(Tensor self) -> Tensor
  dispatch:
    CPU: plain
- func: through(Tensor self) -> Tensor
  python_module: nn
- func: wave(Tensor self) -> Tensor
  dispatch:
    CPU: wave
  tags: core
- func: wave_(Tensor(a!) self) -> Tensor(a!)
  dispatch:
    CPU, CUDA: wave_
- func: wave.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  dispatch:
    CPU: wave_out
- func: both(Tensor self) -> Tensor
  dispatch:
    CPU, CUDA: both
"""
DEFINITIONS = """\
- name: wave(Tensor self) -> Tensor
  self: grad * other
- name: both(Tensor self) -> Tensor
  self: grad * result
  result: self_t
- name: wave(Tensor self) -> Tensor
  self: grad * self
"""
BACKEND = "backend: XLA\ncpp_namespace: mine\nsupported:\n- plain\n"
INPUTS = [
    *("--derivatives", "d.yaml", "--native-functions", "n.yaml", "--tags", "t.yaml"),
    *("--backend-yaml", "b.yaml"),
]
SCHEMAS = [
    "both(Tensor self) -> Tensor",
    "plain(Tensor self) -> Tensor",
    "through(Tensor self) -> Tensor",
    "wave(Tensor self) -> Tensor",
    "wave_(Tensor(a!) self) -> Tensor(a!)",
    "wave.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)",
]
FLAGS = [
    *("no-derivative", "no-forward", "saves-input", "saves-tensor", "composite", "foreach"),
    *("from-overlay", "has-warnings", "forward"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with pages in many files in `o`, and in a single one in `s`."""
    folder = tmp_path_factory.mktemp("pages") / "mine"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("n.yaml").write_text(NATIVES)
        Path("d.yaml").write_text(DEFINITIONS)
        Path("t.yaml").write_text("- tag: core\n  desc: it's <core>\n")
        Path("b.yaml").write_text(BACKEND)
        assert main(["explore", *INPUTS, "--out-dir", "o", "--quiet"]) == 0
        assert main(["explore", *INPUTS, "--out-dir", "s", "--single-file", "--quiet"]) == 0
    yield folder


def data(folder: Path, name: str) -> Any:
    text = (folder / "o" / "data" / f"{name}.js").read_text("utf-8")
    found = re.fullmatch(r"derivload\('(\w+)','(.*)'\);\n", text)
    assert found is not None
    assert found[1] == name
    return json.loads(re.sub(r"\\(['\\])", r"\1", found[2]))


def test_the_table_has_a_column_for_all_that_is_searched(folder: Path) -> None:
    table = data(folder, "table")
    meanings = table.pop("meanings")
    assert {"grad_input_mask", "retain_variables"} <= meanings.keys()
    chunks, keys = table.pop("chunk"), table.pop("keys")
    assert [key for key, _ in keys] == ["CPU", "CUDA", "XLA", "CompositeImplicitAutograd"]
    assert keys[0][1] == "The kernel for tensors on CPU."
    assert len({*chunks[3:]}) == 1
    assert all(0 <= chunk < 64 for chunk in chunks)
    assert table == {
        "name": "mine",
        "flag_names": FLAGS,
        "kinds": ["functional", "inplace", "out"],
        "modules": ["", "nn"],
        "tags": [["core", "it's <core>"]],
        "tag_sets": [[], [0]],
        "key_sets": [[0, 1], [0, 2], [3], [0]],
        "schema": SCHEMAS,
        "namespace": {},
        "kind": [0, 0, 0, 0, 1, 2],
        "module": [0, 0, 1, 0, 0, 0],
        "flags": [264, 1, 16, 142, 14, 0],
        "nodes": ["BothBackward0", "", "", "WaveBackward1", "WaveBackward1", ""],
        "tag": [0, 0, 0, 1, 0, 0],
        "key": [0, 1, 2, 3, 0, 3],
        "saved": ["*result", "", "", "*self", "*self", ""],
        "words": ["grad result self_t", "", "", "grad self", "grad self", ""],
        "source": [0, -1, -1, 3, 3, -1],
        "family": [0, 1, 2, 3, 3, 3],
        "warned": {"3": "DL601 DL602"},
        "changes": {},
        "comparisons": [],
    }


def test_places_and_warnings_are_told(folder: Path) -> None:
    places = data(folder, "places")
    warnings = places.pop("warnings")
    assert places == {
        "files": ["", "n.yaml", "d.yaml"],
        "native": [[1, 16], [1, 1], [1, 4], [1, 6], [1, 10], [1, 13]],
        "definition": [[2, 3], [0, 0], [0, 0], [2, 6], [2, 6], [2, 6]],
        "kernels": {"1": [["XLA", "b.yaml", 4]]},
    }
    assert [*warnings] == ["wave"]
    assert [(one["code"], one["file"], one["line"]) for one in warnings["wave"]] == [
        ("DL602", "d.yaml", 2),
        ("DL601", "d.yaml", 6),
    ]


def test_records_of_a_function_are_in_the_file_that_the_table_names(folder: Path) -> None:
    chunks = data(folder, "table")["chunk"]
    found = {chunk: data(folder, f"operators_{chunk}") for chunk in {*chunks}}
    for schema, chunk in zip(SCHEMAS, chunks, strict=True):
        assert schema in [one["schema"] for one in found[chunk]["functions"]]
    assert sum(len(one["facts"]) for one in found.values()) == len(SCHEMAS)
    definitions = [one["schema"] for part in found.values() for one in part["definitions"]]
    assert sorted(definitions) == [SCHEMAS[0], SCHEMAS[3]]
    empty = next(number for number in range(64) if number not in chunks)
    assert data(folder, f"operators_{empty}") == {"functions": [], "facts": [], "definitions": []}
    assert len([*(folder / "o" / "data").iterdir()]) == 64 + 3


def test_each_filter_says_how_many_pass_it(folder: Path) -> None:
    page = (folder / "o" / "index.html").read_text("utf-8")
    boxes = re.findall(
        r'name="(\w+)" value="([^"]*)"> <span>([^<]*)</span> <span class="count">(\d+)', page
    )
    assert [(name, value, int(count)) for name, value, _, count in boxes] == [
        ("is", "no-derivative", 1),
        ("is", "no-forward", 2),
        ("is", "forward", 1),
        ("is", "saves-input", 2),
        ("is", "saves-tensor", 3),
        ("is", "composite", 1),
        ("is", "foreach", 0),
        ("is", "from-overlay", 0),
        ("is", "has-warnings", 1),
        ("kind", "functional", 4),
        ("kind", "inplace", 1),
        ("kind", "out", 1),
        ("module", "", 5),
        ("module", "nn", 1),
        ("key", "CPU", 5),
        ("key", "CUDA", 2),
        ("key", "CompositeImplicitAutograd", 1),
        ("key", "XLA", 1),
    ]
    assert [label for name, _, label, _ in boxes if name == "is"] == [
        *("no derivative", "no forward formula", "has forward formula", "saves an input"),
        *("saves a whole tensor", "composite", "has foreach", "from my overlay", "has warnings"),
    ]
    legends = re.findall(r'<legend class="quiet">([^<]*)<', page)
    # A filter that has one value alone would filter nothing.
    assert legends == ["Derivatives", "Kind", "Python module", "Dispatch key"]
    hints = re.findall(r'<label title="([^"]*)">', page)
    assert hints[:9] == [
        "autograd can do nothing with it",
        "it has a backward formula alone",
        "forward-mode differentiation works",
        "its backward node keeps a whole input alive",
        "its backward node keeps an input or an output alive",
        "it calls other operators, through which autograd sees",
        "a foreach function applies it to each tensor",
        "an overlay declares or defines it",
        "derivload check warns of it",
    ]


POLICY = (
    "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'; trusted-types derivload"
)


def policy_of(page: str) -> str:
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert found is not None
    return html.unescape(found[1])


def test_a_page_runs_the_scripts_of_its_folder_alone(folder: Path) -> None:
    page = (folder / "o" / "index.html").read_text("utf-8")
    assert policy_of(page) == POLICY.format("self", "self")
    assert "<title>mine · operators</title>" in page
    script = (folder / "o" / "explore.js").read_text("utf-8")
    assert script.startswith('(() => {\n"use strict";\n')
    assert script.endswith("\n})();\n")
    names = sorted(path.name for path in (folder / "o").iterdir())
    assert names == [
        *("data", "explore.css", "explore.js", "index.html", "manifest.json", "version.js")
    ]
    version = (folder / "o" / "version.js").read_text("utf-8")
    assert re.fullmatch(r"derivload\('version','\"[0-9a-f]{64}\"'\);\n", version)


def test_a_single_page_runs_the_script_that_is_in_it(folder: Path) -> None:
    assert sorted(path.name for path in (folder / "s").iterdir()) == ["index.html", "manifest.json"]
    page = (folder / "s" / "index.html").read_text("utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digests = [
        f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
        for text in (script, style)
    ]
    assert policy_of(page) == POLICY.format(*digests)
    assert script == (folder / "o" / "explore.js").read_text("utf-8")
    assert style == (folder / "o" / "explore.css").read_text("utf-8")
    assert "it's \\u003ccore>" in page


def test_a_load_that_takes_over_what_was_found_gives_the_same_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("n.yaml").write_text(NATIVES)
    Path("d.yaml").write_text(DEFINITIONS)
    Path("tags.yaml").write_text("- tag: core\n  desc: x\n")
    inputs = ["--derivatives", "d.yaml", "--native-functions", "n.yaml", "--quiet"]
    for name in ("before", "edited", "anew"):
        cache = ["--no-cache"] if name == "anew" else ["--cache-dir", "cache"]
        assert main(["explore", *inputs, *cache, "--out-dir", name]) == 0
        Path("n.yaml").write_text(f"{NATIVES}- func: more(Tensor self) -> Tensor\n")
    edited, anew = (
        {path.name: path.read_bytes() for path in Path(name).rglob("*.js")}
        for name in ("edited", "anew")
    )
    assert edited == anew
