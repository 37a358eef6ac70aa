"""What a backend's file says, in torchgen's form and in forms of backends' own."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.engine.load import LoadedTexts, load_texts
from derivload.engine.texts import Text, Texts
from derivload.sources.additions import Additions
from support.backend_mutants import DERIVATIVES, NATIVES, TAGS

HEAD = "backend: XLA\ncpp_namespace: workshop\n"


def load(*files: str, overlay: str = "", sections: tuple[str, ...] = ()) -> LoadedTexts:
    natives = [Text("native_functions.yaml", NATIVES)]
    if overlay:
        natives.append(Text("overlay.yaml", overlay))
    texts = Texts(
        Text("derivatives.yaml", DERIVATIVES),
        tuple(natives),
        Text("tags.yaml", TAGS),
        additions=Additions(sections=sections),
        backends=tuple(Text(f"b{i}.yaml", text) for i, text in enumerate(files)),
    )
    return load_texts(texts, NEWEST)


def found(*files: str) -> list[tuple[str, int, int]]:
    loaded = load(*files)
    every = [*loaded.diagnostics, *loaded.warnings]
    return [(d.code, d.line, d.column) for d in every]


def kernels(loaded: LoadedTexts) -> dict[str, list[str]]:
    assert loaded.diagnostics == []
    made = loaded.backends.kernels()
    return {name: [f"{k.dispatch_key} {k.file}:{k.line}" for k in made[name]] for name in made}


def test_each_operator_has_the_kernels_that_the_files_say() -> None:
    first = (
        f"{HEAD}supported:\n- polish\n- sand\nfull_codegen:\n- varnish.coat\nautograd: [dry]\n"
        "symint:\n- sand\n"
    )
    second = "backend: Lazy\ncpp_namespace: workshop\nsupported: [sand]\n"
    assert kernels(load(first, second)) == {
        "polish": ["XLA b0.yaml:4"],
        "sand": ["XLA b0.yaml:5", "Lazy b1.yaml:3"],
        "varnish.coat": ["XLA b0.yaml:7"],
        "dry": ["AutogradXLA b0.yaml:8"],
    }


def test_operators_of_an_overlay_and_generated_ones_count() -> None:
    overlay = "- func: mine::carved(Tensor self) -> Tensor\n  dispatch:\n    CPU: carved\n"
    loaded = load(f"{HEAD}supported: [carved, dry.out]\n", overlay=overlay)
    assert kernels(loaded) == {"carved": ["XLA b0.yaml:3"], "dry.out": ["XLA b0.yaml:3"]}


def test_every_mistake_is_told_with_its_place() -> None:
    text = (
        "backend: XLA\n"
        "supported:\n"
        "  - polish\n"
        "  - polsh\n"
        "  - mylib::carve\n"
        "  - varnish\n"
        "  - 3\n"
        "  - polish\n"
        "autograd:\n"
        "  - polish_\n"
        "symint:\n"
        "  - dry\n"
        "  - dyr\n"
        "device_guard: maybe\n"
        "tensor: x\n"
    )
    assert found(text) == [
        ("DL702", 1, 1),
        ("DL707", 4, 5),
        ("DL707", 5, 5),
        ("DL707", 6, 5),
        ("DL704", 7, 5),
        ("DL708", 10, 5),
        ("DL704", 14, 1),
        ("DL703", 15, 1),
        ("DL621", 8, 5),
        ("DL622", 12, 5),
        ("DL622", 13, 5),
    ]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("polsh", "did you mean `polish`"),
        ("mylib::carve", "write it without its namespace: `carve`"),
        ("varnish", "the overloads of `varnish` are: `varnish.coat`"),
        ("polish.outt", "did you mean `polish.out`?"),
        ("polish.Scalar", "the overloads of `polish` are: `polish`, `polish.out`"),
        ("polish polish.out", "write each of them in a line of its own: `- polish`"),
        ("polish(Tensor self) -> Tensor", "did you mean `polish`?"),
    ],
)
def test_an_unknown_operator_is_guessed(name: str, advice: str) -> None:
    (diagnostic,) = load(f"{HEAD}supported: [{name}]\n").diagnostics
    assert diagnostic.code == "DL707"
    assert diagnostic.help.startswith(advice)


def test_an_operator_that_could_not_be_read_is_no_unknown_one() -> None:
    overlay = "- func: carved(Tensor self) -> Tensor\n  colour: red\n"
    loaded = load(f"{HEAD}supported: [carved, carvd]\n", overlay=overlay)
    assert [d.code for d in loaded.diagnostics] == ["DL707", "DL006"]


def test_text_that_is_not_yaml_is_told() -> None:
    assert found(f"{HEAD}supported: [polish\n") == [("DL003", 3, 12)]
    assert found("# x\nbackend: XLA\nbackend: XLA\n") == [("DL009", 3, 1)]


# ------------------------------------------------------------------------------------ own forms

MERGED = """\
autograd:
- func: dry(Tensor self) -> Tensor
  impl_ns: op_api
