"""More mistakes than anybody reads: so many are told, and that there are more is told too."""

from __future__ import annotations

from derivload.commands.check.find import find_mistakes
from derivload.diagnostics import Diagnostic
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.spelling import Guesses

NATIVE = "- func: f(Tensor self) -> Tensor\n"
DISPATCH = "  dispatch:\n    CPU: f\n"
TAGS = "- tag: shiny\n  desc: It shines.\n"
MORE = "; there are more mistakes in this entry"


def found(derivatives: str = "[]\n", natives: str = NATIVE, tags: str = TAGS) -> list[Diagnostic]:
    files = Files("derivatives.yaml", ["native_functions.yaml"], "tags.yaml", None)
    contents = [text.encode() for text in (derivatives, natives, tags)]
    return find_mistakes(Request(files, contents), None).diagnostics


def unknown_keys(count: int) -> str:
    return "".join(f"  key{i}: x\n" for i in range(count))


def definitions(count: int, formula: str = "grad * {}") -> str:
    """Definitions of one function, each with such a formula; `{}` is its number."""
    return "".join(
        f"- name: f(Tensor self) -> Tensor\n  self: {formula.format(f'a{i}')}\n"
        for i in range(count)
    )


def test_a_hundred_mistakes_of_an_entry_are_told() -> None:
    told = found(natives=NATIVE + unknown_keys(100))
    assert len(told) == 100
    assert not [d for d in told if MORE in d.message]


def test_the_last_of_more_mistakes_of_an_entry_says_that_there_are_more() -> None:
    told = found(natives=NATIVE + unknown_keys(101) + "- func: g(Tenser self) -> Tensor\n")
    assert [d.line for d in told] == [*range(2, 102), 103]
    assert [d.message.endswith(MORE) for d in told] == [False] * 99 + [True, False]
    assert told[99].sentence == f"an entry of native_functions.yaml has no key `key99`{MORE}"


def test_a_thousand_mistakes_of_a_file_are_told() -> None:
    assert len(found(definitions(1_000, "[{}]"))) == 1_000


def test_of_more_mistakes_of_a_file_it_is_told_that_there_are_more() -> None:
    more, *told = found(definitions(1_500, "[{}]"), NATIVE + "  key: x\n")
    assert (more.code, more.place, more.severity) == ("DL010", "derivatives.yaml", "error")
    assert more.sentence == "this file has more than 1000 mistakes"
    assert [d.file for d in told] == ["derivatives.yaml"] * 1_000 + ["native_functions.yaml"]


def test_of_many_mistakes_of_a_file_as_yaml_it_is_told_that_there_are_more() -> None:
    assert len(found(tags="- x\n" * 1_000)) == 1_000
    more, *told = found(tags="- x\n" * 1_001)
    assert (more.code, more.severity) == ("DL010", "error")
    assert more.sentence == "this file has more than 1000 mistakes"
    assert [d.code for d in told] == ["DL005"] * 1_000


def test_many_warnings_are_no_error() -> None:
    more, *told = found(definitions(1_500), NATIVE + DISPATCH)
    assert (more.code, more.severity) == ("DL010", "warning")
    assert {d.severity for d in told} == {"warning"}
    assert len(told) == 1_000


def test_names_are_guessed_at_as_long_as_that_costs_little() -> None:
    natives = "".join(f"- func: glisten{i}(Tensor self) -> Tensor\n" for i in range(2_000))
    misspelt = "".join(f"- name: glissen{i}(Tensor x) -> Tensor\n  x: grad\n" for i in range(300))
    helped = [bool(d.help) for d in found(misspelt, natives)]
    assert helped[0]
    assert not helped[-1]
    assert helped == sorted(helped, reverse=True)


def test_no_name_is_guessed_when_enough_was() -> None:
    guesses = Guesses()
    assert guesses.nearest("glisten", ["glissen"], 1) == ["glissen"]
    for _ in range(2):
        assert guesses.nearest("x" * 80, [f"{'y' * 70}{i}" for i in range(100_000)], 1) == []
    assert guesses.nearest("glisten", ["glissen"], 1) == []


def test_a_sentence_that_quotes_something_long_is_shortened() -> None:
    (diagnostic,) = found(natives=f"- func: {'x' * 50_000}\n")
    assert len(diagnostic.sentence) < 2_010
    assert diagnostic.sentence.startswith("`xxx")
    assert " … " in diagnostic.sentence
    assert diagnostic.sentence.endswith("xxx` is not of the form `name(arguments) -> returns`")
