"""One load after the other: of nothing, of what a store has, and of what a memory has."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.diagnostics import Diagnostic
from derivload.engine.judging import Judged, Told
from derivload.loading import run
from derivload.loading.errors import InputError, UsageError
from derivload.loading.inputs import KnownTexts, choose_dialect
from derivload.loading.memory import Memory, base_of, in_order, lines_in
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.loading.run import Clock, LoadedInputs, find_loaded, load_inputs
from derivload.loading.warnings import NewWarnings, fixed_since, new_warnings
from derivload.outputs.documents import PLACES
from derivload.outputs.stamp import Record, render_stamp, stamp_name
from support.sessions import StoreInMemory
from support.warned_inputs import DOCUMENTS, NATIVES, RIGHT, TAGS, WARNED


@pytest.fixture(autouse=True)
def derivload_is_not_edited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "is_as_it_began", lambda **_: True)


def request(
    definitions: str = WARNED,
    natives: str = NATIVES,
    version: str | None = None,
    *,
    facts: bool = False,
    places: bool = False,
) -> Request:
    files = Files("d", ["n"], "t", version)
    contents = [text.encode() for text in (definitions, natives, TAGS)]
    return Request(files, contents, with_facts=facts, with_places=places)


def test_a_load_goes_as_far_as_it_must() -> None:
    store = StoreInMemory()
    assert find_loaded(request(), None) is None
    assert find_loaded(request(), store) is None
    first = load_inputs(request(), store)
    assert (first.exit, first.note, first.is_of_entries) == ("cold", "", True)
    assert first.counts["read"] == 3
    assert first.paths == ("d", "n", "t")
    again = load_inputs(request(), store)
    assert (again.exit, again.counts, again.note, again.is_of_entries) == ("stored", {}, "", True)
    commented = load_inputs(request(f"# A comment.\n{WARNED}"), store)
    assert commented.exit == "stored"
    edited = load_inputs(request(RIGHT), store)
    assert edited.exit == "incremental"
    assert edited.counts["read"] < 3
    for loaded in (first, again, commented):
        assert [name for name, *_ in loaded.documents] == DOCUMENTS
        assert [bytes(one[1]) for one in loaded.documents] == [
            bytes(one[1]) for one in first.documents
        ]
        assert loaded.documents == loaded.stored_documents
        assert loaded.lines == first.lines
        assert loaded.facts == []
    alone = load_inputs(request(RIGHT))
    assert alone.exit == "cold"
    assert alone.lines == edited.lines != first.lines
    found = find_loaded(request(RIGHT), store)
    assert found is not None and found.exit == "stored"
    assert find_loaded(Request(Files("d", ["n"], "t", None), [b"", OSError(), b""]), store) is None


def test_facts_and_places_are_the_same_whatever_was_loaded() -> None:
    store, memory = StoreInMemory(), Memory()
    for places in (False, True):

        def asked(places: bool = places) -> Request:
            return request(facts=not places, places=places)

        alone = load_inputs(asked())
        assert len(alone.facts) == len(alone.lines.functions)
        assert b'"dispatch_keys":["CPU"]' in alone.facts[0]
        others = [load_inputs(asked(), store) for _ in range(2)]
        others += [load_inputs(asked(), memory=memory) for _ in range(2)]
        for other in others:
            assert (other.facts, other.lines) == (alone.facts, alone.lines)
            assert (PLACES in [name for name, *_ in other.documents]) == places
            assert [(name, bytes(data)) for name, data, *_ in other.documents] == [
                (name, bytes(data)) for name, data, *_ in alone.documents
            ]
            assert [name for name, *_ in other.stored_documents] == DOCUMENTS


def test_the_facts_of_what_an_edit_did_not_touch_come_from_the_store() -> None:
    store = StoreInMemory()
    load_inputs(request(facts=True), store)
    edited = load_inputs(request(RIGHT, facts=True), store)
    assert edited.exit == "incremental"
    assert edited.facts == load_inputs(request(RIGHT, facts=True)).facts
    memory = Memory()
    mistaken = load_inputs(
        request(WARNED.replace("gild", "none"), facts=True), memory=memory, with_mistakes=True
    )
    assert mistaken.outcome.diagnostics
    assert (
        load_inputs(request(facts=True), memory=memory).facts
        == load_inputs(request(facts=True)).facts
    )
    # Without facts, there is nothing for a load with facts.
    store = StoreInMemory()
    load_inputs(request(), store)
    assert load_inputs(request(facts=True), store).exit == "cold"


def test_a_memory_keeps_nothing_in_a_store_and_reads_it_once() -> None:
    store = StoreInMemory()
    memory = Memory(store)
    assert load_inputs(request(), memory=memory).exit == "cold"
    assert store.values == {}
    assert load_inputs(request(), memory=memory).exit == "incremental"
    load_inputs(request(), store)
    kept = {**store.values}
    fresh = Memory(store)
    loaded = load_inputs(request(RIGHT), memory=fresh)
    assert loaded.exit == "incremental"
    assert loaded.lines == load_inputs(request(RIGHT)).lines
    # Other rules begin anew.
    other = load_inputs(request(RIGHT, version="2.9"), memory=fresh)
    assert (other.exit, other.lines.torch_version) == ("cold", "2.9")
    assert store.values == kept


def test_nothing_is_kept_after_an_edit_of_derivload(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def is_edited(*, is_alone: bool) -> bool:
        asked.append(is_alone)
        return False

    monkeypatch.setattr(run, "is_as_it_began", is_edited)
    store = StoreInMemory()
    assert load_inputs(request(), store).exit == "cold"
    assert store.values == {}
    assert asked == [True]
    monkeypatch.setattr(run, "is_as_it_began", lambda **_: True)
    load_inputs(request(), store)
    assert load_inputs(request(), store).exit == "stored"  # without the state


def test_mistakes_end_a_load_or_are_its_result() -> None:
    store = StoreInMemory()
    mistaken = WARNED.replace("gild", "gild_")
    for kept in (None, store):
        with pytest.raises(InputError) as raised:
            load_inputs(request(mistaken), kept)
        assert [one.code for one in raised.value.diagnostics] == ["DL405"]
        loaded = load_inputs(request(mistaken), kept, with_mistakes=True)
        assert loaded.outcome.diagnostics == [*raised.value.diagnostics]
    assert store.values == {}
    files = Files("d", ["n"], "t", None)
    unread = Request(files, [OSError(errno.ENOENT, "gone"), NATIVES.encode(), b"[]"])
    for kept in (None, store):
        found = load_inputs(unread, kept, with_mistakes=True).outcome.diagnostics
        assert [(one.file, one.line, one.code) for one in found] == [("d", 0, "DL001")]


def test_warnings_are_the_same_from_a_store(tmp_path: Path) -> None:
    store = StoreInMemory()
    loads = [load_inputs(request(), kept) for kept in (None, store, store)]
    assert loads[-1].exit == "stored"
    for loaded in loads:
        judged = loaded.warnings()
        assert judged is not None
        assert [(told.code, told.operator) for told in judged.shown] == [("DL602", "gild")]
        new = loaded.new_warnings(None, None)
        assert new is not None and (new.new, new.others, len(new.ids)) == (1, 0, 1)
        stamp = Record(b"", inputs=[], absent=[], outputs=[], beside=[], note="", shown=new.ids)
        (tmp_path / stamp_name()).write_bytes(render_stamp(["emit"], stamp))
        again = loaded.new_warnings(None, str(tmp_path))
        assert again == NewWarnings((), 0, 1, new.ids)
    for kept in (None, store, store):
        right = load_inputs(request(RIGHT), kept)
        assert right.warnings() is None
        assert right.new_warnings(None, None) is None
    # A comment may be one that ignores nothing.
    for kept in (None, store, store):
        judged = load_inputs(request(f"{RIGHT}# derivload: ignore[DL602]\n"), kept).warnings()
        assert judged is not None
        assert [told.code for told in judged.shown] == ["DL608"]


def test_what_was_found_is_alone_if_nothing_else_speaks_for_it() -> None:
    memory = Memory()

    def again() -> LoadedInputs:
        return load_inputs(request(), memory=memory)

    again()  # the next load has looked for comments
    loaded = again()
    assert loaded.found_alone is not None
    found, called = loaded.found_alone
    assert [one.operator for one in found] == ["gild"]
    assert called in ([], [False])
    store = StoreInMemory()
    load_inputs(request(), store)
    assert load_inputs(request(), store).found_alone is None
    for field, value in (("more_derivatives", ("m",)), ("backends", ("b",))):
        laid_over = again()
        setattr(laid_over._request.files, field, value)
        assert laid_over.found_alone is None
    laid_over = again()
    laid_over._request.files.native_functions += ("o",)
    assert laid_over.found_alone is None


def test_steps_are_clocked() -> None:
    for kept, steps in (
        (None, ["import", "load", "render", "places"]),
        (
            StoreInMemory(),
            ["find", "import", "restore", "load", "render", "state", "keep", "places"],
        ),
    ):
        clock = Clock()
        loaded = load_inputs(request(places=True), kept, clock=clock)
        assert loaded.documents
        assert [*clock.seconds] == steps
        assert all(seconds >= 0 for seconds in clock.seconds.values())


# Texts and the release


def test_a_text_that_has_not_changed_is_the_same_object() -> None:
    known, found = KnownTexts(), list[Diagnostic]()
    text = known.decode("a", b"one\r\ntwo", found)
    assert text.text == "one\ntwo"
    assert known.decode("a", b"one\r\ntwo", found) is text
    assert known.decode("b", b"one\r\ntwo", found) is not text
    assert known.decode("a", b"two", found).text == "two"
    content = b"three"
    known.note("a", content, "three")
    noted = known.decode("a", b"three", found)
    known.note("a", content, "other")
    assert known.decode("a", content, found) is noted
    for data, odd in ((b"\xc3\xa9", "x"), (b"a\r", "a\r")):
        known.note("a", data, odd if "\r" in odd else "é")
        assert known.decode("a", data, found).text in ("é", "a\n")
    assert found == []


@pytest.mark.parametrize(
    ("content", "place", "code", "message"),
    [
        (OSError(errno.EACCES, "no"), (0, 0), "DL001", "cannot read this file: no"),
        (OSError("why"), (0, 0), "DL001", "cannot read this file: why"),
        (OSError(errno.EFBIG, "large"), (0, 0), "DL010", "cannot read this file: large"),
        (b"a\nb\xff", (2, 2), "DL002", "the byte 0xff is no UTF-8"),
        ("é".encode() + b"\x0a\xc3\xa9\xc3(", (2, 2), "DL002", "the byte 0xc3 is no UTF-8"),
        (b"\x80", (1, 1), "DL002", "the byte 0x80 is no UTF-8"),
    ],
)
def test_what_is_no_text_is_told(
    content: bytes | OSError, place: tuple[int, int], code: str, message: str
) -> None:
    for _ in range(2):
        known, found = KnownTexts(), list[Diagnostic]()
        for _ in range(2):
            assert known.decode("a", content, found).text == ""
        assert found == [Diagnostic("a", *place, code, message)] * 2


def test_a_file_that_may_be_meant_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("derivatives.yaml").touch()
    found: list[Diagnostic] = []
    for number in (errno.ENOENT, errno.EACCES):
        KnownTexts().decode("derivativs.yaml", OSError(number, "no"), found)
    assert [one.help for one in found] == ["did you mean `derivatives.yaml`?", ""]


def test_the_release_is_the_nearest_one() -> None:
    assert choose_dialect(None) == (NEWEST, "")
    assert choose_dialect("2.9.1")[0].version == "2.9"
    assert choose_dialect("2.9.1")[1] == ""
    dialect, note = choose_dialect("2.99.3")
    assert dialect is NEWEST
    assert note == f"torch 2.99 is newer than derivload knows; following {NEWEST.version}"
    for version in ("1.13", "x"):
        with pytest.raises(UsageError):
            choose_dialect(version)


# Lines


def test_lines_are_read_from_documents_and_shards() -> None:
    loaded = load_inputs(request())
    whole = {name: bytes(data) for name, data, *_ in loaded.documents}
    assert lines_in(whole) == loaded.lines
    shards = Memory().render(loaded.lines, 2)
    read = lines_in({one.name: bytes(one.data) for one in shards})
    assert read._replace(records=sorted(read.records), bases=sorted(read.bases)) == loaded.lines
    assert in_order({"a": b"x"}, ["a"]) == [b"x"]
    (unknown,) = in_order({}, ["b() -> ()"])
    assert unknown.startswith(b'{"schema":"b() -> ()",')
    assert [base_of(text) for text in ("add_.out(Tensor a)", "x::__iadd__", "f")] == [
        *("add", "add", "f")
    ]


# New warnings


def told(id_: str, line: int = 1, operator: str = "f", file: str = "d") -> Told:
    def place() -> Diagnostic:
        return Diagnostic(file, line, 1, "DL602", f"of {id_}")

    return Told(id_, ("DL602", id_), "DL602", operator, file, place)


def test_new_warnings_are_those_that_were_not_shown() -> None:
    assert new_warnings(None, ()) == new_warnings(Judged([], []), ()) == NewWarnings()
    judged = Judged([told("b", 2), told("a", 1), told("c", 3, file="c"), told("a", 1)], [])
    new = new_warnings(judged, {"b"})
    assert [one.message for one in new.diagnostics] == ["of c", "of a"]
    assert (new.new, new.others, new.ids) == (3, 1, ("b", "a", "c"))
    many = new_warnings(Judged([told(f"{n:02}", n) for n in range(40, 0, -1)], []), ())
    assert [one.line for one in many.diagnostics] == [*range(1, 21)]
    assert (many.new, many.others, len(many.ids)) == (40, 0, 40)


@pytest.mark.parametrize(
    ("before", "now", "fixed"),
    [
        (None, None, ()),
        ([], ["a"], ()),
        (["a", "b", "a"], ["b"], ("DL602 of `f`",)),
        (["a"], None, ("DL602 of `f`",)),
    ],
)
def test_warnings_that_are_gone_are_named(
    before: list[str] | None, now: list[str] | None, fixed: tuple[str, ...]
) -> None:
    def judged(ids: list[str] | None) -> Judged | None:
        return None if ids is None else Judged([told(id_) for id_ in ids], [])

    assert fixed_since(judged(before), judged(now)) == fixed
    assert fixed_since(Judged([told("a", operator="")], []), None) == ("DL602",)
