"""What an editor is told of the catalogue, within one process; `|` is where it asks."""

from __future__ import annotations

import pytest
from lsprotocol import types

from derivload.editing.meanings import DEFINITION_KEYS, NATIVE_KEYS, TAG_KEYS
from support.lsp_desk import Desk, desk, edited
from support.paths import DERIVATIVES, NATIVES, TAGS

__all__ = ["desk", "edited"]  # fixtures

SHOWN = "```text\ngild\n\n  functional     gild(Tensor self, float luster=0.5) -> Tensor\n"
POINTWISE = (
    "Each element of the output depends only on the elements at the same place in the inputs."
)
KERNEL = "`braid_cpu`: the kernel, a function of at::native"
NOTHING = ("", "")


def hovered(desk: Desk, name: str, words: str) -> tuple[str, str]:
    """What is said, and of which text."""
    at = desk.at(name, words)
    found = desk.features.hover(types.HoverParams(at.text_document, at.position))
    if found is None:
        return NOTHING
    assert isinstance(found.contents, types.MarkupContent)
    assert found.contents.kind == types.MarkupKind.Markdown
    assert found.range is not None
    return found.contents.value, desk.text_of(at.text_document.uri, found.range)


@pytest.mark.parametrize(
    ("name", "words", "said", "of"),
    [
        (DERIVATIVES, "- na|me: gild(", DEFINITION_KEYS["name"], "name"),
        (DERIVATIVES, "- name|: gild(", DEFINITION_KEYS["name"], "name"),
        (DERIVATIVES, "- name: gild(Tensor se|lf", "argument `self`: `Tensor`, in C++ …", "self"),
        (DERIVATIVES, "- name: gild(Tens|or self", *NOTHING),
        (
            DERIVATIVES,
            "  |self: grad * luster",
            "the gradient of argument `self`: `Tensor`",
            "self",
        ),
        (
            DERIVATIVES,
            "grad * lus|ter\n",
            "argument `luster`: `float`, in C++ `double`  \nsaved as `luster`: `luster`, `double`",
            "luster",
        ),
        (DERIVATIVES, "gr|ad * luster", "the gradient of output `result`", "grad"),
        (DERIVATIVES, "self: grad| * luster", "the gradient of output `result`", "grad"),
        (DERIVATIVES, "  resu|lt: self_t.gild", "the tangent of output `result`: …", "result"),
        (DERIVATIVES, "self_t.gi|ld(luster)", *NOTHING),
        (
            DERIVATIVES,
            "sel|f_t.gild",
            "the tangent of argument `self`: `at::Tensor`",
            "self_t",
        ),
        (DERIVATIVES, "gleam_slo|pe(self)", "`gleam_slope` is a function of C++", "gleam_slope"),
        (
            DERIVATIVES,
            "alpha, self.scalar_type())|",
            *NOTHING,
        ),
        (
            DERIVATIVES,
            "temper_tilt(grad, res|ult",
            "output `result`: `Tensor`, in C++ `at::Tensor`  \nsaved as `result`: `result`, …",
            "result",
        ),
        (
            DERIVATIVES,
            "scalar_type(), oth|er.is_conj",
            (
                "argument `other`: `Tensor`, in C++ `const at::Tensor &`  \n"
                "saved as `other_scalar_type`: `other.scalar_type`, `at::ScalarType`  \n"
                "saved as `other_conjugate`: `other.is_conj`, `bool`"
            ),
            "other",
        ),
        # Of the formulas for each dispatch key.
        (DERIVATIVES, "quench_lean(grad, self, piv|ot", "argument `pivot`: …", "pivot"),
        (DERIVATIVES, "Autograd|CUDA:\n", "Autograd for tensors of CUDA.", "AutogradCUDA"),
        (
            DERIVATIVES,
            "quench_nested_self(grad, piv|ot",
            (
                "argument `pivot`: `Tensor`, in C++ `const at::Tensor &`  \n"
                "saved as `pivot`: `pivot`, `at::Tensor`"
            ),
            "pivot",
        ),
        (
            DERIVATIVES,
            "self, piv|ot: quench_fused",
            (
                "the gradient of argument `self`: `Tensor`  \n"
                "the gradient of argument `pivot`: `Tensor`"
            ),
            "self, pivot",
        ),
        (DERIVATIVES, "output_differentiabi|lity: [F", None, "output_differentiability"),
        (DERIVATIVES, "output_differentiability: [Fal|se", *NOTHING),
        (NATIVES, "- fu|nc: gild(", NATIVE_KEYS["func"], "func"),
        (NATIVES, "float lus|ter=0.5) -> Tensor\n", "argument `luster`: `float`, …", "luster"),
        (NATIVES, "  vari|ants: fun", NATIVE_KEYS["variants"], "variants"),
        (NATIVES, "  variants: fun|ction", *NOTHING),
        (NATIVES, "  tags: point|wise", f"tag `pointwise`: {POINTWISE}", "pointwise"),
        (NATIVES, "  autogen: gi|ld.out", NATIVE_KEYS["autogen"], "gild"),
        (NATIVES, "    CPU: braid|_cpu", KERNEL, "braid_cpu"),
        (NATIVES, "    CP|U: braid_cpu", "The kernel for tensors on CPU.", "CPU"),
        (NATIVES, "    CPU, CU|DA: gild\n", "The kernel for tensors on CUDA.", "CPU, CUDA"),
        (TAGS, "- tag: point|wise", POINTWISE, "pointwise"),
        (TAGS, "  de|sc: Each", TAG_KEYS["desc"], "desc"),
        (TAGS, "  desc: Ea|ch", *NOTHING),
        (TAGS, "# Tags that an |author", *NOTHING),
    ],
)
def test_what_is_said_of_a_place(
    desk: Desk, name: str, words: str, said: str | None, of: str | None
) -> None:
    text, where = hovered(desk, name, words)
    if said is not None and said.endswith("…"):
        assert text.startswith(said[:-1])
    elif said is not None:
        assert text == said
    if of is not None:
        assert where == of


