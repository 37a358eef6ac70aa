"""Of a file that is far from right, only so much is compared with what may be meant."""

from __future__ import annotations

from derivload.cpp.dialect import NEWEST
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.native.backend import read_backend
from derivload.native.backend_checks import Declared
from derivload.sources.entries import MAX_MISTAKES
from derivload.sources.sections import Flaw, read_sections


def flaws(text: str) -> list[Flaw]:
    return read_backend(read_sections("b.yaml", text), NEWEST, ()).flaws


def test_of_unknown_keys_those_that_are_reported_are_guessed() -> None:
    def meant(unknown: int) -> tuple[str, ...]:
        keys = "".join(f"{number}: x\n" for number in range(unknown))
        found = flaws(f"cpp_namespace: x\n{keys}backnd: XLA\n")
        assert [flaw.code for flaw in found[: unknown + 1]] == ["DL703"] * (unknown + 1)
        return found[unknown].meant

    assert meant(MAX_MISTAKES - 1) == ("backend",)
    assert meant(MAX_MISTAKES) == ()


def test_of_the_sections_of_a_file_that_only_declares_the_first_are_guessed() -> None:
    def advice(unknown: int) -> str:
        keys = "".join(f"q{number}: x\n" for number in range(unknown))
        (found,) = flaws(f"custom: []\n{keys}officail: []\n")
        return found.help

    other = "give it with --native-functions"
    assert advice(48) == f"did you mean `official`? Or {other}"
    assert advice(49) == other


def test_advice_is_given_as_often_as_mistakes_are_reported() -> None:
    natives = (Text("native_functions.yaml", "- func: sand(Tensor self) -> Tensor\n"),)
    texts = Texts(Text("derivatives.yaml", "[]\n"), natives, Text("tags.yaml", "[]\n"))
    declared = Declared(load_texts(texts, NEWEST).load.natives)
    given = [declared.advice("sand()") for _ in range(MAX_MISTAKES + 1)]
    assert given == [("", ("sand",))] * MAX_MISTAKES + [("", ())]
