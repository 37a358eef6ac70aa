"""What is in a stamp, line by line, and which change of each makes it hold no more."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from derivload.identity import python_digest, tool_digest
from derivload.outputs import stamp
from derivload.outputs.digests import digest_of, digest_of_variable
from derivload.outputs.stamp import (
    Record,
    UpToDate,
    read_outputs,
    read_shown,
    read_stamp,
    render_stamp,
    stamp_name,
)

COMMAND = ["emit", "--out-dir", "out"]


def no_guess(arguments: object, name: str) -> list[str]:
    return []


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Inputs, outputs, and the folder that they are in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("X", "1")
    Path("out").mkdir()
    for name in ("in", "out/a", "out/b", "beside", "there", "passed", "like-1", "like-2"):
        Path(name).write_text(name)
    return tmp_path


def origin(folder: Path, *added: str) -> object:
    """Settings that were found, as a record has them."""
    search = SimpleNamespace(folder=str(folder), there=["there"], passed=[("passed", b"passed")])
    return SimpleNamespace(search=search, added=[*added])


def record(**fields: object) -> Record:
    known = {
        "inputs": [("in", digest_of(b"in"))],
        "absent": ["none"],
        "outputs": [(name, digest_of(f"out/{name}".encode())) for name in ("a", "b")],
        "beside": [("beside", digest_of(b"beside"))],
        "note": "a note",
        "listed": [("like-*", ["like-1", "like-2"])],
        "variables": [("X", digest_of_variable("X"))],
        "python": python_digest(),
        "shown": ["1", "2"],
        "told": "these files",
    }
    return Record(fields.pop("tool", tool_digest()), **{**known, **fields})  # type: ignore[arg-type]


def write(made: Record, arguments: list[str] = COMMAND, name: str = ".derivload-stamp") -> None:
    Path("out", name).write_bytes(render_stamp(arguments, made))


def read(*arguments: str) -> UpToDate | None:
    return read_stamp(arguments or COMMAND, no_guess)


def test_a_stamp_that_holds_says_what_the_run_said(folder: Path) -> None:
    write(record(origin=origin(folder, "--quiet", "--shards")))
    found = read()
    assert found is not None
    assert (found.out_dir, found.note, found.told) == ("out", "a note", "these files")
    assert (found.added, found.inputs, found.outputs) == (["--quiet", "--shards"], 1, 3)
    write(record(note="", told="", origin=None, shown=()))
    found = read()
    assert found is not None
    assert (found.note, found.told, found.added) == ("", "", [])


@pytest.mark.parametrize(
    ("digest", "state", "holds"),
    [
        *((True, "", True), (True, "other", True), (False, "now", True)),
        *((False, "other", False), (False, "", False)),
    ],
)
def test_the_tool_is_the_same_by_its_state_or_else_by_its_digest(
    digest: bool, state: str, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamp, "tool_state", lambda: state)
    write(record())
    monkeypatch.setattr(stamp, "tool_state", lambda: "now")
    if not digest:
        monkeypatch.setattr(stamp, "tool_digest", lambda: b"other")
    assert (read() is not None) == holds
    monkeypatch.setattr(stamp, "tool_state", lambda: "")
    assert (read() is not None) == digest


def test_each_line_says_one_thing(folder: Path) -> None:
    text = render_stamp(COMMAND, record(origin=origin(folder, "--a", "b"))).decode()
    lines = [line.split(" ")[0] for line in text.splitlines()]
    assert lines == [
        *("derivload-stamp", "tool", "arguments", "note", "told", "folder", "added", "there"),
        *("passed", "input", "absent", "python", "variable", "listed", "output", "output"),
        *("beside", "shown", "check"),
    ]
    least = record(note="", told="", shown=(), python=b"", variables=(), listed=(), beside=())
    lines = [line.split(" ")[0] for line in render_stamp(COMMAND, least).decode().splitlines()]
    assert lines == [
        *("derivload-stamp", "tool", "arguments", "note", "input", "absent"),
        *("output", "output", "check"),
    ]


CHANGES: dict[str, Callable[[], object]] = {
    "an input": lambda: Path("in").write_text("x"),
    "an output": lambda: Path("out/a").write_text("x"),
    "a file beside": lambda: Path("beside").unlink(),
    "settings that were passed over": lambda: Path("passed").write_text("x"),
    "what was there": lambda: Path("there").unlink(),
    "what was not there": lambda: Path("none").touch(),
    "a list": lambda: Path("like-3").touch(),
    "a variable": lambda: os.environ.pop("X"),
    "the folder": lambda: os.chdir("out"),
    "what a run left": lambda: Path("out/.derivload-0123456789ab.tmp").mkdir(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_it_names_ends_it(change: str, folder: Path) -> None:
    arguments = ["emit", "--out-dir", str(folder / "out")]
    write(record(origin=origin(folder)), arguments)
    # What is no change of theirs.
    Path("out/c").touch()
    Path("out/x.tmp").touch()
    Path("like").touch()
    assert read(*arguments) is not None
    CHANGES[change]()
    assert read(*arguments) is None


@pytest.mark.parametrize(
    "made",
    [
        {"tool": b"other"},
        {"python": b"other"},
        {"variables": [("X", "none")]},
        {"absent": ["in"]},
        {"outputs": [("in", "0f")]},
    ],
)
def test_a_stamp_of_something_else_does_not_hold(made: dict[str, object]) -> None:
    write(record(**made))
    assert read() is None


def test_a_line_that_is_unknown_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    write(record(told="these files\nodd there"))
    assert not Path("out/.derivload-stamp").read_bytes()  # a line end makes no stamp
    assert read() is None
    monkeypatch.setattr(stamp, "_origin_lines", lambda origin: ["odd there"])
    write(record())
    assert read() is None


@pytest.mark.parametrize(
    ("arguments", "holds"),
    [
        ([*COMMAND, "--quiet"], True),
        ([*COMMAND, "--cache-dir", "x", "--verbose"], True),
        ([*COMMAND, "--cache-dir=x", "--no-cache", "--stats=json", "--stats"], True),
        (["emit", "--color", "never", *COMMAND[1:]], True),
        (["emit", "--color=never", *COMMAND[1:]], True),
        ([*COMMAND, "--shards"], False),
        ([*COMMAND, "--cache-dir", "x", "y"], False),
        ([*COMMAND, "--stats", "json"], False),
        (["emit", "--out-dir=out"], False),
        (["emit", "--out-dir", "x", *COMMAND[1:]], False),
    ],
)
def test_it_is_of_the_arguments_that_matter(arguments: list[str], holds: bool) -> None:
    write(record())
    assert (read(*arguments) is not None) == holds


def test_an_out_dir_by_settings_is_guessed_and_then_compared() -> None:
    def guess(arguments: object, name: str) -> list[str]:
        return {"out-dir": ["none", "out"], "subset": ["python"]}[name]

    write(record(origin=origin(Path.cwd(), "--out-dir", "out")), ["emit"])
    found = read_stamp(["emit"], guess)
    assert found is not None and found.out_dir == "out"
    assert read_stamp(["emit"], no_guess) is None
    write(record(origin=origin(Path.cwd(), "--out-dir", "other")), ["emit"])
    assert read_stamp(["emit"], guess) is None
    write(record(), ["codegen"], stamp_name("python"))
    assert read_stamp(["codegen"], guess) is None  # nothing says that it was added
    write(record(origin=origin(Path.cwd(), "--out-dir=out")), ["codegen"], stamp_name("python"))
    assert read_stamp(["codegen"], guess) is not None


@pytest.mark.parametrize("subset", [None, "all", "python"])
def test_each_subset_has_a_stamp_of_its_own(subset: str | None) -> None:
    own = [] if subset is None else [f"--subset={subset}"]
    arguments = ["codegen", "--out-dir", "out", *own]
    name = f".derivload-stamp-{subset or 'all'}"
    assert stamp_name(subset or "all") == name
    assert stamp_name() == ".derivload-stamp"
    write(record(), arguments, name)
    assert read(*arguments) is not None
    Path("out", name).unlink()
    write(record(), arguments, ".derivload-stamp")
    assert read(*arguments) is None


def test_outputs_and_what_was_shown_are_read_of_stamps_that_are_whole() -> None:
    write(record())
    write(record(shown=["3"]), name=stamp_name("python"))
    write(record(shown=["4"]), name="other")
    path = "out/.derivload-stamp"
    assert read_outputs(path) == [(digest_of(f"out/{name}".encode()), name) for name in ("a", "b")]
    assert read_shown("out") == {"1", "2", "3"}
    assert (read_outputs("none"), read_shown("none")) == ([], set())
    whole = Path(path).read_bytes()
    for damage in (b"", b"\xff", whole[:-3], whole.replace(b"shown 1", b"shown 9")):
        Path(path).write_bytes(damage)
        assert (read_outputs(path), read_shown("out"), read()) == ([], {"3"}, None)
