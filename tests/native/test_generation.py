"""The variants that torchgen generates of a function."""

from __future__ import annotations

from derivload.cpp.dialect import NEWEST
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts

NATIVES = """\
- func: f_(Tensor(a!) self) -> Tensor(a!)
  autogen: f.out, f
  use_const_ref_for_mutable_tensors: True
  dispatch:
    CPU: f_
"""


def test_a_variant_takes_tensors_as_the_function_does_that_it_is_made_of() -> None:
    tags = "".join(f"- tag: {tag}\n  desc: Some tag.\n" for tag in ("generated", "out", "inplace"))
    natives = (Text("native_functions.yaml", NATIVES),)
    texts = Texts(Text("derivatives.yaml", "[]\n"), natives, Text("tags.yaml", tags))
    loaded = load_texts(texts, NEWEST)
    assert loaded.diagnostics == []
    found = {
        function.name.text: function.use_const_ref_for_mutable_tensors
        for function in loaded.load.natives
    }
    assert found == {"f_": True, "f.out": True, "f": True}
