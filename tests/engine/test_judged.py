"""What becomes of each possible warning: whether it holds, and all that is told of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from derivload.cpp.dialect import NEWEST
from derivload.diagnostics import Diagnostic, Mistake
from derivload.engine.generators import find_refused
from derivload.engine.judging import NO_BACKEND, Backend, Judged, judge, place_all
from derivload.engine.lint import Linted, Possible, digest_id, id_of, lint
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.wanted import want
from support.in_full import check_recorded

TAGS = Text("tags.yaml", "- tag: shiny\n  desc: It shines.\n")
CPU = "  dispatch:\n    CPU: f\n"
NATIVES = "".join(f"- func: {n}(Tensor self) -> Tensor\n{CPU}" for n in "fgh")
NAME = "- name: f(Tensor self) -> Tensor"


def texts_of(derivatives: str, *natives: str, backends: tuple[Text, ...] = ()) -> Texts:
    named = [Text(f"native{i}.yaml", text) for i, text in enumerate(natives or (NATIVES,))]
    own = Text("derivatives.yaml", derivatives)
    return Texts(own, tuple(named), TAGS, backends=backends)


def linted_of(texts: Texts) -> Linted:
    return lint(load_texts(texts, NEWEST).load)


# ------------------------------------------------------------------- comments, and what they ask


IGNORED = "# derivload: ignore"
COMMENTS = {
    "a name that is not known": f"{NAME}\n  self: grad * slef\n",
    "behind a formula": f"{NAME}\n  self: grad {IGNORED}[DL602]\n",
    "behind a name": f"{NAME}   {IGNORED}[DL602] because it was there\n  self: grad\n",
    "at the end of a text without a line end": f"{NAME}\n  self: grad  {IGNORED}[DL602]",
    "in a line of its own": f"{NAME}\n  {IGNORED}[DL602]\n  self: grad\n",
    "in the last line": f"{NAME}\n  self: grad\n  {IGNORED}[DL602]\n",
    "one of two, the last": f"{NAME}\n  self: slef {IGNORED}[DL602, DL607]\n",
    "one of two, the first": f"{NAME}\n  self: slef {IGNORED}[ DL607 ,DL602 ] why\n",
    "both of two": f"{NAME}\n  self: grad {IGNORED}[DL607, DL602]\n",
    "the same twice": f"{NAME}\n  self: grad {IGNORED}[DL607, DL607]\n",
    "a name with a slip": f"{NAME}\n  self: slef {IGNORED}[DL6002, DL602]\n",
    "a name of an error": f"{NAME}\n  self: grad {IGNORED}[DL301]\n",
    "the begin of many names": f"{NAME}\n  self: slef {IGNORED}[DL6]\n",
    "no names": f"{NAME}\n  self: grad {IGNORED}[]\n",
    "no names in a line of its own": f"{NAME}\n  {IGNORED}\n  self: grad\n",
    "before all entries": f"# more\n{IGNORED}[DL602]\n{NAME}\n  self: grad\n",
    "behind an empty line": f"\n{IGNORED}[DL602]\n{NAME}\n  self: grad\n",
    "behind an entry that only has the words": f'{NAME}\n  self: f(grad, "{IGNORED}[DL602]")\n'
    f"- name: g(Tensor self) -> Tensor\n  self: grad {IGNORED}[DL602]\n",
    "behind an entry whose comment is something else": f"{NAME}\n  self: grad # derivload: x\n"
    f"- name: g(Tensor self) -> Tensor\n  self: grad {IGNORED}[DL602]\n",
    "between entries": f"{NAME}\n  self: grad\n{IGNORED}[DL602] why\n- name: g(Tensor self) -> "
    "Tensor\n  self: grad\n",
    "behind all entries": f"{NAME}\n  self: grad\n{IGNORED}\n",
    "as the last line, without an end": f"{NAME}\n  self: grad\n{IGNORED}",
    "twice between entries": f"{NAME}\n  self: grad\n{IGNORED}[DL602]\n{IGNORED}[DL602]\n",
    "two in an entry": f"{NAME} {IGNORED}[DL604]\n  self: slef {IGNORED}[DL602, DL603]\n",
    "in a file that is read whole": f"{NAME}\n  self: &a grad {IGNORED}[DL602]\n"
    "- name: g(Tensor self) -> Tensor\n  self: *a\n",
    "a definition that stands twice": f"{NAME}\n  self: grad\n{NAME}\n  self: grad\n",
    "two definitions that differ": f"{NAME}\n  self: grad\n{NAME}\n  self: grad * 2\n",
    "two of which the second is ignored": f"{NAME}\n  self: grad\n{NAME}\n  self: 2 * grad "
    f"{IGNORED}[DL601]\n",
}


def told_of(texts: Texts) -> list[Diagnostic]:
    return place_all(judge(linted_of(texts), texts).shown, texts)


def test_warnings_and_comments_read_as_recorded(tmp_path: Path) -> None:
    """The texts are in `reference/judged.txt`."""
    twice = "- func: f(Tensor self, int n) -> Tensor\n  dispatch:\n    CUDA: f\n"
    told = {name: told_of(texts_of(text)) for name, text in COMMENTS.items()}
    right = f"{NAME}\n  self: grad\n"
    told["a function of one file twice"] = told_of(texts_of(right, NATIVES + twice))
    told["a function of two files"] = told_of(texts_of(right, NATIVES, twice))
    told["a comment of another file"] = told_of(
        texts_of(right, NATIVES, f"{IGNORED}[DL605]\n{twice[:-1]} {IGNORED}[DL605]\n")
    )
    check_recorded("judged.txt", told, tmp_path)


def test_a_warning_that_is_placed_alone_is_as_that_placed_with_all() -> None:
    for text in COMMENTS.values():
        texts = texts_of(text)
        shown = judge(linted_of(texts), texts).shown
        assert sorted({one.place() for one in shown}) == place_all(shown, texts)


def test_what_a_comment_suppresses_has_its_reason() -> None:
    text = f"{NAME} {IGNORED}[DL602] the first\n  self: slef * grda {IGNORED}[DL602] the second\n"
    texts = texts_of(text)
    found = judge(linted_of(texts), texts)
    assert [(one.code, one.reason, one.place().column) for one in found.suppressed] == [
        ("DL602", "the first", 9),
        ("DL602", "the first", 16),
    ]
    assert found.shown == []
    other = f"{NAME} {IGNORED}[DL604] the first\n  self: slef {IGNORED}[DL602] the second\n"
    texts = texts_of(other)
    found = judge(linted_of(texts), texts)
    assert [one.reason for one in found.suppressed] == ["the second"]
    assert [one.what[1] for one in found.shown] == ["there is no `DL604` here to ignore"]
    without = judge(linted_of(texts), texts, has_errors=True)
    assert (without.shown, len(without.suppressed)) == ([], 1)


def test_what_is_told_of_a_warning_and_of_a_comment() -> None:
    text = f"{IGNORED}[DL602]\n{NAME} {IGNORED}[DL604]\n  self: slef\n"
    texts = texts_of(text)
    warning, alone, beside = sorted(
        judge(linted_of(texts), texts).shown, key=lambda one: (one.code, one.what)
    )
    message = "`slef` is not an argument, output or gradient of `f`"
    assert warning.what == ("DL602", "f", message, "derivatives.yaml")
    assert (warning.code, warning.operator, warning.file) == ("DL602", "f", "derivatives.yaml")
    assert warning.find is not None
    entry, mistake = warning.find()
    assert warning.id == id_of(entry, mistake)
    by_why = {one.what[1]: one for one in (alone, beside)}
    own = by_why["there is no `DL604` here to ignore"]
    between = by_why["this comment is beside no entry and no formula"]
    assert own.what == (
        "DL608",
        "there is no `DL604` here to ignore",
        "derivatives.yaml",
    )
    first = text.split("\n")[1]
    assert own.id == digest_id("\0".join((*own.what, first, first)))
    assert between.what == (
        "DL608",
        "this comment is beside no entry and no formula",
        "derivatives.yaml",
        "DL602",
    )
    assert between.id == digest_id("\0".join(between.what))
    for one in (own, between):
        assert (one.code, one.operator, one.file, one.reason, one.find) == (
            *("DL608", "", "derivatives.yaml", ""),
            None,
        )


# --------------------------------------------------------------------------------- what holds


DERIVATIVES = (
    f"{NAME}\n  self: slef\n"
    "- name: g(Tensor self) -> Tensor\n  self: helper(grad)\n"
    "- name: h(Tensor self) -> Tensor\n  self: grad\n"
)


def possible(code: str = "DL604", **fields: object) -> Possible:
    """A warning about the definition of `f`, with these fields."""
    made = Possible("id", "f", Mistake(code, "words", ("self",)), False, 0)
    return msgspec.structs.replace(made, **fields)


def held(
    one: Possible,
    *refused: Possible,
    overlay: str | None = None,
    backend: Backend = NO_BACKEND,
) -> bool:
    """Whether a warning holds beside what is refused."""
    natives = (NATIVES,) if overlay is None else (NATIVES, overlay)
    texts = texts_of(DERIVATIVES, *natives)
    linted = linted_of(texts)._replace(found=[one], find_refused=lambda: refused)
    judged = judge(linted, texts, backend=backend, with_refused=True)
    codes = [told.code for told in judged.shown]
    told = codes[: len(codes) - len(refused)]
    assert codes == [*told, *(each.mistake.code for each in refused)]
    assert told in ([], [one.mistake.code])
    return told != []


def test_a_call_speaks_against_a_warning() -> None:
    assert held(possible("DL603", unless_called="missing"))
    assert not held(possible("DL603", unless_called="helper"))
    # Nothing else is asked then.
    refused = possible("DL805")
    assert held(possible("DL619", unless_called="missing"), refused)


@pytest.mark.parametrize(
    ("one", "refused", "is_held"),
    [
        (possible(declared=2), possible("DL801", of_native=True, at=2), False),
        (possible(declared=2), possible("DL801", of_native=True, at=1), True),
        (possible(declared=2), possible("DL802", of_native=True, at=2), True),
        (possible("DL603", declared=2), possible("DL801", of_native=True, at=2), True),
        (possible("DL619"), possible("DL805"), False),
        (possible("DL619"), possible("DL805", at=1), True),
        (possible("DL619"), possible("DL806"), True),
        (possible("DL618"), possible("DL805"), True),
        (possible("DL619"), possible("DL805", mistake=Mistake("DL805", "x", ("other",))), True),
    ],
)
def test_what_is_refused_is_not_warned_of_too(
    one: Possible, refused: Possible, is_held: bool
) -> None:
    assert held(one, refused) == is_held


@pytest.mark.parametrize("code", ["DL602", "DL609"])
def test_a_name_that_is_refused_as_misspelt_is_not_warned_of_too(code: str) -> None:
    meant = possible("DL808", mistake=Mistake("DL808", "x", ("self",), meant=("self",)))
    assert not held(possible(code), meant)
    assert held(possible(code, at=1), meant)
    assert held(possible(code, of_native=True), meant)
    assert held(possible(code), possible("DL808"))
    assert held(possible("DL603"), meant)
    other = possible("DL807", mistake=Mistake("DL807", "x", ("self",), meant=("self",)))
    assert held(possible(code), other)


def test_which_composite_functions_may_have_a_kernel_of_a_backend() -> None:
    overlay = "- func: i(Tensor self) -> Tensor\n"
    nobody, some = Backend(True), Backend(True, frozenset({"f", "g.x"}))
    own, of_overlay = possible(declared=0), possible(declared=3)
    unknown, said = possible(), possible(declared=3, is_said=True)
    assert held(own)
    assert held(unknown)
    for one, backend, is_held in [
        (own, nobody, False),
        (own, some, False),
        (possible(declared=0, operator="mine::g.x"), some, False),
        (possible(declared=0, operator="g"), some, True),
        (unknown, nobody, False),
        (possible(operator="g"), some, True),
        (of_overlay, nobody, False),
        (of_overlay, NO_BACKEND, False),
        (own, NO_BACKEND, False),
        (said, NO_BACKEND, True),
        (said, nobody, True),
        (said, some, False),
        (possible(declared=3, operator="g"), some, False),
        (possible(declared=3, operator="g", is_said=True), some, True),
        (possible(declared=0, operator="g", is_said=True), Backend(), False),
        (possible(declared=0), Backend(kernels=frozenset()), True),
    ]:
        assert held(one, overlay=overlay, backend=backend) == is_held, (one, backend)
    assert not held(own, backend=nobody)
    assert not held(own, backend=Backend(kernels=frozenset({"f"})))
    assert held(own, backend=Backend(kernels=frozenset({"g"})))


# ------------------------------------------------------------------------------ what is wanted


def test_only_what_is_wanted_is_shown_and_what_is_suppressed_stays() -> None:
    text = (
        f"{NAME}\n  self: slef\n- name: g(Tensor self) -> Tensor\n  self: grda {IGNORED}[DL602]\n"
    )
    texts = texts_of(f"{text}{IGNORED}\n")
    linted = linted_of(texts)

    def codes(judged: Judged) -> tuple[list[str], list[str]]:
        return [one.code for one in judged.shown], [one.code for one in judged.suppressed]

    assert codes(judge(linted, texts)) == (["DL602", "DL608"], ["DL602"])
    for wanted, shown in [
        (want(["DL608"]), ["DL608"]),
        (want(["DL602"]), ["DL602"]),
        (want([]), []),
        (want(per_operator_ignore={"f": ["DL602"]}), ["DL608"]),
        (want(per_operator_ignore={"g": ["DL602"]}), ["DL602", "DL608"]),
        (want(per_file_ignore={"derivatives.yaml": ["ALL"]}), []),
        (want(per_file_ignore={"native0.yaml": ["ALL"]}), ["DL602", "DL608"]),
    ]:
        assert codes(judge(linted, texts, wanted)) == (shown, ["DL602"])


def test_warnings_of_backends_are_told_of_the_file_with_their_number() -> None:
    backends = (Text("one", ""), Text("two", ""))
    texts = texts_of(f"{NAME}\n  self: grad\n", backends=backends)
    found = Diagnostic("", 3, 1, "DL621", "words", source_line="- f", severity="warning")
    numbered = [(1, found), (0, found), (2, found), (-1, found)]
    linted = linted_of(texts)._replace(of_backends=numbered)
    shown = judge(linted, texts).shown
    assert [one.file for one in shown] == ["two", "one"]
    for one in shown:
        assert one.place() == msgspec.structs.replace(found, file=one.file)
        assert one.what == ("DL621", "words", one.file)
        assert one.id == digest_id("\0".join((*one.what, "- f")))
        assert (one.code, one.operator, one.find) == ("DL621", "", None)
    assert judge(linted, texts, want(["DL602"])).shown == []
    # That there are more of them is no warning that somebody may not want.
    more = msgspec.structs.replace(found, code="DL013")
    assert len(judge(linted._replace(of_backends=[(0, more)]), texts, want([])).shown) == 1


def test_what_generators_refuse_is_shown_whatever_is_wanted() -> None:
    natives = "- func: f(Tensor self) -> Tensor\n"
    texts = texts_of(f"{NAME}\n  self: grad\n", natives)
    load = load_texts(texts, NEWEST).load
    linted = lint(load)._replace(find_refused=lambda: find_refused(load))
    shown = judge(linted, texts, want([]), with_refused=True).shown
    assert [(one.code, one.operator, one.file) for one in shown] == [("DL801", "f", "native0.yaml")]
    codes = [one.code for one in judge(linted, texts, with_refused=True).shown]
    assert codes == ["DL801"]
    assert [one.code for one in judge(linted, texts).shown] == ["DL604"]
