"""How files become one list: which entry takes the place of which, and what is no overlay."""

from __future__ import annotations

import pytest

from derivload.diagnostics import Diagnostic
from derivload.engine.overlays import (
    Laid,
    Replaced,
    join_entries,
    lay_over,
    name_in_text,
    name_of,
    names_a_kernel,
    without_kernels,
)
from derivload.sources.additions import DECLARING
from derivload.sources.entries import Mapping, SourceFile, read_source


def laid(*files: str, override: bool = True) -> tuple[str, list[str]]:
    """The entries in order, as file and position, and which of them took whose place.

    A letter is the name of an entry, and `-` an entry without one.
    """
    names = [["" if letter == "-" else letter for letter in file] for file in files]
    made = lay_over(names, override=override)
    assert isinstance(made, Laid)
    order = " ".join(f"{place.file}{place.entry}" for place in made.order)
    pairs = [f"{old.file}{old.entry}>{new.file}{new.entry}" for old, new in made.replaced]
    return order, pairs


@pytest.mark.parametrize(
    ("files", "order", "replaced"),
    [
        (["ab"], "00 01", []),
        (["ab", "cd"], "00 01 10 11", []),
        (["abc", "b"], "00 10 02", ["01>10"]),
        (["abc", "db"], "00 11 02 10", ["01>11"]),
        # Of one file, none takes the place of another.
        (["aab"], "00 01 02", []),
        (["a", "aa"], "10 11", ["00>10"]),
        # One takes the place of all that stand so far, where the first stood.
        (["aba", "a"], "10 01", ["00>10", "02>10"]),
        (["a", "aa", "a"], "20", ["00>10", "10>20", "11>20"]),
        (["ab", "a", "a"], "20 01", ["00>10", "10>20"]),
        (["a", "b", "ab"], "20 21", ["00>20", "10>21"]),
        # Without a name it takes nobody's.
        (["-a", "-"], "00 01 10", []),
        ([], "", []),
        (["", "a"], "10", []),
    ],
)
def test_which_entry_takes_the_place_of_which(
    files: list[str], order: str, replaced: list[str]
) -> None:
    assert laid(*files) == (order, replaced)


def test_without_override_none_takes_the_place_of_another() -> None:
    assert laid("ab", "b", "a", override=False) == ("00 01 10 20", [])


@pytest.mark.parametrize(
    ("text", "key", "name"),
    [
        ("func: f(Tensor self) -> Tensor", "func", "f"),
        ("func: f.out(Tensor self)\n  tags: x", "func", "f.out"),
        ("name: f_(", "name", "f_"),
        ("func: aten::f.x(", "func", "f.x"),
        ("func: mine::f(", "func", "mine::f"),
        ("func: a::b::f(", "func", None),
        ("func: f.x.y(", "func", None),
        ("func: 'f(Tensor self)'", "func", None),
        ("func:  f(", "func", None),
        ("func: f", "func", None),
        ("tags: x\n  func: f(", "func", None),
        ("name: f(", "func", None),
        ("func: f(", "name", None),
    ],
)
def test_the_name_in_the_text_of_an_entry(text: str, key: str, name: str | None) -> None:
    assert name_in_text(text, key) == name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"func": "f(Tensor self) -> Tensor"}, "f"),
        ({"func": " aten::f.out (Tensor self)"}, "f.out"),
        ({"func": "mine::f"}, "mine::f"),
        ({"func": ["f()"]}, ""),
        ({"func": None}, ""),
        ({"name": "f()"}, ""),
    ],
)
def test_the_name_in_the_value_of_an_entry(value: Mapping, name: str) -> None:
    assert name_of(value, "func") == name


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ({"func": "f"}, True),
        ({"func": " f.out "}, True),
        ({"op": "mine::f_.x"}, True),
        ({"func": "f()", "op": "f"}, False),
        ({"func": "f", "op": "f()"}, True),
        ({"func": "f.x.y"}, False),
        ({"func": "f g"}, False),
        ({"func": ""}, False),
        ({"func": ["f"]}, False),
        ({"name": "f"}, False),
        ({}, False),
    ],
)
def test_which_entry_names_a_kernel(value: Mapping, is_one: bool) -> None:
    assert names_a_kernel(value) == is_one


