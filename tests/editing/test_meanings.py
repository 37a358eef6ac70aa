"""What keys and dispatch keys mean: in sentences, and by values that derivload takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.editing.meanings import (
    DEFINITION_KEYS,
    NATIVE_KEYS,
    NATIVE_VALUES,
    TAG_KEYS,
    meaning_of_dispatch_key,
)
from derivload.native.keys import KEYS
from support.paths import NATIVES
from support.project import Project

NAMED = [
    "CompositeImplicitAutograd",
    "CompositeImplicitAutogradNestedTensor",
    "CompositeExplicitAutograd",
    "CompositeExplicitAutogradNonFunctional",
    "Meta",
    "Default",
]


def test_there_is_a_sentence_for_each_key() -> None:
    assert NATIVE_KEYS.keys() == KEYS.keys()
    assert [*DEFINITION_KEYS] == ["name", "dispatch", "output_differentiability"]
    assert [*TAG_KEYS] == ["tag", "desc"]
    said = [*DEFINITION_KEYS.values(), *NATIVE_KEYS.values(), *TAG_KEYS.values()]
    said += map(meaning_of_dispatch_key, NAMED)
    assert all(sentence.endswith(".") for sentence in said)
    assert len({*said}) == len(said)


@pytest.mark.parametrize(
    ("key", "meaning"),
    [
        ("CPU", "The kernel for tensors on CPU."),
        ("SparseCPU", "The kernel for sparse tensors on CPU."),
        ("SparseCsrCUDA", "The kernel for sparsecsr tensors on CUDA."),
        ("NestedTensorHPU", "The kernel for nestedtensor tensors on HPU."),
        ("QuantizedCPU", "The kernel for quantized tensors on CPU."),
        ("Sparse", "The kernel for tensors on Sparse."),
        ("AutogradCUDA", "Autograd for tensors of CUDA."),
        ("Autograd", "Autograd for tensors of any backend."),
    ],
)
def test_what_a_dispatch_key_means(key: str, meaning: str) -> None:
    assert meaning_of_dispatch_key(key) == meaning
    # Those with a meaning of their own say another thing.
    assert not any(meaning_of_dispatch_key(one).startswith("The kernel for") for one in NAMED)


def test_each_value_that_is_proposed_is_one_that_is_taken(tmp_path: Path) -> None:
    text = ""
    for number, (key, value) in enumerate(
        (key, value) for key, values in NATIVE_VALUES.items() for value in values
    ):
        if key.startswith("structured"):
            text += f"- func: v{number}(Tensor self) -> Tensor\n"
            text += f"  structured_delegate: v{number}.out\n"
            text += f"- func: v{number}.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n"
            text += "  structured: True\n" if key != "structured" else ""
            text += "  dispatch:\n    CPU: kernel\n"
        else:
            text += f"- func: v{number}(Tensor self) -> Tensor\n"
        text += f"  {key}: {value}\n"
    project = Project(tmp_path / "values")
    project.append(NATIVES, f"\n{text}")
    assert [one for one in project.found() if one["severity"] == "error"] == []
