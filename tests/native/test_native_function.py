"""What is asked of a native function, beside what its entry says."""

from __future__ import annotations

import pytest

from derivload.cpp.ctypes import Locals
from derivload.cpp.dialect import NEWEST
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.native.function import NativeFunction, hides_from_python, qualified

NATIVES = """\
- func: _foreach_a.x(Tensor[] self) -> Tensor[]
  device_check: NoCheck
  dispatch:
    CompositeExplicitAutograd: a
- func: mine::foreach_b_(Tensor(a!) self) -> Tensor(a!)
  autogen: foreach_b.out
  use_const_ref_for_mutable_tensors: True
  dispatch:
    CPU: b
- func: c(Tensor self) -> Tensor
  structured_delegate: c.c_out
- func: c.c_out(Tensor self, *, Tensor(a!) x) -> Tensor(a!)
  structured: True
- func: aten::d(Tensor self) -> Tensor
"""


def functions() -> dict[str, NativeFunction]:
    tags = Text("tags.yaml", "- tag: generated\n  desc: Some tag.\n")
    natives = (Text("native_functions.yaml", NATIVES),)
    loaded = load_texts(Texts(Text("derivatives.yaml", "[]\n"), natives, tags), NEWEST)
    assert loaded.diagnostics == []
    return {function.qualified: function for function in loaded.load.natives}


@pytest.mark.parametrize(
    ("name", "cpp_name", "said"),
    [
        ("_foreach_a.x", "_foreach_a", ("foreach",)),
        ("mine::foreach_b_", "foreach_b_", ("const",)),
        ("mine::foreach_b.out", "foreach_b_out", ("const", "generated")),
        ("mine::foreach_b", "foreach_b", ("const", "generated")),
        ("c", "c", ("ilist",)),
        ("c.c_out", "c_out", ("ilist",)),
        ("d", "d", ("implicit",)),
    ],
)
def test_a_function_tells_its_names_and_kind(
    name: str, cpp_name: str, said: tuple[str, ...]
) -> None:
    function = functions()[name]
    assert function.name.text == name.rpartition("::")[2]
    assert function.cpp_name == cpp_name
    assert function.scope == Locals("const" in said, "ilist" in said)
    told = (function.is_foreach, function.generated, function.has_implicit_kernel)
    assert told == ("foreach" in said, "generated" in said, "implicit" in said)


def test_a_name_has_its_namespace_unless_that_is_aten() -> None:
    assert [qualified(space, "f.x") for space in ("", "aten", "mine")] == [
        "f.x",
        "f.x",
        "mine::f.x",
    ]


def test_what_is_generated_has_no_binding_unless_it_copies_a_view() -> None:
    assert hides_from_python(["generated", "core"]) is True
    assert hides_from_python(["generated", "view_copy"]) is False
    assert hides_from_python(["core"]) is False
