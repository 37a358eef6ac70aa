"""The documents of PyTorch's releases hold, value for value, what torchgen computes."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from derivload.cli import main
from support.child import child_environment
from support.releases import Release

pytestmark = pytest.mark.release

Record = dict[str, Any]

SHARDS = 16
AUGMENTED = {f"i{name}" for name in "add sub mul div mod pow lshift rshift and xor or".split()}

# The keys of each kind of record, in the order in which DESIGN.md and the documents have them.
SAVED = ["name", "type", "expr"]
BACKWARD = [
    *("formula", "original_formula", "var_names"),
    *("saved_inputs", "saved_outputs", "named_gradients"),
]
FORWARD = [
    *("formula", "var_names", "var_types", "required_inputs_fw_grad", "required_inputs_primal"),
    *("required_original_self_value", "is_reusing_outplace_formula"),
]
INFO = [
    *("name", "op", "derivatives", "forward_derivatives", "all_saved_inputs", "all_saved_outputs"),
    *("available_named_gradients", "used_named_gradients", "args_with_derivatives"),
    *("non_differentiable_arg_names", "output_differentiability"),
    "output_differentiability_conditions",
]
FUNCTION = [
    *("schema", "kind", "variants", "python_module", "tags", "structured", "is_abstract"),
    *("has_composite_implicit_autograd_kernel", "has_composite_explicit_autograd_kernel"),
    *("differentiability", "forward_derivatives"),
]
HEAD = ["format", "version", "torch_version"]


@pytest.fixture(scope="module")
def emitted(each_release: str, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documents of a release, written as a user would."""
    folder = tmp_path_factory.mktemp(each_release)
    pytorch = str(release(each_release))
    assert main(["emit", "--pytorch", pytorch, "--out-dir", str(folder / "whole")]) == 0
    sharded = ["--shards", str(SHARDS), "--out-dir", str(folder / "sharded")]
    assert main(["emit", "--pytorch", pytorch, *sharded]) == 0
    return folder


def read(file: Path) -> Any:
    return json.loads(file.read_bytes())


# Values


def test_the_documents_are_those_that_verify_finds_equal_to_torchgens(
    each_release: str, emitted: Path, release: Release, tmp_path: Path
) -> None:
    assert main(["verify", "--pytorch", str(release(each_release)), "--keep", str(tmp_path)]) == 0
    for name in ("differentiability.json", "functions.json", "manifest.json"):
        assert (emitted / "whole" / name).read_bytes() == (
            tmp_path / "torchgen" / name
        ).read_bytes()


def test_another_judge_says_the_same_of_torchgens_side(
    each_release: str, emitted: Path, expected: Release, assert_same: Callable[[Path, Path], None]
) -> None:
    """It shares no code with the process that verify has torchgen run in."""
    assert_same(emitted / "whole", expected(each_release))


def test_the_head_of_a_document_says_what_it_is(each_release: str, emitted: Path) -> None:
    names = {
        "differentiability.json": "derivload.differentiability",
        "functions.json": "derivload.functions",
        "manifest.json": "derivload.manifest",
    }
    torch_version = each_release.removesuffix(".0")
    for file, format_ in names.items():
        document = read(emitted / "whole" / file)
        head = [document[key] for key in ("format", "version", "torch_version")]
        assert head == [format_, 1, torch_version], file


# Form


def test_keys_stand_in_the_documented_order(emitted: Path) -> None:
    document = read(emitted / "whole" / "differentiability.json")
    functions = read(emitted / "whole" / "functions.json")
    assert list(document) == [*HEAD, "used_dispatch_keys", "functions"]
    assert list(functions) == [*HEAD, "functions", "generated"]
    for record in (*document["functions"], *functions["generated"]):
        assert list(record) == ["schema", "dispatch"]
        for info in record["dispatch"].values():
            assert_keys_of_info(info)
    for record in functions["functions"]:
        assert list(record) == FUNCTION
        for matched in (record["differentiability"] or {}).values():
            assert list(matched) == ["schema", "op"]
        for formulas in (record["forward_derivatives"] or {}).values():
            assert_keys(formulas, FORWARD)


def assert_keys_of_info(info: Record) -> None:
    assert list(info) == INFO
    assert_keys(info["derivatives"], BACKWARD)
    assert_keys(info["forward_derivatives"], FORWARD)
    assert_keys(info["all_saved_inputs"] + info["all_saved_outputs"], SAVED)
    assert_keys(info["args_with_derivatives"], ["name", "type", "default"])
    for derivative in info["derivatives"]:
        assert_keys(derivative["saved_inputs"] + derivative["saved_outputs"], SAVED)