backend: Workshop
cpp_namespace: workshop
custom:
- func: shine(Tensor self) -> Tensor
custom_autograd:
- func: shine_twice(Tensor self) -> Tensor
quant:
- func: sand(Tensor self) -> Tensor
  impl_ns: acl_op
supported:
- polish
- dry
- func: polish_
  op_api: true
symint:
- func: sand(Tensor self) -> Tensor
notes: [these, are, ours]
"""


def test_a_file_with_sections_of_a_backends_own() -> None:
    loaded = load(MERGED)
    assert kernels(loaded) == {
        "dry": ["AutogradPrivateUse1 b0.yaml:2", "PrivateUse1 b0.yaml:15"],
        "shine": ["PrivateUse1 b0.yaml:7"],
        "shine_twice": ["AutogradPrivateUse1 b0.yaml:9"],
        "sand": ["PrivateUse1 b0.yaml:11"],
        "polish": ["PrivateUse1 b0.yaml:14"],
        "polish_": ["PrivateUse1 b0.yaml:16"],
    }
    assert loaded.warnings == []
    assert loaded.passed_over == ("notes",)


def test_its_unknown_operators_are_told() -> None:
    text = MERGED.replace("- polish\n", "- polsh\n").replace("op_api: true", "op_api: [")
    assert found(text.replace("op_api: [", "op_api: true")) == [("DL707", 14, 3)]
    assert found(MERGED.replace("- polish\n", "- [polish]\n- {impl_ns: x}\n")) == [
        ("DL704", 14, 3),
        ("DL704", 15, 3),
    ]


def test_a_section_that_declares_operators_is_named_by_the_option() -> None:
    text = "vision:\n- func: nms(Tensor dets) -> Tensor\naten:\n- func: polish\n- func: gone\n"
    named = load(text, sections=("vision",))
    assert kernels(named) == {
        "nms": ["PrivateUse1 b0.yaml:2"],
        "polish": ["PrivateUse1 b0.yaml:4"],
        "gone": ["PrivateUse1 b0.yaml:5"],
    }
    # The tools of this backend pass over names that they do not know.
    assert [(d.code, d.line) for d in named.warnings] == [("DL623", 5)]
    assert load(text).passed_over == ("vision",)


def test_a_list_of_operators_with_dispatch_tables() -> None:
    text = (
        "- func: polish\n- func: sand\n  dispatch:\n    PrivateUse1, QuantizedPrivateUse1: mine\n"
        "    AutogradPrivateUse1: mine_too\n"
    )
    assert kernels(load(text)) == {
        "polish": ["PrivateUse1 b0.yaml:1"],
        "sand": [
            f"{key} b0.yaml:2"
            for key in ("PrivateUse1", "QuantizedPrivateUse1", "AutogradPrivateUse1")
        ],
    }


def test_a_list_in_the_form_of_executorch() -> None:
    text = (
        "- op: polish\n  kernels:\n    - arg_meta: null\n      kernel_name: mine::polish\n"
        "- op: gone.out\n- func: aten::sand\n- func: mine::shine(Tensor self) -> Tensor\n"
    )
    loaded = load(text)
    assert kernels(loaded) == {
        "polish": ["PrivateUse1 b0.yaml:1"],
        "gone.out": ["PrivateUse1 b0.yaml:5"],
        "sand": ["PrivateUse1 b0.yaml:6"],
        "mine::shine": ["PrivateUse1 b0.yaml:7"],
    }
    assert [(d.code, d.line, d.column) for d in loaded.warnings] == [("DL623", 5, 7)]


def test_two_items_that_say_different_things_are_no_doublet() -> None:
    of_releases = "- func: polish\n  op_api: [v2.1, v2.5]\n- func: polish\n  op_api: {}\n"
    assert found(f"official:\n{of_releases.format('v2.6')}") == []
    assert found(of_releases.format("v2.6")) == []
    alike = of_releases.format("[v2.1, v2.5]")
    assert found(f"official:\n{alike}") == [("DL621", 4, 9)]
    assert found(alike) == [("DL621", 3, 9)]
    assert found("official:\n- polish\n- polish\n") == [("DL621", 3, 3)]


# -------------------------------------------------------------------------- files of other kinds


@pytest.mark.parametrize(
    ("text", "option"),
    [
        (NATIVES, "--native-functions"),
        ("custom:\n- func: shine(Tensor self) -> Tensor\n", "--native-functions"),
        ("- name: polish(Tensor self) -> Tensor\n  self: grad\n", "--derivatives"),
        (TAGS, "--tags"),
    ],
)
def test_another_file_is_told_from_a_backends(text: str, option: str) -> None:
    (diagnostic,) = load(text).diagnostics
    assert (diagnostic.code, diagnostic.file) == ("DL011", "b0.yaml")
    assert diagnostic.help == f"give it with {option}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"# x\n{HEAD}supported: [polish]\n", 2),
        ("supported:\n- polish\n", 1),
        ("# x\n- func: polish\n- func: sand\n  dispatch:\n    PrivateUse1: sand\n", 2),
        ("- func: polish\n- func: sand\n- func: shine(Tensor self) -> Tensor\n", 1),
        ("# x\n- op: polish\n  kernels: []\n- op: sand\n  kernels: []\n", 2),
    ],
)
def test_a_backends_file_is_told_from_an_overlay(text: str, line: int) -> None:
    (diagnostic,) = load(overlay=text).diagnostics
    assert (diagnostic.code, diagnostic.file, diagnostic.line) == ("DL011", "overlay.yaml", line)
    assert diagnostic.help.startswith("give it with --backend-yaml")


def test_one_schema_that_is_forgotten_is_a_mistake_of_its_own() -> None:
    for more in ("", "- func: shine.b(Tensor self) -> Tensor\n"):
        loaded = load(overlay=f"- func: shine\n{more}")
        assert [d.code for d in loaded.diagnostics] == ["DL101"]


# -------------------------------------------------------------------------- hostile files


def test_of_many_mistakes_the_first_are_told_and_that_there_are_more() -> None:
    names = "".join(f"- none{i}\n" for i in range(30_000))
    loaded = load(f"{HEAD}supported:\n{names}")
    assert [d.code for d in loaded.diagnostics] == ["DL010", *["DL707"] * 1_000]
    assert loaded.diagnostics[1].line == 4
    again = load(f"{HEAD}supported:\n" + "- polish\n" * 30_000 + "autograd: [polish_]\n")
    assert [d.code for d in again.diagnostics] == ["DL708"]  # behind all the warnings
    assert [d.code for d in again.warnings] == ["DL010", *["DL621"] * 1_000]


def test_a_list_is_no_dispatch_key() -> None:
    bomb = "class_name: &a [x, x, x, x, x, x, x, x]\nir_gen: &b [*a, *a, *a, *a, *a, *a]\n"
    text = f"{bomb}backend: *b\ncpp_namespace: x\nsupported: [polish]\n"
    (found,) = load(text).diagnostics
    assert (found.code, found.message) == ("DL705", "a list is not a dispatch key of torchgen")
    assert found.help == ""


def test_a_very_long_name_is_like_none() -> None:
    (found,) = load(f"{HEAD}supported:\n- {'polish' * 100_000}\n").diagnostics
    assert (found.code, found.help) == ("DL707", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # One key that is misspelt is neither missing nor does it make what it says idle.
        ("backnd: XLA\ncpp_namespace: w\nsupported: [dry]\n", "DL703:1 did you mean `backend`?"),
        (f"{HEAD}suported:\n- dry\nsymint:\n- dry\n", "DL703:3 did you mean `supported`?"),
        (
            "atn:\n- dry\ncustom:\n",
            "DL011:1 did you mean `aten`? Or give it with --native-functions",
        ),
        (
            f"{HEAD}supported:\n- dry\n  - polish\n",
            "DL707:4 indent its dash like those of the other",
        ),
    ],
)
def test_one_slip_is_one_mistake_and_its_remedy_is_told(text: str, expected: str) -> None:
    loaded = load(text)
    (told,) = [*loaded.diagnostics, *loaded.warnings]
    assert f"{told.code}:{told.line} {told.help}".startswith(expected)


@pytest.mark.parametrize("line", ["  -polish", "  polish", " - polish", "polish"])
def test_an_item_without_its_dash_is_mended_as_an_item(line: str) -> None:
    text = f"{HEAD}supported:\n  - dry\n{line}\n  - sand\n"
    (told,) = load(text).diagnostics
    ((edit,),) = (fix.edits for fix in told.fixes)
    lines = text.split("\n")
    written = lines[edit.line - 1]
    lines[edit.line - 1] = written[: edit.column - 1] + edit.text + written[edit.end_column - 1 :]
    assert (told.code, lines[4]) == ("DL003", "  - polish")
    assert found("\n".join(lines)) == []
