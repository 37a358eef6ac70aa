"""What `derivload verify` says of documents that differ."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from derivload import cli
from derivload.commands.verify.documents import differing_documents
from derivload.engine.lines import DocumentLines
from support.documents import ours


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> DocumentLines:
    """The lines of the shipped catalogue's documents."""
    folder = tmp_path_factory.mktemp("documents")
    assert cli.main(["emit", "--catalogue", "--out-dir", str(folder), "--no-cache", "--quiet"]) == 0
    return ours(folder)


def edited(records: list[bytes], old: bytes, new: bytes) -> list[bytes]:
    """The records with another text in the first that has it."""
    at = next(i for i, record in enumerate(records) if old in record)
    return [*records[:at], records[at].replace(old, new, 1), *records[at + 1 :]]


CHANGES: dict[str, Callable[[DocumentLines], DocumentLines]] = {
    "a value": lambda d: d._replace(records=edited(d.records, b"Backward0", b"Backward7")),
    "a field": lambda d: d._replace(
        records=edited(
            d.records, b'"output_differentiability":null', b'"output_differentiability":[true]'
        )
    ),
    "a key": lambda d: d._replace(records=edited(d.records, b'"Default"', b'"AutogradCUDA"')),
    "a schema": lambda d: d._replace(functions=edited(d.functions, b"(Tensor self", b"(Tensor it")),
    "a tag": lambda d: d._replace(functions=edited(d.functions, b'"tags":[', b'"tags":["x",')),
    "a record less": lambda d: d._replace(records=d.records[1:], bases=d.bases[1:]),
    "a function twice": lambda d: d._replace(functions=[*d.functions, d.functions[0]]),
    "another order": lambda d: d._replace(functions=d.functions[::-1]),
    "a dispatch key": lambda d: d._replace(used_dispatch_keys=("X",)),
    "a release": lambda d: d._replace(torch_version="2.0"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_difference_is_told(lines: DocumentLines, change: str) -> None:
    assert differing_documents(lines, lines) == []
    other = CHANGES[change](lines)
    assert other != lines
    assert differing_documents(lines, other)
    assert differing_documents(other, lines)


def test_differences_name_the_operator_the_field_and_both_sides(lines: DocumentLines) -> None:
    def told(change: str) -> list[str]:
        return differing_documents(lines, CHANGES[change](lines))

    assert told("a release") == [
        f"torch_version: derivload has `{lines.torch_version}`, torchgen has `2.0`"
    ]
    (value,) = told("a value")
    assert value.partition(": ")[2].startswith("node: derivload has `")
    assert value.endswith("Backward7`")
    assert told("another order") == ["the same records, in another order"]
