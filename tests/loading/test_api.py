"""`derivload.load`, as a program uses it."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import msgspec
import pytest

import derivload
from derivload.cli import main
from support.paths import CATALOGUE

FILES = {
    "derivatives": CATALOGUE / "derivatives.yaml",
    "native_functions": CATALOGUE / "native_functions.yaml",
}


def test_load_gives_what_emit_writes(tmp_path: Path) -> None:
    assert main(["emit", "--out-dir", str(tmp_path)]) == 0
    definitions = derivload.load()
    written = json.loads((tmp_path / "differentiability.json").read_bytes())
    functions = json.loads((tmp_path / "functions.json").read_bytes())
    assert msgspec.to_builtins(definitions.differentiability, str_keys=True) == tuple_of(
        written["functions"]
    )
    assert msgspec.to_builtins(definitions.functions) == tuple_of(functions["functions"])
    assert msgspec.to_builtins(definitions.generated) == tuple_of(functions["generated"])
    assert list(definitions.used_dispatch_keys) == written["used_dispatch_keys"]
    assert definitions.torch_version == written["torch_version"]


def tuple_of(value: object) -> object:
    """The value with tuples for lists, as structs hold them."""
    if isinstance(value, list):
        return tuple(map(tuple_of, value))
    if isinstance(value, dict):
        return {key: tuple_of(held) for key, held in value.items()}
    return value


@pytest.mark.parametrize("spelled", [str, Path, lambda path: [path]])
def test_paths_may_be_texts_paths_or_lists(spelled: type[str]) -> None:
    natives = spelled(FILES["native_functions"])
    loaded = derivload.load(derivatives=str(FILES["derivatives"]), native_functions=natives)
    assert loaded == derivload.load()


def test_input_with_errors_raises_all_of_them(tmp_path: Path) -> None:
    broken = tmp_path / "derivatives.yaml"
    broken.write_text("- name: 3\n- nome: f(Tensor self) -> Tensor\n  self: grad\n", "utf-8")
    with pytest.raises(derivload.InputError) as caught:
        derivload.load(derivatives=broken, native_functions=FILES["native_functions"])
    found = [(d.file, d.line, d.code) for d in caught.value.diagnostics]
    assert found == [(str(broken), 1, "DL007"), (str(broken), 2, "DL008")]
    assert all(d.render() in str(caught.value) for d in caught.value.diagnostics)


def test_arguments_that_mean_nothing_together_raise() -> None:
    with pytest.raises(derivload.UsageError, match="--native-functions is missing"):
        derivload.load(derivatives=FILES["derivatives"])
    with pytest.raises(derivload.UsageError, match=r"older than 2\.1"):
        derivload.load(torch_version="1.13")


@pytest.mark.parametrize("on", [True, False])
def test_garbage_collector_is_left_as_it_was(on: bool) -> None:
    was_on = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        derivload.load()
        assert gc.isenabled() is on
    finally:
        (gc.enable if was_on else gc.disable)()
