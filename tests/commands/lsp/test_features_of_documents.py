"""What an editor is told of whole documents of the catalogue, and of what is wrong in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from derivload.commands.lsp import beside
from support.lsp_desk import Desk, desk, edited
from support.paths import DERIVATIVES, NATIVES, TAGS

__all__ = ["desk", "edited"]  # fixtures

LAST = 10_000


def lines(first: int, last: int) -> types.Range:
    return types.Range(types.Position(first, 0), types.Position(last, 0))


def hints(desk: Desk, first: int, last: int, name: str = DERIVATIVES) -> list[tuple[int, str]]:
    """The hints between two lines, by the line that each is behind, from 1."""
    asked = types.InlayHintParams(desk.document(name), lines(first, last))
    found = desk.features.hints(asked)
    text = desk.documents[name].text.split("\n")
    for hint in found:
        assert hint.padding_left
        assert hint.position.character == len(text[hint.position.line])
    return [(hint.position.line + 1, str(hint.label)) for hint in found]


def test_the_entries_of_a_document(desk: Desk) -> None:
    found: object = desk.features.symbols(types.DocumentSymbolParams(desk.document(TAGS))).value
    assert isinstance(found, list)
    assert found[:2] == [
        {
            "name": "pointwise",
            "kind": 12,
            "range": {"start": {"line": 10, "character": 0}, "end": {"line": 12, "character": 0}},
            "selectionRange": {
                "start": {"line": 10, "character": 7},
                "end": {"line": 10, "character": 16},
            },
        },
        {
            "name": "reduction",
            "kind": 12,
            "range": {"start": {"line": 14, "character": 0}, "end": {"line": 16, "character": 0}},
            "selectionRange": {
                "start": {"line": 14, "character": 7},
                "end": {"line": 14, "character": 16},
            },
        },
    ]
    tags = [line for line in desk.documents[TAGS].text.split("\n") if line.startswith("- tag:")]
    assert [f"- tag: {one['name']}" for one in found] == tags


def test_the_lines_of_entries_fold(edited: Desk) -> None:
    edited.edit(TAGS, "- tag: reduction\n  desc:", "- tag: alone\n- tag: reduction\n  desc:")
    folds = edited.features.folds(types.FoldingRangeParams(edited.document(TAGS))).value
    assert isinstance(folds, list)
    assert folds[:2] == [{"startLine": 10, "endLine": 11}, {"startLine": 15, "endLine": 16}]


def test_symbols_of_all_inputs_are_found_by_a_part_of_their_name(desk: Desk) -> None:
    def found(query: str) -> list[types.SymbolInformation]:
        return desk.features.workspace_symbols(types.WorkspaceSymbolParams(query))

    assert [(one.name, one.container_name, one.kind) for one in found("GIL")] == [
        ("gild", "derivatives", types.SymbolKind.Function),
        ("gild", "native_functions", types.SymbolKind.Function),
        ("gild_", "native_functions", types.SymbolKind.Function),
    ]
    assert [desk.shown_place(one.location) for one in found("gild_")] == [
        "native_functions.yaml:19 gild_"
    ]
    assert [one.container_name for one in found("pointwise")] == ["tags"]
    assert found("nothing") == []


def test_of_many_symbols_the_first_200_are_told(edited: Desk) -> None:
    more = "".join(f"- tag: many{number}\n  desc: One.\n" for number in range(201))
    edited.edit(TAGS, "- tag: pointwise", f"{more}- tag: pointwise")
    found = edited.features.workspace_symbols(types.WorkspaceSymbolParams("many"))
    assert [one.name for one in found] == [f"many{number}" for number in range(200)]


def tokens(desk: Desk, first: int, last: int) -> list[tuple[int, str, str]]:
    """The words between two lines: the line of each, from 1, its text and its type."""
    asked = types.SemanticTokensRangeParams(desk.document(DERIVATIVES), lines(first, last))
    data = desk.features.tokens_between(asked).data
    made, line, start = [], 0, 0
    text = desk.documents[DERIVATIVES].text.split("\n")
    for at in range(0, len(data), 5):
        down, right, length, kind, modifiers = data[at : at + 5]
        assert modifiers == 0
        line, start = line + down, (start if not down else 0) + right
        units = text[line].encode("utf-16-le")
        word = units[2 * start : 2 * (start + length)].decode("utf-16-le")
        made.append((line + 1, word, beside.TOKEN_TYPES[kind]))
    return made


def test_the_words_of_formulas_have_their_types(desk: Desk) -> None:
    assert tokens(desk, 14, 19) == [
        *((14, "grad", "variable"), (14, "luster", "parameter")),
        *((15, "self_t", "parameter"), (15, "gild", "property"), (15, "luster", "parameter")),
        *((19, "grad", "variable"), (19, "gleam_slope", "function"), (19, "self", "parameter")),
        (20, "auto_element_wise", "macro"),
    ]
    # The answer for the whole document has them too.
    everything = desk.features.all_tokens(types.SemanticTokensParams(desk.document(DERIVATIVES)))
    asked = types.SemanticTokensRangeParams(desk.document(DERIVATIVES), lines(0, LAST))
    assert desk.features.tokens_between(asked).data == everything.data
    natives = types.SemanticTokensParams(desk.document(NATIVES))
    assert desk.features.all_tokens(natives).data == []


def test_words_are_told_after_an_edit_and_without_a_schema(edited: Desk) -> None:
    edited.edit(DERIVATIVES, "self: grad * luster", "self: f('\U0001f600', int(luster))")
    assert tokens(edited, 13, 13) == [
        *((14, "f", "function"), (14, "int", "keyword"), (14, "luster", "parameter")),
        *((15, "self_t", "parameter"), (15, "gild", "property"), (15, "luster", "parameter")),
    ]
    # They are kept by the text of the entry, wherever it is.
    edited.edit(DERIVATIVES, "- name: gild(", "# more\n- name: gild(")
    assert tokens(edited, 14, 14)[1] == (15, "int", "keyword")
    edited.edit(DERIVATIVES, "- name: gild(Tensor self", "- name: gild(Tensor")
    assert tokens(edited, 14, 14) == [
        *((15, "f", "function"), (15, "int", "keyword"), (16, "gild", "property")),
    ]


def test_what_formulas_save_stands_behind_them(desk: Desk) -> None:
    assert hints(desk, 12, 36) == [
        (14, "saves luster: float"),
        (19, "saves self: Tensor"),
        (
            24,
            (
                "saves to_args_sizes_symint(strands): vector<vector<SymInt>>, "
                "to_args_scalartypes(strands): vector<ScalarType>, dim: int"
            ),
        ),
        (29, "saves passes: int"),
        (38, "saves self.scalar_type: ScalarType, other: Tensor, alpha: Scalar"),
        (
            39,
            (
                "saves other.scalar_type: ScalarType, other.is_conj: bool, alpha: Scalar, "
                "result: Tensor"
            ),
        ),
    ]
    # An entry of which one line is on the screen has all of its hints; of no entry, there is none.
    assert [line for line, _ in hints(desk, 14, 14)] == [14]
    assert hints(desk, 0, 11) == []
    assert hints(desk, 0, LAST, NATIVES) == []
    # Behind a formula of several lines, it stands behind the last.
    assert [line for line, _ in hints(desk, 57, 57)] == [60]


def lens_of(desk: Desk, words: str, name: str = DERIVATIVES) -> str:
    found = desk.features.lenses(types.CodeLensParams(desk.document(name))).value
    assert isinstance(found, list)
    line = desk.place(name, words).line
    (one,) = [lens for lens in found if lens["range"]["start"]["line"] == line]
    assert one["range"] == {
        "start": {"line": line, "character": 0},
        "end": {"line": line, "character": 0},
    }
    lens = desk.features.resolve_lens(types.CodeLens(lines(line, line), data=one["data"]))
    assert lens.command is not None
    assert lens.command.command == ""
    return lens.command.title


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("|- name: gild(", "2 variants share this"),
        ("|- name: gleam(", "4 variants share this"),
        ("|- name: braid(", "one function has this"),
        ("|- name: burnish(", "one function has this; no forward formula"),
        ("|- name: tally(", "one function has this; no forward formula; no backward formula"),
    ],
)
def test_above_a_definition_stands_who_shares_it_and_what_it_lacks(
    desk: Desk, words: str, said: str
) -> None:
    assert lens_of(desk, words) == said


def test_there_are_lenses_above_definitions_alone(edited: Desk) -> None:
    for name in (NATIVES, TAGS):
        assert edited.features.lenses(types.CodeLensParams(edited.document(name))).value == []
    edited.edit(DERIVATIVES, "self: grad * luster", "self: grads[7]")
    assert lens_of(edited, "|- name: gild(") == "not derived"


# What is wrong


def actions(desk: Desk, line: int, name: str = DERIVATIVES) -> list[types.CodeAction]:
    asked = types.CodeActionParams(
        desk.document(name), lines(line, line), types.CodeActionContext([])
    )
    return desk.features.actions(asked)


def applied(desk: Desk, action: types.CodeAction) -> dict[str, list[str]]:
    """The lines that an action changes, as they are then."""
    assert action.edit is not None
    assert action.edit.changes is not None
    changed: dict[str, list[str]] = {}
    for uri, edits in action.edit.changes.items():
        name = Path(uri).name
        for edit in edits:
            assert edit.range.start.line == edit.range.end.line
            line = desk.documents[name].text.split("\n")[edit.range.start.line]
            start, end = edit.range.start.character, edit.range.end.character
            changed.setdefault(name, []).append(line[:start] + edit.new_text + line[end:])
    return changed


def test_a_misspelt_name_is_corrected_or_let_be(edited: Desk) -> None:
    edited.edit(DERIVATIVES, "self: grad * luster", "self: grad * lustre")
    write, ignore = actions(edited, 13)
    assert [one.title for one in (write, ignore)] == ["Write `luster`", "Ignore DL602 here"]
    assert applied(edited, write) == {DERIVATIVES: ["  self: grad * luster"]}
    assert applied(edited, ignore) == {
        DERIVATIVES: ["  self: grad * lustre  # derivload: ignore[DL602]"]
    }
    for action in (write, ignore):
        assert action.kind == types.CodeActionKind.QuickFix
        assert not action.is_preferred
        assert action.diagnostics is not None
        assert [one.code for one in action.diagnostics] == ["DL602"]
    assert actions(edited, 12) == actions(edited, 14) == actions(edited, 13, NATIVES) == []


@pytest.mark.parametrize(
    ("formula", "then"),
    [
        (
            "self: grad * lustre  # derivload: ignore[DL601]",
            "  self: grad * lustre  # derivload: ignore[DL601, DL602]",
        ),
        # In a formula of several lines, a comment would be a part of it.
        (
            'self: "grad\n    * lustre"',
            "- name: gild(Tensor self, float luster=0.5) -> Tensor  # derivload: ignore[DL602]",
        ),
        (
            "self: grad * lustre   ",
            "  self: grad * lustre  # derivload: ignore[DL602]",
        ),
    ],
)
def test_a_warning_is_ignored_by_a_comment(edited: Desk, formula: str, then: str) -> None:
    edited.edit(DERIVATIVES, "self: grad * luster", formula)
    found = {one.title: one for each in (13, 14) for one in actions(edited, each)}
    assert applied(edited, found["Ignore DL602 here"]) == {DERIVATIVES: [then]}


def test_an_error_is_not_ignored(edited: Desk) -> None:
    edited.edit(DERIVATIVES, "  self: grad * luster\n", "  slef: grad * luster\n")
    found = actions(edited, 13)
    assert [one.title for one in found] == ["Write `self`"]
    assert applied(edited, found[0]) == {DERIVATIVES: ["  self: grad * luster"]}


def test_a_diagnostic_leads_to_what_it_is_related_to(edited: Desk) -> None:
    again = "- name: gild(Tensor self, float luster=0.5)"
    edited.edit(DERIVATIVES, "- name: gleam(Tensor self)", again)
    (found,) = [edited.shown(one) for one in edited.bench.diagnostics() if one.code == "DL601"]
    assert found.tags == [types.DiagnosticTag.Unnecessary]
    assert found.range.start.line == 17
    assert found.related_information is not None
    (related,) = found.related_information
    assert related.message == "the definition that does not count"
    place = edited.shown_place(related.location)
    assert place == f"derivatives.yaml:13 {again.removeprefix('- ')} -> Tensor"


def test_a_diagnostic_has_its_remedy_and_its_page(edited: Desk) -> None:
    edited.edit(DERIVATIVES, "- name: gleam(Tensor self)", "- name: gild(Tensor self)")
    edited.edit(DERIVATIVES, "self: grad * luster", "self: grad * lustre")
    by_code = {one.code: edited.shown(one) for one in edited.bench.diagnostics()}
    warning = by_code["DL602"]
    assert warning.severity == types.DiagnosticSeverity.Warning
    assert warning.source == "derivload"
    assert warning.message.count("\n") == 1
    assert warning.tags is None
    assert edited.text_of(edited.document(DERIVATIVES).uri, warning.range) == "lustre"
    assert warning.code_description is not None
    page = Path(warning.code_description.href.removeprefix("file://"))
    assert "DL602" in page.read_text("utf-8")
    errors = [one for code, one in by_code.items() if code != "DL602"]
    assert {one.severity for one in errors} == {types.DiagnosticSeverity.Error}
    edited.close()
    assert not page.exists()
