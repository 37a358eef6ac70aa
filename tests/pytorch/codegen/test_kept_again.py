"""What an update has found is used by the next one, and what changed is seen."""

from __future__ import annotations

from derivload.loading.memory import ReadLines
from derivload.pytorch.codegen.kept import Deprecated, Families, FamilyDigests, KeptEntry

FAMILIES = Families(["gild", "smelt"])
ROWS = [KeptEntry(b"", b"one", "gild", ""), KeptEntry(b"", b"two", "smelt", "")]
RECORDS = [("gild", b"line")]
OLD = Deprecated(b"", {"smelt": [("a", "b")]})


def test_digests_after_others_are_those_of_a_new_run() -> None:
    digests = FamilyDigests()
    for rows, records, old in (
        (ROWS, RECORDS, OLD),
        (ROWS, RECORDS, OLD),
        (ROWS[:1], RECORDS, Deprecated(b"", {})),
        (ROWS, [("gild", b"other")], OLD),
        (ROWS, [("smelt", b"line")], OLD),
        ([], RECORDS, OLD),
        (ROWS, [], Deprecated(b"", {"smelt": [("a", "c")]})),
        (ROWS[::-1], RECORDS, OLD),
    ):
        found = digests.of(FAMILIES, rows, records, old)
        assert found == FamilyDigests().of(FAMILIES, rows, records, old)


def test_what_is_the_same_is_not_hashed_or_read_again() -> None:
    digests, read = FamilyDigests(), ReadLines()
    first = digests.of(FAMILIES, ROWS, RECORDS, OLD)
    again = digests.of(FAMILIES, ROWS, [("gild", b"other")], OLD)
    assert again["smelt"] is first["smelt"]
    assert again["gild"] != first["gild"]
    same = line("same()")
    schema, _ = read.schemas([same, line("one()")])
    assert read.schemas([same, line("two()")])[0] is schema


def line(schema: str) -> bytes:
    return b'{"schema":"%b","more":1}' % schema.encode()


def test_schemas_after_others_are_those_of_the_lines() -> None:
    read = ReadLines()
    one, two, three = line("one()"), line("two()"), line("three()")
    for lines in ([one, two], [one, two], [one, three], [two, one], [one], [one, three, two], []):
        assert read.schemas(lines) == [each.split(b'"')[3].decode() for each in lines]