@pytest.mark.parametrize(
    ("name", "words"), [(DERIVATIVES, "- name: |gild("), (NATIVES, "- func: gild|(")]
)
def test_of_the_name_of_an_operator_is_said_what_show_shows(
    desk: Desk, name: str, words: str
) -> None:
    text, where = hovered(desk, name, words)
    assert text.startswith(SHOWN)
    assert text.endswith("\n```")
    shown = desk.project.call("show", *desk.project.options, "gild").out
    assert text.removeprefix("```text\n").removesuffix("\n```") == shown.rstrip("\n")
    assert where == "gild"


def test_of_an_operator_with_a_mistake_its_schema_is_shown(edited: Desk) -> None:
    edited.edit(DERIVATIVES, "self: grad * luster", "self: grads[7]")
    schema = "gild(Tensor self, float luster=0.5) -> Tensor"
    text, _ = hovered(edited, DERIVATIVES, "- name: gi|ld(")
    assert text == f"```\n{schema}\n```\nThere is a mistake in its family."
    edited.edit(DERIVATIVES, "- name: gild(", "- name: aten::unknown(")
    text, where = hovered(edited, DERIVATIVES, "- name: aten::unkn|own(")
    assert (text, where) == (f"```\n{schema.replace('gild', 'unknown')}\n```", "aten::unknown")


def test_of_a_rule_is_said_what_it_finds(edited: Desk) -> None:
    edited.edit(DERIVATIVES, "self: grad * luster", "self: grad  # derivload: ignore[DL602]")
    text, where = hovered(edited, DERIVATIVES, "ignore[DL6|02]")
    assert text.startswith("**DL602**: ")
    assert "\n\n" in text
    assert where == "DL602"
    edited.edit(DERIVATIVES, "DL602", "DL999")
    assert hovered(edited, DERIVATIVES, "ignore[DL9|99]") == NOTHING


