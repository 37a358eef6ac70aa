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


def test_of_a_lone_out_variant_the_argument_is_told_that_its_function_has_otherwise() -> None:
    base = "- func: f(Tensor self) -> Tensor\n- func: f.x(Tensor self, {}, *, int k=1) -> Tensor\n"
    out = "- func: f.out(Tensor self, int dim, *, int k=1, Tensor(a!) out) -> Tensor(a!)\n"
    kernel = "  dispatch:\n    CPU: f_out\n"
    told = {
        "int dims": "has `int dims` where this has `int dim`: write the same in both",
        "int dims, int e": "",  # the advice of the rule
    }
    for argument, advice in told.items():
        text = Text("native_functions.yaml", base.format(argument) + out + kernel)
        texts = Texts(Text("derivatives.yaml", "[]\n"), (text,), Text("tags.yaml", "[]\n"))
        (found,) = load_texts(texts, NEWEST).diagnostics
        where = "`f.x` (native_functions.yaml:2) " if advice else ""
        assert (found.code, found.line, found.help) == ("DL302", 3, where + advice)