def assert_keys(records: list[Record], keys: list[str]) -> None:
    assert all(list(record) == keys for record in records)


def test_what_torchgen_keeps_in_a_set_is_sorted(emitted: Path) -> None:
    document = read(emitted / "whole" / "differentiability.json")
    functions = read(emitted / "whole" / "functions.json")
    sets = [document["used_dispatch_keys"]]
    for record in functions["functions"]:
        sets += [record["variants"], record["tags"]]
    for record in document["functions"]:
        for info in record["dispatch"].values():
            sets += [info["used_named_gradients"]]
            sets += [d["named_gradients"] for d in info["derivatives"]]
            for forward in info["forward_derivatives"]:
                sets += [forward["required_inputs_fw_grad"] or []]
                sets += [forward["required_inputs_primal"] or []]
    assert all(names == sorted(set(names)) for names in sets)


def test_documents_are_one_text_that_ends_in_one_line_end(emitted: Path) -> None:
    for file in emitted.rglob("*.json"):
        data = file.read_bytes()
        assert data.endswith(b"}\n"), file
        assert b"\r" not in data, file
        data.decode("utf-8")


# Shards


def shard(schema: str) -> int:
    """The shard of a function: by the sha256 of its base name, as the documentation has it."""
    return int.from_bytes(hashlib.sha256(base_name(schema).encode()).digest()[:8], "big") % SHARDS


def base_name(schema: str) -> str:
    name = schema.partition("(")[0].partition(".")[0]
    if name.startswith("__") and name.endswith("__"):
        name = name.strip("_")
        return name[1:] if name in AUGMENTED else name
    return name.removesuffix("_").removesuffix("_functional")


def shards(emitted: Path) -> list[Record]:
    return [read(emitted / "sharded" / f"differentiability_{i}.json") for i in range(SHARDS)]


def test_the_shards_together_hold_the_records_of_the_whole(emitted: Path) -> None:
    whole = read(emitted / "whole" / "differentiability.json")
    records = sorted(whole["functions"], key=lambda record: shard(record["schema"]))
    split = [record for part in shards(emitted) for record in part["functions"]]
    assert split == records
    for part in shards(emitted):
        assert {**part, "functions": ()} == {**whole, "functions": ()}
    assert not (emitted / "sharded" / "differentiability.json").exists()
    assert (emitted / "sharded" / "functions.json").read_bytes() == (
        emitted / "whole" / "functions.json"
    ).read_bytes()


def test_a_function_and_its_in_place_variant_share_a_shard(emitted: Path) -> None:
    parts = {
        record["schema"].partition("(")[0]: index
        for index, part in enumerate(shards(emitted))
        for record in part["functions"]
    }
    pairs = [(name, place) for name, place in parts.items() if f"{name}_" in parts]
    assert len(pairs) > 5
    assert all(parts[f"{name}_"] == place for name, place in pairs)


# The same bytes everywhere


OVERLAY = "- func: d\u00e9j\u00e0(Tensor self, str mode='\u00e9t\u00e9') -> Tensor\n"
ORDINARY = {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# With a locale in which Python's default encoding is ASCII.
UNUSUAL = {
    "PYTHONHASHSEED": "4321",
    "LC_ALL": "C",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONUTF8": "0",
    "TZ": "Asia/Kathmandu",
}


def test_the_same_bytes_at_another_place_and_in_another_environment(
    newest: str, release: Release, tmp_path: Path
) -> None:
    def outputs(place: Path, pytorch: str, cwd: Path, own: dict[str, str]) -> dict[str, bytes]:
        shutil.copytree(release(newest) / "torchgen" / "packaged", place / "torchgen" / "packaged")
        shutil.copy(release(newest) / "version.txt", place)
        overlay = place / "overlay.yaml"
        overlay.write_text(OVERLAY, encoding="utf-8")
        base = [sys.executable, "-m", "derivload", "emit", "--pytorch", pytorch]
        for name, shards in (("whole", []), ("split", ["--shards", "3"])):
            into = ["--native-functions", str(overlay), "--out-dir", str(place / name), *shards]
            subprocess.run([*base, *into], cwd=cwd, env={**child_environment(), **own}, check=True)
        written = [*place.glob("whole/*.json"), *place.glob("split/*.json")]
        return {file.relative_to(place).as_posix(): file.read_bytes() for file in written}

    here, there = tmp_path / "here", tmp_path / "over there" / "d\u00e9j\u00e0"
    first = outputs(here, str(here), tmp_path, ORDINARY)
    second = outputs(there, ".", there, UNUSUAL)
    assert len(first) == 3 + 5
    assert first == second
    assert "mode='\u00e9t\u00e9'".encode() in first["whole/functions.json"]