BASE = "- func: f() -> int\n- func: g() -> int\n- func: f() -> int\n"
OVERLAY = "- func: h() -> int\n- func: aten::f(int a) -> int\n"


def test_entries_of_files_are_joined() -> None:
    files = [read_source("base", BASE).entries, read_source("more", OVERLAY).entries]
    (f, g, f2), (h, new) = files
    assert join_entries(files, "func", override=False) == ([f, g, f2, h, new], [])
    assert join_entries(files, "func", override=True) == (
        [new, g, h],
        [Replaced("f", f.entry, new.entry), Replaced("f", f2.entry, new.entry)],
    )
    assert join_entries(files, "name", override=True) == ([f, g, f2, h, new], [])


# ------------------------------------------------------------------- files that are no overlays


def read(text: str) -> tuple[SourceFile, SourceFile]:
    """A file as it is read, and as an overlay."""
    source = read_source("more.yaml", text, DECLARING)
    return source, without_kernels(source)


ADVICE = "give it with --backend-yaml; an overlay declares operators, each with its schema"


def refused(line: int, message: str, source_line: str) -> list[Diagnostic]:
    return [
        Diagnostic(
            "more.yaml",
            line,
            1,
            "DL011",
            message,
            ADVICE,
            source_line,
            len(source_line),
        )
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("- func: f\n- func: g\n", 1, "2 entries have no schema in `func`: this file registers"),
        (
            "- func: h() -> int\n- func: f\n- op: g.out\n",
            2,
            "2 entries have no schema in `func`: this file registers kernels",
        ),
        (
            "# XPU\nbackend: XPU\ncpp_namespace: x\nsupported:\n- f\n",
            2,
            "`backend:` tells that this file says which kernels a backend registers",
        ),
        (
            "other: 1\nsupported:\n- f\n",
            2,
            "`supported:` tells that this file says which kernels a backend registers",
        ),
        (
            "backends: 1\nother:\n  backend: 1\n'backend' : XPU\n",
            4,
            "`backend:` tells that this file says which kernels a backend registers",
        ),
        (
            "{other: 1, supported: [f]}\n",
            1,
            "`supported:` tells that this file says which kernels a backend registers",
        ),
    ],
)
def test_a_file_that_registers_kernels_is_no_overlay(text: str, line: int, message: str) -> None:
    _, made = read(text)
    (found,) = made.diagnostics
    assert found.message.startswith(message)
    assert [found] == refused(line, found.message, text.split("\n")[line - 1])
    assert (made.entries, made.lost, made.passed_over) == ([], (None,), ())
    assert (made.name, made.text) == ("more.yaml", text)


@pytest.mark.parametrize(
    "text",
    [
        "- func: f() -> int\n",
        # One alone may be a schema that somebody has begun, and a few of many too.
        "- func: f\n",
        "- func: f\n- func: f() -> int\n",
        "- func: f\n- func: g\n- func: f() -> int\n- func: g() -> int\n",
        "custom:\n- func: f() -> int\nother:\n- func: g() -> int\n",
        "- func: [\n",
    ],
)
def test_what_may_be_an_overlay_is_left_as_it_is(text: str) -> None:
    source, made = read(text)
    assert made == source


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (
            "mine:\n- func: f() -> int\nyours:\n- func: g() -> int\n",
            "name the sections that declare operators with --section: it has mine, yours",
        ),
        (
            "mine:\n- func: f() -> int\ncustm:\n- func: g() -> int\nbackend: XPU\n",
            (
                "did you mean `custom`? Name the sections that declare operators with --section: "
                "it has mine, custm, backend"
            ),
        ),
    ],
)
def test_a_mapping_without_a_section_that_declares_is_advised(text: str, advice: str) -> None:
    source, made = read(text)
    assert source.passed_over
    assert [found.help for found in made.diagnostics] == [advice]
    assert made.passed_over == ()
    assert [(f.code, f.message) for f in made.diagnostics] == [
        (f.code, f.message) for f in source.diagnostics
    ]