GILD = ["derivatives.yaml:13 gild", "native_functions.yaml:12 gild"]
LUSTER = [
    *(f"derivatives.yaml:{line} luster" for line in (13, 14, 15)),
    *("native_functions.yaml:12 luster", "native_functions.yaml:19 luster"),
]
SELF = [place.replace("luster", "self") for place in LUSTER]
OTHER = [
    *(f"derivatives.yaml:{line} other" for line in (37, 38, 39, 39, 39, 40, 40)),
    *(f"native_functions.yaml:{line} other" for line in (192, 198, 204)),
]
REDUCED = ["tags.yaml:15 reduction", "…"]


@pytest.mark.parametrize(
    ("name", "words", "defined", "used", "renamed"),
    [
        (DERIVATIVES, "- name: gi|ld(", GILD[1:], GILD, ""),
        (DERIVATIVES, "- na|me: gild(", GILD[1:], GILD, ""),
        (NATIVES, "- func: gi|ld(", GILD[:1], GILD, ""),
        # A variant has the formulas of the functional one.
        (
            NATIVES,
            "- func: gi|ld_(",
            ["derivatives.yaml:13 "],
            ["native_functions.yaml:19 gild_"],
            "",
        ),
        (DERIVATIVES, "grad * lus|ter\n", [LUSTER[3]], LUSTER, "luster"),
        (DERIVATIVES, "sel|f_t.gild", [SELF[3]], SELF, "self"),
        (DERIVATIVES, "- name: gild(Tensor se|lf", [SELF[3]], SELF, "self"),
        (DERIVATIVES, "- name: gild(Tens|or self", [], [], ""),
        (NATIVES, "- func: gild(Tensor self, float lus|ter", [LUSTER[3]], LUSTER, "luster"),
        (DERIVATIVES, "  se|lf: grad * luster", [SELF[3]], SELF, "self"),
        (DERIVATIVES, "gr|ad * luster", [], [], ""),
        (DERIVATIVES, "gleam_slo|pe(self)", [], [], ""),
        (
            NATIVES,
            "structured_delegate: gle|am.out",
            ["native_functions.yaml:183 gleam.out"],
            [],
            "",
        ),
        (NATIVES, "autogen: gi|ld.out", [], [], ""),
        (DERIVATIVES, "oth|er_p * alpha", ["native_functions.yaml:192 other"], OTHER, "other"),
        # Of an operator with an argument of that name.
        (NATIVES, "  tags: redu|ction", ["tags.yaml:15 reduction"], REDUCED, ""),
        (TAGS, "- tag: redu|ction", [], REDUCED, ""),
        (TAGS, "# Tags that an |author", [], [], ""),
        (NATIVES, "  variants: fun|ction", [], [], ""),
    ],
)
def test_where_something_is_declared_used_and_renamed(
    desk: Desk, name: str, words: str, defined: list[str], used: list[str], renamed: str
) -> None:
    at = desk.at(name, words)
    features, where = desk.features, (at.text_document, at.position)
    found = features.definition(types.DefinitionParams(*where))
    assert [desk.shown_place(place) for place in found] == defined
    found = features.references(types.ReferenceParams(types.ReferenceContext(True), *where))
    places = [desk.shown_place(place) for place in found]
    if used[-1:] == ["…"]:
        assert places[: len(used) - 1] == used[:-1]
        assert len(places) > len(used)
        assert {place.split()[-1] for place in places} == {used[0].split()[-1]}
    else:
        assert places == used
    span = features.prepare_rename(types.PrepareRenameParams(*where))
    assert ("" if span is None else desk.text_of(at.text_document.uri, span)) == renamed
    edit = features.rename(types.RenameParams(*where, "shine"))
    assert (edit is not None) == bool(renamed)
    if edit is not None:
        assert edit.changes is not None
        edits = [(uri, one) for uri, made in edit.changes.items() for one in made]
        assert {one.new_text for _, one in edits} == {"shine"}
        assert (
            sorted(desk.shown_place(types.Location(uri, one.range)) for uri, one in edits) == used
        )
    assert features.rename(types.RenameParams(*where, "no name")) is None


