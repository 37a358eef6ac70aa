"""`derivload.load`, as a program uses it."""

from __future__ import annotations

import gc
import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest

import derivload
import derivload.pytorch
from derivload.cli import main
from support.paths import CATALOGUE

FILES = {
    "derivatives": CATALOGUE / "derivatives.yaml",
    "native_functions": CATALOGUE / "native_functions.yaml",
}


def test_load_gives_what_emit_writes(tmp_path: Path) -> None:
    assert main(["emit", "--catalogue", "--out-dir", str(tmp_path)]) == 0
    definitions = derivload.load(catalogue=True)
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
    assert loaded == derivload.load(catalogue=True)


def test_input_with_errors_raises_all_of_them(tmp_path: Path) -> None:
    broken = tmp_path / "derivatives.yaml"
    broken.write_text("- name: 3\n- nome: f(Tensor self) -> Tensor\n  self: grad\n", "utf-8")
    with pytest.raises(derivload.InputError) as caught:
        derivload.load(derivatives=broken, native_functions=FILES["native_functions"])
    found = [(d.file, d.line, d.code) for d in caught.value.diagnostics]
    assert found == [(str(broken), 1, "DL007"), (str(broken), 2, "DL008")]
    assert all(d.render() in str(caught.value) for d in caught.value.diagnostics)


def test_arguments_that_mean_nothing_together_raise() -> None:
    with pytest.raises(
        derivload.UsageError, match=r"^`native_functions` is missing: .* `pytorch`$"
    ):
        derivload.load(derivatives=FILES["derivatives"])
    with pytest.raises(derivload.UsageError, match=r"^`derivatives` is missing: .* `pytorch`$"):
        derivload.load(native_functions=FILES["native_functions"])
    with pytest.raises(derivload.UsageError, match=r"older than 2\.1"):
        derivload.load(torch_version="1.13", catalogue=True)


def test_what_a_folder_lacks_is_told_by_parameter(tmp_path: Path) -> None:
    natives = shutil.copy(FILES["native_functions"], tmp_path)
    with pytest.raises(
        derivload.UsageError, match=r"^`tags` is missing, and there is no tags.yaml"
    ):
        derivload.load(FILES["derivatives"], natives)
    shutil.copytree(CATALOGUE, tmp_path / "tree" / "tools" / "autograd")
    shutil.copytree(CATALOGUE, tmp_path / "tree" / "aten" / "src" / "ATen" / "native")
    with pytest.raises(derivload.UsageError, match=r"which PyTorch it is: give `torch_version`$"):
        derivload.load(pytorch=tmp_path / "tree")
    assert derivload.load(pytorch=tmp_path / "tree", torch_version="2.15") == derivload.load(
        catalogue=True
    )
    for version in ("2.14.0", "2.15.0"):
        (tmp_path / "tree" / f"torch-{version}.dist-info").mkdir()
        metadata = tmp_path / "tree" / f"torch-{version}.dist-info" / "METADATA"
        metadata.write_text(f"Name: torch\nVersion: {version}\n", "utf-8")
    with pytest.raises(derivload.UsageError, match=r"several PyTorches .*: give `torch_version`$"):
        derivload.load(pytorch=tmp_path / "tree")


@pytest.mark.parametrize("number", [2.15, 2.1, 2])
def test_a_version_is_a_text(number: object) -> None:
    with pytest.raises(derivload.UsageError) as caught:
        derivload.load(torch_version=number, catalogue=True)  # type: ignore[arg-type]
    wanted = f'`torch_version` is the number {number}: write it as text, such as "{number}"'
    assert str(caught.value) == wanted


WRONG: list[tuple[str, object, str]] = [
    ("torch_version", (2, 15), "`torch_version` is of type tuple: give a text"),
    ("torch_version", True, "`torch_version` is of type bool: give a text"),
    ("torch_version", Path("2.15"), f"is of type {type(Path()).__name__}: give a text"),
    ("derivatives", 3, "`derivatives` is the number 3: give a path"),
    ("derivatives", b"derivatives.yaml", "`derivatives` is of type bytes: give a path"),
    ("derivatives", ["d.yaml", 7], "`derivatives[1]` is the number 7: give a path"),
    ("dispatch_keys", "PrivateUse1", "`dispatch_keys` is of type str: give a list of texts"),
    ("entry_keys", [3], "`entry_keys[0]` is the number 3: give a text"),
    ("sections", "mine", "`sections` is of type str: give a list of texts"),
    ("override", "no", "`override` is of type str: give True or False"),
    ("catalogue", 1, "`catalogue` is the number 1: give True or False"),
    ("derivatives", "", "`derivatives` is empty"),
    ("derivatives", "a\0b", "`derivatives` contains a NUL"),
    ("tags", 1.5, "`tags` is the number 1.5: give a path"),
    ("pytorch", {}, "`pytorch` is of type dict: give a path"),
    ("cache_dir", True, "`cache_dir` is of type bool: give a path"),
    ("native_functions", None, "`native_functions` is None: give a path, or a list of paths"),
    ("native_functions", 7, "`native_functions` is the number 7: give a path, or a list of paths"),
    ("native_functions", b"n.yaml", "`native_functions` is of type bytes"),
    ("native_functions", {"n.yaml": 1}, "`native_functions` is of type dict"),
    ("native_functions", ["n.yaml", 7], "`native_functions[1]` is the number 7: give a path"),
    ("native_functions", [None], "`native_functions[0]` is None: give a path"),
    ("native_functions", [""], "`native_functions[0]` is empty"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_wrong_type_is_told_by_parameter(name: str, value: object, said: str) -> None:
    with pytest.raises(derivload.UsageError, match=re.escape(said)):
        derivload.load(**{name: value})  # type: ignore[arg-type]


def test_files_of_backends_are_paths() -> None:
    said = "`backend_yaml[0]` is the number 7: give a path"
    with pytest.raises(derivload.UsageError, match=re.escape(said)):
        derivload.load(catalogue=True, backend_yaml=[7])  # type: ignore[list-item]


@pytest.mark.parametrize("number", [2.15, 2])
def test_the_drop_in_takes_versions_as_texts_too(number: object) -> None:
    said = "`torch_version` is the number"
    with pytest.raises(derivload.UsageError, match=said):
        derivload.pytorch.load_derivatives("d", "n", "t", torch_version=number)  # type: ignore[arg-type]
    with pytest.raises(derivload.UsageError, match=said):
        derivload.pytorch.install(torch_version=number)  # type: ignore[arg-type]
    with pytest.raises(derivload.UsageError, match=r"`native_functions\[0\]` is the number 3"):
        derivload.pytorch.install([3])  # type: ignore[list-item]
    with pytest.raises(derivload.UsageError, match="`tags_yaml_path` is the number 3"):
        derivload.pytorch.load_derivatives("d", "n", 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("on", [True, False])
def test_garbage_collector_is_left_as_it_was(on: bool) -> None:
    was_on = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        derivload.load(catalogue=True)
        assert gc.isenabled() is on
    finally:
        (gc.enable if was_on else gc.disable)()
