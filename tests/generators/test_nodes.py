"""The C++ types of values that a backward node can keep (DL812)."""

from __future__ import annotations

import pytest

from derivload.generators.nodes import can_be_kept


@pytest.mark.parametrize(
    ("type_", "is_kept"),
    [
        ("int64_t", True),
        ("at::Tensor", True),
        ("at::Scalar", True),
        ("c10::string_view", True),
        ("std::string_view", True),
        ("at::IntArrayRef", True),
        ("at::ArrayRef<at::Scalar>", True),
        ("::std::optional<at::ArrayRef<double>>", True),
        ("::std::optional<c10::string_view>", True),
        ("at::ArrayRef<bool>", False),
        ("::std::basic_string_view<char>", False),
        ("const at::Stream &", False),
        ("void *", False),
    ],
)
def test_a_reference_is_kept_only_where_the_node_copies_it(type_: str, is_kept: bool) -> None:
    assert can_be_kept(type_, of_foreach_output=False) == is_kept


def test_a_list_of_tensors_is_kept_as_the_output_of_a_foreach_function_alone() -> None:
    assert can_be_kept("::std::vector<at::Tensor>", of_foreach_output=True)
    assert not can_be_kept("::std::vector<at::Tensor>", of_foreach_output=False)
