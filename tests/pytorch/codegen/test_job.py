"""What a job's digests depend on, and the summary of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from derivload.loading.trace import NOTHING, Trace
from derivload.pytorch.codegen.job import (
    HEAD,
    Head,
    Job,
    contents_in,
    find_head,
    is_inside,
    named,
)
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Upstream

SHA = "0123456789abcdef" * 4


class Sources:
    """As those of a tree, without one."""

    digest, templates, traced = b"source", b"templates", b"traced"

    def __init__(self) -> None:
        self.looked: list[Trace] = []

    def look(self, upstream: Upstream, trace: Trace) -> None:
        self.looked.append(trace)


class Stored(dict[bytes, bytes]):
    """A store in memory, with a remote cache."""

    put = dict.__setitem__

    def __init__(self) -> None:
        super().__init__()
        self.remote: dict[bytes, dict[bytes, bytes]] = {}

    def pull(self, key: bytes) -> dict[bytes, bytes] | None:
        return self.remote.get(key)

    def push(self, key: bytes, values: dict[bytes, bytes]) -> None:
        self.remote[key] = values


def job(**changed: Any) -> Job:
    plain: Any = Job(Upstream("/r", "p", "/r/p"), Sources(), Selection(), "", "out", b"tool")  # type: ignore[arg-type]
    return plain._replace(**changed)  # type: ignore[no-any-return]


def sources(**changed: bytes) -> Any:
    made = Sources()
    vars(made).update(changed)
    return made


PLAIN = job()
UPSTREAM = PLAIN.upstream
# By what is changed: whether another folder, and another place of the tree, have it too.
CHANGES: dict[str, Job] = {
    "the tool": job(tool=b"other"),
    "the source": job(sources=sources(digest=b"other")),
    "what was read besides": job(sources=sources(traced=b"other")),
    "the selection": job(selection=Selection("python")),
    "the release": job(release="2.1"),
    "the package": job(upstream=UPSTREAM._replace(package="q")),
    "additions": job(upstream=UPSTREAM._replace(additions="x")),
    "a script": job(upstream=UPSTREAM._replace(is_running=True)),
    "templates that a script may know": job(
        upstream=UPSTREAM._replace(is_running=True), sources=sources(templates=b"other")
    ),
}
SAME: dict[str, Job] = {
    "the place": job(upstream=UPSTREAM._replace(root="/s", autograd="/s/p")),
    "templates": job(sources=sources(templates=b"other")),
    "whether it is known": job(upstream=UPSTREAM._replace(is_known=True)),
}


def test_what_the_digests_of_a_job_depend_on(tmp_path: Path) -> None:
    every = [PLAIN, *CHANGES.values()]
    assert len({one.digest() for one in every}) == len(every)
    assert len({one.shared_digest() for one in every}) == len(every)
    for one in SAME.values():
        assert (one.digest(), one.shared_digest()) == (PLAIN.digest(), PLAIN.shared_digest())
    elsewhere = job(out_dir="elsewhere")
    assert elsewhere.digest() != PLAIN.digest()
    assert elsewhere.shared_digest() == PLAIN.shared_digest()
    assert job(out_dir=str(Path("out").absolute())).digest() == PLAIN.digest()
    assert {len(PLAIN.digest()), len(PLAIN.shared_digest())} == {32}
    # Where one part ends and another begins counts.
    assert job(release="a", upstream=UPSTREAM._replace(package="bc")).digest() != (
        job(release="ab", upstream=UPSTREAM._replace(package="c")).digest()
    )
    assert job(release="\udcff", out_dir="\udcff", upstream=UPSTREAM._replace(additions="\udcff"))
    odd = job(release="\udcff", out_dir="\udcff", upstream=UPSTREAM._replace(additions="\udcff"))
    assert odd.digest() != PLAIN.digest()


def test_what_the_digest_of_inputs_depends_on() -> None:
    plain = PLAIN.digest_of_inputs([b"1", b"2"], b"d")
    others = [
        PLAIN.digest_of_inputs([b"2", b"1"], b"d"),
        PLAIN.digest_of_inputs([b"1", b"2"], b"e"),
        job(sources=sources(templates=b"other")).digest_of_inputs([b"1", b"2"], b"d"),
    ]
    assert len({plain, *others}) == 4
    assert job(tool=b"other").digest_of_inputs(iter([b"1", b"2"]), b"d") == plain


def test_sources_are_looked_at_when_the_trace_grows() -> None:
    one, other = Trace(frozenset({"./a"})), Trace(frozenset({"./b"}))
    both = one.with_other(other)
    first = job().with_trace(one)
    assert first.trace == one
    assert first.with_trace(NOTHING).with_trace(one).trace == one
    assert first.with_trace(other).trace == both
    assert first.sources.looked == [one, both]  # type: ignore[attr-defined]


def test_the_trace_is_kept_for_the_next_run() -> None:
    trace = Trace(frozenset({"./a"}))
    store: Any = Stored()
    assert job().with_kept_trace(store).trace == NOTHING
    job().with_trace(trace).keep_trace(store)
    assert len(store) == 1
    assert job().with_kept_trace(store).trace == trace
    assert job(out_dir="elsewhere").with_kept_trace(store).trace == NOTHING
    assert job(tool=b"other").with_kept_trace(store).trace == NOTHING
    assert job().with_kept_trace(None).trace == NOTHING
    job().with_trace(trace).keep_trace(None)


def test_the_trace_of_a_remote_cache_is_taken_where_there_is_no_other() -> None:
    store: Any = Stored()
    job().with_trace(Trace(frozenset({"./a"}))).push_trace(store)
    assert len(store.remote) == 1
    for _ in range(2):
        assert job(out_dir="elsewhere").with_kept_trace(store).trace.files == {"./a"}
        store.remote.clear()  # it is here now
    job().with_trace(Trace(frozenset({"./a"}))).push_trace(store)
    assert job(tool=b"other").with_kept_trace(store).trace == NOTHING
    job().with_trace(Trace(frozenset({"./b"}))).keep_trace(store)
    assert job().with_kept_trace(store).trace.files == {"./b"}


HEADS = [
    Head(b"", "", {}),
    Head(b"\0\xff", "a note: \u00e9 \udcff", {"a.h": SHA, "b/c d.cpp": SHA[::-1]}),
]


@pytest.mark.parametrize("head", HEADS)
def test_a_summary_is_read_as_it_was_written(head: Head) -> None:
    assert Head.read(head.render()) == head


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"00",
        b"0\n",
        b"zz\n",
        b"\xff\n",
        b"00\nnote\n",
        f"00\nnote\n{SHA}".encode(),
        f"00\nnote\n{SHA} ../a".encode(),
        f"00\nnote\n{SHA[1:]} a".encode(),
        f"00\nnote\n{SHA.upper()} a".encode(),
        f"00\nnote\n{SHA} a\n{SHA} a".encode(),
        f"00\nnote\n{SHA} a\nmore".encode(),
    ],
)
def test_what_is_no_summary_is_none(data: bytes) -> None:
    assert Head.read(data) is None


def test_the_summary_of_the_last_run() -> None:
    store: Any = Stored()
    empty = Head(b"", "", {})
    assert find_head(None, b"k") == find_head(store, b"k") == empty
    store[named(b"k", HEAD)] = HEADS[1].render()
    assert find_head(store, b"k") == HEADS[1]
    assert find_head(store, b"l") == empty
    store[named(b"k", HEAD)] = b"?"
    assert find_head(store, b"k") == empty


def test_a_run_is_not_repeated_for_the_same_inputs() -> None:
    head = HEADS[1]
    assert head.made(b"other") is None
    made = head.made(head.inputs)
    assert made is not None
    assert made[:3] == ("stored", head.note, head.files)
    assert made.counts == {}
    assert not made.has_content
    assert [*made.contents([])] == []
    with pytest.raises(KeyError, match=r"a\.h"):
        made.contents(["a.h"])
    assert made._replace(contents=contents_in({})).has_content


def test_the_contents_of_files_that_are_there() -> None:
    contents = contents_in({"a": b"", "b": b"x"})
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (one, other) = contents(["b", "a"])
    assert (one[:2], other) == (("b", b"x"), ("a", b"", empty))
    with pytest.raises(KeyError):
        [*contents(["c"])]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in ("a", "a/b", "a b.h", "..a", "a..b", ".a", "\u00e9")),
        *((name, False) for name in ("", "/a", "..", "a/..", "../a", "a//b", "./a", "a/.")),
        *((name, False) for name in ("a\nb", "\udcff", "a\\..\\b", "a/")),
    ],
)
def test_names_that_stay_inside(name: str, expected: bool) -> None:
    assert is_inside(name) is expected


def test_names_of_values_are_apart() -> None:
    assert named(b"a", b"b") != named(b"a", b"c") != named(b"b", b"c")
    assert len(named(b"a", b"b")) == 32
