"""Types and defaults that cannot be written in C++, and names that the generators cannot sort."""

from __future__ import annotations

import pytest

from support.refused import RELEASES, mistakes, native, refused

OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"
# Python does not see a function with this tag.
HIDDEN = "tags: generated"
KERNEL = "CPU: f"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("gild(Tensor self, bool[] x) -> Tensor", ["bool[] x"]),
        ("gild(Tensor self, *, bool[] x) -> Tensor", ["bool[] x"]),
        ("gild(Tensor self, Tensor[]? x) -> Tensor[2]", ["Tensor[2]"]),
        ("gild(Tensor self, int x) -> Tensor[2]", ["Tensor[2]"]),
        ("gild(Tensor self, int x) -> (Tensor, Tensor[2])", ["(Tensor, Tensor[2])"]),
        ("gild(Tensor self, int[] x) -> Tensor[]", []),
    ],
)
def test_a_type_that_cannot_be_written(schema: str, words: list[str]) -> None:
    found = mistakes(native(schema))
    assert [(m.code, m.words, m.path) for m in found] == [("DL840", w, ("func",)) for w in words]


def test_each_function_with_such_a_type_is_told_and_what_comes_later_too() -> None:
    natives = "".join(native(f"gild{n}(Tensor self, bool[] x) -> Tensor") for n in "ab")
    natives += native("gildc(Tensor self, bool[2] x) -> Tensor")
    assert refused(natives) == ["DL840", "DL840", "DL833"]


def test_what_comes_after_an_out_variant_that_autogen_made_is_told() -> None:
    natives = native("gild(Tensor self) -> Tensor", "autogen: gild.out")
    assert refused(natives + native("gilt(Tensor self, bool[] x) -> Tensor")) == ["DL840"]


def test_an_optional_tensor_is_returned_since_2_2() -> None:
    found = [
        r for r in RELEASES if refused(native("gild(Tensor self) -> Tensor?"), "", r) == ["DL840"]
    ]
    assert found == ["2.1"]


# ------------------------------------------------------------------------------------- defaults


@pytest.mark.parametrize(
    ("argument", "codes"),
    [
        ("int[] x=0", ["DL841"]),
        ("int[]? x=0", ["DL841"]),
        ("int[] x=[0]", []),
        ("int[1] x=0", []),
        ("int[] x", []),
        ("int x=0", []),
        ("int[]? x=None", []),
        ("SymInt[] x=0", ["DL841"]),
        ("SymInt[1] x=0", []),
        ("*, int[] x=0", ["DL841"]),
    ],
)
def test_a_default_in_a_python_binding(argument: str, codes: list[str]) -> None:
    found = mistakes(native(f"gild(Tensor self, {argument}) -> Tensor", kernel=""))
    assert [mistake.code for mistake in found] == codes
    assert [m.words for m in found] == [argument.removeprefix("*, ")] * len(codes)


@pytest.mark.parametrize(
    ("schema", "keys", "kernel", "codes"),
    [
        # Nothing is written with these defaults.
        ("gild(Tensor self, int[] x=0) -> Tensor", (HIDDEN,), KERNEL, []),
        ("gild(Tensor self, int[] x=0) -> Tensor", (HIDDEN,), "", []),
        ("isnan(Tensor self, int[] x=0) -> Tensor", (HIDDEN,), "", []),
        # A wrapper with a body of its own.
        ("isnan(Tensor self, int[] x=0) -> Tensor", (HIDDEN,), KERNEL, ["DL841"]),
        ("isnan(Tensor self, SymInt[] x=0) -> Tensor", (HIDDEN,), KERNEL, []),
        ("isnan(Tensor self, SymInt[] x=0) -> Tensor", (), KERNEL, ["DL841"]),
        # A factory.
        ("gild(int[] x=0, *, {}) -> Tensor", (HIDDEN,), KERNEL, ["DL841"]),
        ("gild(SymInt[] x=0, *, {}) -> Tensor", (HIDDEN,), KERNEL, ["DL841"]),
        ("gild(SymInt[] x=0, *, {}) -> Tensor", (HIDDEN, "cpp_no_default_args: [x]"), KERNEL, []),
        ("gild(SymInt[] x=0, *, {}) -> Tensor", ("cpp_no_default_args: [x]",), KERNEL, ["DL841"]),
        ("gild(Tensor self, int[] x=0, *, {}) -> Tensor", (HIDDEN, "variants: method"), KERNEL, []),
    ],
)
def test_where_a_default_is_written(
    schema: str, keys: tuple[str, ...], kernel: str, codes: list[str]
) -> None:
    assert refused(native(schema.format(OPTIONS), *keys, kernel=kernel)) == codes


def test_a_view_is_written_with_its_defaults() -> None:
    """Its copying variant is seen by Python."""
    natives = native("select(Tensor(a) self, int[] x=0) -> Tensor(a)", HIDDEN, kernel=KERNEL)
    natives += native(
        "select_copy(Tensor self, int[] x=0) -> Tensor",
        "tags: view_copy",
        "autogen: select_copy.out",
        kernel="CompositeExplicitAutogradNonFunctional: f",
    )
    assert refused(natives) == ["DL841", "DL841"]
    assert refused(natives.replace("select", "gilt")) == ["DL841"]


def test_a_function_like_another_is_a_factory() -> None:
    natives = native("gild_like(Tensor self, SymInt[] x=0) -> Tensor", HIDDEN)
    assert refused(natives) == ["DL841"]
    assert refused(natives.replace("gild_like", "gild_as")) == []
    assert refused(natives + "  variants: method\n") == []


@pytest.mark.parametrize(
    ("schema", "keys", "is_refused"),
    [
        ("gild(int options=0, *, {}) -> Tensor", (), True),
        ("gild(int options=0, *, {}) -> Tensor", (HIDDEN,), True),
        ("gild_like(Tensor self, int options=0, *, {}) -> Tensor", ("variants: method",), True),
        ("gild(Tensor self, int options=0, *, {}) -> Tensor", (HIDDEN, "variants: method"), False),
        ("gild(Tensor self, int options=0) -> Tensor", (), False),
    ],
)
def test_options_are_no_argument(schema: str, keys: tuple[str, ...], is_refused: bool) -> None:
    natives = native(schema.format(OPTIONS), "cpp_no_default_args: [options]", *keys)
    found = mistakes(natives)
    assert [(m.code, m.message, m.words, m.path) for m in found] == [
        (
            "DL841",
            "`options` cannot be named here: there are TensorOptions",
            "options",
            ("cpp_no_default_args",),
        )
    ] * is_refused
    assert [[change.kind for change in r.changes] for m in found for r in m.remedies] == [
        ["remove_item"]
    ] * is_refused
    assert refused(natives.replace("options=", "others=").replace("[options]", "[others]")) == []


# ---------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gild", None),
        ("gilé", None),
        ("gilÿ", None),
        ("gilĀ", "Ā"),
        ("gilďď", "ď"),
        ("gĀlď", "gĀlď"),
    ],
)
def test_a_name_has_characters_of_latin_1(name: str, words: str | None) -> None:
    found = mistakes(native(f"{name}(Tensor self) -> Tensor"))
    assert [(m.code, m.words) for m in found] == [("DL842", words)] * (words is not None)
