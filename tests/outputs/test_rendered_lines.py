"""Documents from lines and back, and what of the last one is used again."""

from __future__ import annotations

import json

from derivload.outputs.documents import (
    Place,
    PlacedFunction,
    PlacedKernel,
    Renderer,
    read_lines,
    shard_of,
)
from derivload.outputs.pieces import pieces_of


def _records(count: int, name: str = "f") -> list[bytes]:
    return [b'{"schema":"%s%d() -> ()"}' % (name.encode(), number) for number in range(count)]


def test_the_lines_of_a_document_are_its_records() -> None:
    for functions, generated in ((0, 0), (1, 0), (0, 1), (1, 1), (3, 2), (200, 70)):
        lines, more = _records(functions), _records(generated, "g")
        rendered = Renderer().functions("2.15", lines, more)
        assert read_lines(bytes(rendered.data)) == [*lines, *more]
    (shard, *_) = Renderer().differentiability("2.15", ["A"], _records(3), ["x"] * 3, None)
    assert read_lines(bytes(shard.data)) == _records(3)


def test_places_have_a_line_for_each_function() -> None:
    kernel = PlacedKernel("XLA", "b.yaml", 4)
    placed = [
        PlacedFunction("a() -> ()", None, Place("d.yaml", 3), True, (), "b", ()),
        PlacedFunction("b() -> ()", Place("n.yaml", 1), None, False, ("CPU",), None, (kernel,)),
    ]
    rendered = Renderer().places("2.15", placed)
    assert (rendered.name, rendered.functions) == ("places.json", 2)
    document = json.loads(bytes(rendered.data))
    assert [document.pop(key) for key in ("format", "version", "torch_version")] == [
        *("derivload.places", 1, "2.15")
    ]
    first, second = document.pop("functions")
    assert document == {}
    assert first["native_function"] is None
    assert first["definition"] == {"file": "d.yaml", "line": 3}
    assert second["backend_kernels"] == [{"dispatch_key": "XLA", "file": "b.yaml", "line": 4}]


def test_what_did_not_change_is_not_joined_again() -> None:
    series, lines = Renderer(), _records(1000)
    before = pieces_of(series.functions("2.15", [*lines], []).data)
    lines[500] = b'{"schema":"other() -> ()"}'
    after = pieces_of(series.functions("2.15", [*lines], []).data)
    # The first piece is the head, the last one the end.
    blocks = [*zip(before, after, strict=True)][1:-1]
    assert len(blocks) > 10
    (changed,) = [(old, new) for old, new in blocks if old is not new]
    assert changed[1] == changed[0].replace(b"f500()", b"other()")


def test_the_shard_of_a_name_is_always_the_same() -> None:
    assert [shard_of(name, 7) for name in ("add", "mul", "_foreach_add")] == [2, 3, 5]
    assert shard_of("add", 1) == 0