def completed(desk: Desk, name: str, words: str) -> types.CompletionList:
    at = desk.at(name, words)
    return desk.features.complete(types.CompletionParams(at.text_document, at.position))


@pytest.mark.parametrize(
    ("name", "words", "label", "kind", "detail", "replaced"),
    [
        (DERIVATIVES, "grad * lus|ter\n", "luster", "Variable", "argument: float", "lus"),
        (DERIVATIVES, "gleam_slo|pe(", "gleam_slope", "Function", "a function that …", "gleam_slo"),
        (DERIVATIVES, "output_di|ff", "output_differentiability", "Property", None, "output_di"),
        (NATIVES, "  tags: point|wise", "pointwise", "EnumMember", POINTWISE, "point"),
        (NATIVES, "delegate: gleam.o|ut", "gleam.out", "Function", "", "gleam.o"),
        (NATIVES, "device_check: No|Check", "NoCheck", "Value", "", "No"),
        (NATIVES, "  vari|ants: fun", "variants", "Property", NATIVE_KEYS["variants"], "vari"),
    ],
)
def test_what_may_stand_at_a_place(
    desk: Desk, name: str, words: str, label: str, kind: str, detail: str | None, replaced: str
) -> None:
    found = completed(desk, name, words)
    assert not found.is_incomplete
    item = found.items[0]
    assert (item.label, item.filter_text, item.sort_text) == (label, label, "0000")
    assert item.kind == types.CompletionItemKind[kind]
    if detail is not None:
        assert (item.detail or "").startswith(detail.removesuffix("…"))
        assert bool(item.detail) == bool(detail)
    assert isinstance(item.text_edit, types.TextEdit)
    assert desk.text_of(desk.document(name).uri, item.text_edit.range) == replaced
    assert item.text_edit.new_text == (f"{label}: " if kind == "Property" else label)
    assert [item.sort_text for item in found.items] == [
        f"{number:04}" for number in range(len(found.items))
    ]


def test_a_schema_takes_the_rest_of_the_line(edited: Desk) -> None:
    edited.edit(DERIVATIVES, "- name: gild(Tensor self", "- name: gi(Tensor self")
    item = completed(edited, DERIVATIVES, "- name: gi|(Tensor").items[0]
    assert item.label == "gild(Tensor self, float luster=0.5) -> Tensor"
    assert isinstance(item.text_edit, types.TextEdit)
    replaced = edited.text_of(edited.document(DERIVATIVES).uri, item.text_edit.range)
    assert replaced == "gi(Tensor self, float luster=0.5) -> Tensor"


def test_only_operators_that_need_a_derivative_are_proposed(desk: Desk) -> None:
    lacking = desk.knowledge.without_derivative()
    names = {schema.partition("(")[0] for schema in lacking}
    assert not names & {"gild", "gild_", "gleam.out", "sift"}
    assert all(schema.count("(") and " -> " in schema for schema in lacking)


def test_of_a_document_that_is_no_input_nothing_is_told(desk: Desk) -> None:
    other = types.TextDocumentIdentifier("file:///other.yaml")
    start = types.Position(0, 0)
    at, features = (other, start), desk.features
    everything = types.Range(start, types.Position(99, 0))
    assert features.hover(types.HoverParams(*at)) is None
    assert features.definition(types.DefinitionParams(*at)) == []
    assert features.prepare_rename(types.PrepareRenameParams(*at)) is None
    assert features.rename(types.RenameParams(*at, "x")) is None
    assert features.complete(types.CompletionParams(*at)).items == []
    context = types.CodeActionContext([])
    assert features.actions(types.CodeActionParams(other, everything, context)) == []
    assert features.symbols(types.DocumentSymbolParams(other)).value == []
    assert features.folds(types.FoldingRangeParams(other)).value == []
    assert features.all_tokens(types.SemanticTokensParams(other)).data == []
    assert features.hints(types.InlayHintParams(other, everything)) == []
    assert features.lenses(types.CodeLensParams(other)).value == []
