"""What follows from edited templates, on a state of a few files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from derivload.pytorch.codegen.capture import Output
from derivload.pytorch.codegen.kept import Deprecated, Kept, KeptOutput
from derivload.pytorch.codegen.templates import Templates


def output(name: str, template: str = "", **more: Any) -> Output:
    made = Output(name, template or f"./{name}.in", False, {}, "", 0, ())
    return msgspec.structs.replace(made, **more)


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    for name in ("a.h", "b.h", "c.h"):
        (tmp_path / f"{name}.in").write_text("${ops} $name", "utf-8")
    (tmp_path / "bad.h.in").write_bytes(b"\xff")
    names = ("a.h", "b.h", "c.h", "bad.h", "gone.h")
    digests = {str(tmp_path / f"{name}.in"): f"of {name}" for name in names}
    job = SimpleNamespace(
        upstream=SimpleNamespace(root=str(tmp_path)), sources=SimpleNamespace(by_template=digests)
    )
    return Templates(job)  # type: ignore[arg-type]


def kept(*outputs: KeptOutput) -> Kept:
    return Kept([], Deprecated(b"", {}), {}, {}, b"", b"", b"", [*outputs])


def one(output: Output, template: str) -> KeptOutput:
    return KeptOutput(output, {}, b"", {output.name: "sha", f"2{output.name}": "sha2"}, template)


def files(state: Kept | None) -> list[tuple[str, dict[str, str]]]:
    assert state is not None
    return [(each.template, each.files) for each in state.outputs]


def test_where_templates_are(templates: Templates, tmp_path: Path) -> None:
    assert templates.path_for(output("a.h")) == str(tmp_path / "a.h.in")
    assert templates.path_for(output("x", "/x.in")) == "/x.in"
    assert templates.digest_for(output("a.h")) == "of a.h"
    assert templates.digest_for(output("x", "/x.in")) == ""
    assert templates.digest_for(output("a.h", is_made=True)) == ""


def test_only_files_of_an_edited_template_are_rendered(templates: Templates) -> None:
    same = kept(one(output("a.h"), "of a.h"), one(output("b.h"), "of b.h"))
    assert templates.follow(same) is same
    edited = templates.follow(kept(one(output("a.h"), "old"), one(output("b.h"), "of b.h")))
    assert files(edited) == [
        ("of a.h", {"a.h": "", "2a.h": ""}),
        ("of b.h", {"b.h": "sha", "2b.h": "sha2"}),
    ]


def test_files_of_which_an_output_is_the_template_are_rendered_too(templates: Templates) -> None:
    state = kept(
        one(output("a.h"), "old"),
        one(output("of_a.h", "a.h", is_made=True), ""),
        one(output("of_b.h", "b.h", is_made=True), ""),
        one(output("named.h", "a.h"), ""),
    )
    assert [[*f.values()] for _, f in files(templates.follow(state))] == [
        ["", ""],
        ["", ""],
        ["sha", "sha2"],
        ["sha", "sha2"],
    ]


@pytest.mark.parametrize(
    ("name", "lists", "keys", "is_enough"),
    [
        ("a.h", (), (), True),
        ("a.h", ("ops",), ("ops",), True),
        ("a.h", ("name", "ops", "other"), ("name", "ops"), True),
        ("a.h", ("ops", "other"), ("other",), False),
        ("a.h", ("name", "ops"), ("ops",), False),
        ("a.h", ("ops",), (), False),
        ("bad.h", (), (), False),
        ("gone.h", (), (), False),
    ],
)
def test_other_pieces_have_everything_generated(
    templates: Templates, name: str, lists: tuple[str, ...], keys: tuple[str, ...], is_enough: bool
) -> None:
    state = kept(one(output(name, lists=lists, keys=keys), "old"), one(output("b.h"), "of b.h"))
    assert (templates.follow(state) is not None) is is_enough
    both = kept(one(output("a.h"), "old"), *state.outputs)
    assert (templates.follow(both) is not None) is is_enough
