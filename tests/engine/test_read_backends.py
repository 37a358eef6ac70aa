"""The files of backends, read: what they register, what is wrong with them, and their digest."""

from __future__ import annotations

import hashlib

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.engine.backends import Backends, Kernel, digest_of
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.native.function import NativeFunction
from derivload.sources.additions import DECLARING

TORCHGENS = "backend: XLA\ncpp_namespace: x\nsupported:\n- f\n- g.x\n- f\nautograd:\n- h\n"
OWN = "backend: NPU\nquant:\n- {func: f, tags: [a]}\nofficial:\n- g.x\nsparse:\n- nothing\n"


def backends(*texts: str, is_some_lost: bool = False) -> Backends:
    named = [(f"b{i}", text) for i, text in enumerate(texts)]
    return Backends(named, DECLARING, NEWEST, is_some_lost=is_some_lost)


def functions() -> list[NativeFunction]:
    natives = "".join(
        f"- func: {name}(Tensor self{more}) -> Tensor\n  dispatch:\n    CPU: k\n"
        for name, more in (("f", ""), ("g", ""), ("g.x", ", int n"), ("h", ""))
    )
    definitions = Text("d", "- name: f(Tensor self) -> Tensor\n  self: grad\n")
    tags = Text("t", "- tag: core\n  desc: x\n")
    return load_texts(Texts(definitions, (Text("n", natives),), tags), NEWEST).load.natives


def test_each_kernel_is_known_with_the_first_file_that_registers_it() -> None:
    made = backends(TORCHGENS, TORCHGENS.replace("- f\n", "- i\n", 1), "backend: XPU\n")
    assert made.kernels() == {
        "f": [Kernel("XLA", "b0", 4)],
        "g.x": [Kernel("XLA", "b0", 5)],
        "h": [Kernel("AutogradXLA", "b0", 8)],
        "i": [Kernel("XLA", "b1", 4)],
    }
    both = backends(TORCHGENS, TORCHGENS.replace("XLA", "MTIA"))
    assert both.kernels()["f"] == [Kernel("XLA", "b0", 4), Kernel("MTIA", "b1", 4)]
    assert backends().kernels() == {}


def test_a_file_that_names_no_backend_registers_nothing_that_is_known() -> None:
    assert backends("supported:\n- f\n").kernels() == {}


@pytest.mark.parametrize(
    ("texts", "is_whole"),
    [
        ((), True),
        ((TORCHGENS,), True),
        ((OWN,), True),
        ((TORCHGENS, "backend: ["), False),
        ((TORCHGENS, "backend: XLA\nsuported:\n- f\n"), False),
    ],
)
def test_whether_all_is_known_that_is_registered(texts: tuple[str, ...], is_whole: bool) -> None:
    assert backends(*texts).is_whole == is_whole
    assert not backends(*texts, is_some_lost=True).is_whole


def test_which_files_torchgen_reads() -> None:
    made = backends(TORCHGENS, OWN, "backend: [")
    assert made.in_torchgens_form == [("b0", TORCHGENS), ("b2", "backend: [")]
    assert made.mistakes_of_own_forms() == []
    wrong = OWN.replace("{func: f, tags: [a]}", "{fnuc: f}")
    found = backends(TORCHGENS.replace("supported", "suported"), wrong).mistakes_of_own_forms()
    assert [(one.file, one.line, one.is_error) for one in found] == [("b1", 3, True)]
    both = backends(wrong, wrong).mistakes_of_own_forms()
    assert [one.file for one in both] == ["b0", "b1"]
    assert backends(TORCHGENS).mistakes_of_own_forms() == []


def test_what_is_checked_is_sorted_and_warnings_are_numbered() -> None:
    made = backends(TORCHGENS, TORCHGENS.replace("- g.x\n", "- nothing\n"), "backend: [")
    found = made.check(functions(), lambda _: False)
    assert [(one.file, one.line, one.code) for one in found] == [
        *(("b0", 6, "DL621"), ("b1", 5, "DL707"), ("b1", 6, "DL621")),
        ("b2", found[-1].line, found[-1].code),
    ]
    assert [(at, one.line) for at, one in made.numbered(found)] == [(0, 6), (1, 6)]
    # A function that may be lost is not missed.
    lost = made.check(functions(), lambda name: name == "nothing")
    assert [one.code for one in lost if one.file == "b1"] == ["DL621"]
    assert backends().check(functions(), lambda _: False) == []


def test_sections_that_are_not_read_are_those_of_all_files() -> None:
    assert backends(TORCHGENS).passed_over == []
    made = backends(TORCHGENS, f"{OWN}later: []\n", f"{OWN}more: []\n").passed_over
    assert made == [
        *backends(f"{OWN}later: []\n").passed_over,
        *backends(f"{OWN}more: []\n").passed_over,
    ]


def test_a_file_that_could_not_be_read_is_lost() -> None:
    texts = Texts(
        Text("d", ""),
        (),
        Text("t", ""),
        frozenset({"b1"}),
        backends=(Text("b0", TORCHGENS), Text("b1", "")),
    )
    made = texts.read_backends(NEWEST)
    assert [*made.kernels()] == ["f", "g.x", "h"]
    assert not made.is_whole
    assert texts._replace(unread=frozenset()).read_backends(NEWEST).is_whole is False
    assert texts._replace(backends=texts.backends[:1]).read_backends(NEWEST).is_whole


def test_the_digest_is_of_all_texts_functions_and_tags() -> None:
    made = digest_of([("name", "é"), ("other", "bc")], [b"one", b"two"], ["tag"])
    wanted = hashlib.sha256(b"2 \xc3\xa9" + b"2 bc" + b"3 tag" + b"one" + b"two").digest()
    assert made == wanted
    # Names make no difference, but a text that is no Unicode is one too.
    assert digest_of([("x", "é"), ("y", "bc")], [b"one", b"two"], ["tag"]) == made
    assert digest_of([("x", "\ud800")], [], []) != digest_of([], [], [])
