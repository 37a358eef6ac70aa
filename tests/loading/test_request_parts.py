"""What a request says of a load: overlays, kernels of backends, and what is to be looked for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from derivload.engine.judging import Backend
from derivload.engine.operators import join_operators
from derivload.loading.errors import UsageError
from derivload.loading.operators import add_places, add_warnings, overlays_of
from derivload.loading.overlay_names import names_in_overlays
from derivload.loading.paths import Files, TreePlace
from derivload.loading.placing import placed_functions
from derivload.loading.request import Request
from derivload.loading.rules_of_tree import Rules
from derivload.loading.run import load_inputs
from derivload.loading.warnings import backend_of, encode_found, judge_found
from derivload.outputs.documents import Place, PlacedFunction, PlacedKernel
from derivload.sources.additions import Additions
from derivload.wanted import EVERYTHING

CPU = "  dispatch:\n    CPU: kernel\n"
NATIVES = f"- func: a(Tensor self, Tensor other) -> Tensor\n{CPU}- func: b(Tensor self) -> Tensor\n"
DEFINED = "- name: a(Tensor self, Tensor other) -> Tensor\n  self: grad\n"
OVERLAY = f"custom:\n- func: c(Tensor self) -> Tensor\n{CPU}"
LAID_OVER = "- name: c(Tensor self) -> Tensor\n  self: grad * slef\n"
BACKEND = "backend: XLA\ncpp_namespace: x\nsupported:\n- b\n"


def request(
    overlays: tuple[str, ...] = (),
    definitions: tuple[str, ...] = (),
    backends: tuple[str, ...] = (),
    additions: Additions | None = None,
) -> Request:
    files = Files("d", ["n", *(f"n{number}" for number, _ in enumerate(overlays))], "t", None)
    files.more_derivatives = tuple(f"d{number}" for number, _ in enumerate(definitions))
    files.backends = tuple(f"b{number}" for number, _ in enumerate(backends))
    if additions is not None:
        files.additions = additions
    texts = (DEFINED, *definitions, NATIVES, *overlays, "[]\n", *backends)
    return Request(files, [text.encode() for text in texts], with_places=True)


def test_functions_have_the_kernels_of_backends_and_whether_an_overlay_has_them() -> None:
    asked = request((OVERLAY,), (LAID_OVER,), (BACKEND,))
    assert overlays_of(asked.files) == {"d0", "n0"}
    loaded = load_inputs(asked)
    operators = join_operators(loaded.lines)
    kernels = asked.inputs.kernels()
    placed = [*placed_functions(asked, loaded.facts, kernels)]
    kernel = PlacedKernel("XLA", "b0", 4)
    assert placed[:3] == [
        PlacedFunction(
            "a(Tensor self, Tensor other) -> Tensor",
            *(Place("n", 1), Place("d", 1), False, ("CPU",), None, ()),
        ),
        PlacedFunction(
            "b(Tensor self) -> Tensor",
            *(Place("n", 4), None, False, ("CompositeImplicitAutograd", "XLA"), None, (kernel,)),
        ),
        PlacedFunction(
            "c(Tensor self) -> Tensor",
            *(Place("n0", 2), Place("d0", 1), False, ("CPU",), None, ()),
        ),
    ]
    found = add_places(operators, asked.files, placed)
    assert [(one.overload, one.dispatch_keys, one.is_from_overlay) for one in found[:3]] == [
        ("a", ("CPU",), False),
        ("b", ("CompositeImplicitAutograd", "XLA"), False),
        ("c", ("CPU",), True),
    ]
    warned = add_warnings(found, loaded.warnings(EVERYTHING))
    assert [one.warnings for one in warned[:3]] == [("DL603",), (), ("DL602",)]
    assert add_warnings(found, None) is found


def test_without_overlays_and_backends_functions_stay_as_they_are() -> None:
    operators = join_operators(load_inputs(asked := request()).lines)
    assert add_places(operators, asked.files, []) is operators
    for laid_over in (request((OVERLAY,)), request(backends=(BACKEND,))):
        loaded = load_inputs(laid_over)
        placed = [*placed_functions(laid_over, loaded.facts, laid_over.inputs.kernels())]
        joined = join_operators(loaded.lines)
        found = add_places(joined, laid_over.files, placed)
        assert found is not joined
        has_overlay = len(laid_over.files.native_functions) > 1
        assert any(one.is_from_overlay for one in found) is has_overlay


def test_the_names_that_overlays_and_backends_have() -> None:
    mine = "mine:\n- func: aten::e.f(Tensor self) -> Tensor\n- 3\n- other: x\n"
    added = Additions(sections=("custom", "mine"))
    assert names_in_overlays(request()) == set()
    assert names_in_overlays(request((OVERLAY, mine, ""), (LAID_OVER, ""), (), added)) == {
        *("c", "e.f")
    }
    assert names_in_overlays(request((mine,))) == set()
    assert names_in_overlays(request((), (LAID_OVER.replace("c(", "x::g("),), (BACKEND,))) == {
        *("g", "b")
    }


def test_what_generators_refuse_is_looked_for_in_a_tree_of_a_release_alone() -> None:
    def is_looked_for(asked: Request, *, is_of_release: bool = True, in_tree: bool = True) -> bool:
        rules = Rules("2.15", "2.15")
        rules.is_of_release = is_of_release
        asked.files.rules = rules
        asked.files.tree = TreePlace("r", "t", "a") if in_tree else None
        return asked.with_refused

    assert is_looked_for(request())
    assert not is_looked_for(request(), is_of_release=False)
    assert not is_looked_for(request(), in_tree=False)
    for other in (request((OVERLAY,)), request((), (LAID_OVER,)), request((), (), (BACKEND,))):
        assert not is_looked_for(other)
    asked = request((OVERLAY,))
    asked.with_refused = True
    assert asked.with_refused


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("# derivload: ignore[DL602]", True),
        ("# derivload:ignore", True),
        ("# derivload:\t ignore", True),
        ("# derivload:\nignore", False),
        ("# derivload: other", False),
        ("# derivload ignore", False),
        ("", False),
    ],
)
def test_comments_for_derivload_are_looked_for_in_all_files(text: str, has: bool) -> None:
    files = Files("d", ["n"], "t", None)
    for at in range(3):
        contents: list[bytes | OSError] = [b"[]", OSError("gone"), b"[]"]
        contents[at] = text.encode()
        asked = Request(files, contents)
        assert asked.has_comments is has
        assert asked.is_readable is (at == 1)


def test_places_are_found_in_files_that_are_no_plain_lists() -> None:
    plain = request(definitions=(LAID_OVER,), overlays=(OVERLAY,))
    odd = request(definitions=(LAID_OVER,), overlays=(OVERLAY,))
    odd.contents = [b"%YAML 1.1\n---\n" + odd.contents[0], *odd.contents[1:]]  # type: ignore[operator]
    found = [[*placed_functions(asked, load_inputs(asked).facts, {})] for asked in (plain, odd)]
    moved = Place("d", 3)
    assert found[1][0].definition == moved
    assert [msgspec.structs.replace(found[0][0], definition=moved), *found[0][1:]] == found[1]
    assert {one.native_function.file for one in found[1] if one.native_function} == {"n", "n0"}


def test_what_was_kept_of_warnings_is_judged_or_found_again() -> None:
    asked = request(definitions=(LAID_OVER,), overlays=(OVERLAY,))
    make_linted = load_inputs(asked).outcome.make_linted
    assert make_linted is not None
    linted = make_linted()
    kept = encode_found(linted)
    (*_, last) = linted.found
    outside = msgspec.structs.replace(last, at=2)  # there are two definitions
    before = msgspec.structs.replace(last, at=-1)
    for data in (
        *(kept, b"\xff", b"\x91\x00", b""),
        *(encode_found(linted._replace(found=[one])) for one in (outside, before)),
    ):
        judged = judge_found(asked, data, None)
        told = [(one.code, one.operator) for one in judged.shown]
        assert told == ([("DL603", "a"), ("DL602", "c")] if data else [])
    assert judge_found(asked, linted, None).shown != []
    assert judge_found(asked, None, None).shown == []


def test_only_a_torchgen_that_is_known_says_which_keys_there_are() -> None:
    for why in ("", "the test says so"):
        asked = request(additions=Additions(dispatch_keys=("Mine",)))
        asked.files.tree = TreePlace("r", "t", "a")
        asked.files.rules = Rules("source x" if why else "2.15", "2.15", why)
        if why:
            assert "Mine" in asked.inputs.dialect.dispatch_keys
        else:
            with pytest.raises(UsageError, match=r"torchgen 2\.15 has no dispatch key `Mine`"):
                _ = asked.inputs


def test_a_backend_is_named_by_what_it_adds() -> None:
    keys = request(additions=Additions(dispatch_keys=("PrivateUse1",)))
    apart = request()
    apart.files.is_defined_apart = True
    assert [backend_of(asked) for asked in (request(), keys, apart)] == [
        *(Backend(), Backend(is_named=True), Backend(is_named=True))
    ]
    assert backend_of(request(backends=(BACKEND,))) == Backend(False, frozenset(["b"]))
    read = request(backends=(BACKEND,)).inputs
    backends = read.texts.read_backends(read.dialect)
    assert backend_of(request(backends=("other",)), backends).kernels == frozenset(["b"])


def test_a_deprecated_yaml_is_read_if_there_is_one(tmp_path: Path) -> None:
    asked = request()
    assert asked.deprecated == b""
    path = tmp_path / "deprecated.yaml"
    for text in (None, b"- name: x"):
        if text is not None:
            path.write_bytes(text)
        asked = request()
        asked.files.deprecated = str(path)
        assert asked.deprecated == (text or b"")


def test_facts_are_asked_for_with_places() -> None:
    files = Files("d", ["n"], "t", None)
    for facts, places in ((False, False), (True, False), (False, True), (True, True)):
        asked = Request(files, [], 3, with_facts=facts, with_places=places)
        assert (asked.with_facts, asked.with_places) == (facts or places, places)
        assert asked.shards == 3
    assert not Request(files, []).with_facts
    # What is not given is read.
    assert all(isinstance(content, OSError) for content in Request(files).contents)


def test_the_key_of_a_request_is_of_its_rules_and_of_what_is_added() -> None:
    keys = [
        request().key,
        request(additions=Additions(override=True)).key,
        request((OVERLAY,), (LAID_OVER,)).key,
        request((), (), (BACKEND,)).key,
        request((), (), (BACKEND, BACKEND)).key,
    ]
    assert len({*keys}) == len(keys)
    assert request((OVERLAY,)).key == request().key == keys[0]
    assert all(key.startswith("newest") for key in keys)
