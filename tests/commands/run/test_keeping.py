"""What the record of a run is made of, and which runs have none."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from derivload.commands.run import keeping
from derivload.commands.run.asked import Asked, read_asked
from derivload.commands.run.keeping import NotKeptError, make_items
from derivload.outputs.digests import digest_of, digest_of_variable
from derivload.outputs.journal import Journal
from derivload.outputs.kept_runs import context, current, digest_of_folder, kind_of, link_of
from derivload.pytorch.script.seen import ObservedRun
from support.out_dirs import posix

pytestmark = posix


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObservedRun:
    """A run in the current folder that began when all files there were clearly older."""
    monkeypatch.chdir(tmp_path)
    Path("journal").mkdir()
    for name in ("in", "in.yaml", "out"):
        Path(name).write_text(name)
    Path("link").symlink_to("in")
    seen = ObservedRun()
    seen.began = time.time_ns() + 1_000_000_000
    return seen


def made(seen: ObservedRun) -> list[tuple[str, str, str]]:
    items = make_items(seen, "journal", context())
    return [(item.kind, item.value, item.name) for item in items]


def test_a_record_has_all_that_was_seen(seen: ObservedRun) -> None:
    seen.files, seen.values = {"in": None}, {"in.yaml": None}
    seen.written = {"out": None, "in": None, "gone": None}
    seen.kinds = {"none": "absent", "made": "absent", "link": "file"}
    seen.made = {"made": None, "not made": None}
    Path("made").mkdir()
    seen.links = {"link": link_of("link")}
    seen.statuses = {"in": current("status", "in")}
    seen.listed = {"journal": digest_of_folder("journal")}
    seen.variables = {"X": digest_of_variable("X")}
    seen.terminals = {"0": str(os.isatty(0))}
    seen.modules = {"journal": {"b", "a"}}
    seen.printed = [(1, "61"), (2, "62")]
    name = "journal\0a\0b"
    assert made(seen) == [
        ("context", context(), ""),
        ("kind", "absent", "none"),
        ("kind", "file", "link"),
        ("kind", "folder", "made"),
        ("link", link_of("link"), "link"),
        ("status", current("status", "in"), "in"),
        ("listed", digest_of_folder("journal"), "journal"),
        ("variable", "none", "X"),
        ("terminal", str(os.isatty(0)), "0"),
        ("modules", current("modules", name), name),
        ("printed", "1", "61"),
        ("printed", "2", "62"),
        ("input", digest_of(b"in"), "in"),
        ("value", digest_of(b"in.yaml"), "in.yaml"),
        ("output", digest_of(b"out"), "out"),
    ]


def test_what_the_run_removed_is_to_be_gone(seen: ObservedRun) -> None:
    journal = Journal("journal")
    paths = [str(Path(name).resolve()) for name in ("in", "out")]
    for path in paths:
        journal.note_file(path, follow=False)
        seen.written[path] = None
    Path("in").unlink()
    assert made(seen)[1:] == [
        ("output", digest_of(b"out"), paths[1]),
        ("kind", "absent", paths[0]),
    ]


def test_what_it_wrote_tells_of_the_next_edit_by_its_status(seen: ObservedRun) -> None:
    seen.written = {"out": None, "gone": None}
    Path("out").write_text("now")
    (_, item) = make_items(seen, "journal", context())
    assert item.sign == current("status", "out")


REASONS: list[tuple[str, Callable[[ObservedRun], object]]] = [
    ("so it is", lambda seen: seen.reasons.update({"so it is": None, "and so": None})),
    ("in, which it read, was written while it ran", lambda seen: seen.files.update({"in": None})),
    (
        "in.yaml, which it read, was written while it ran",
        lambda seen: seen.values.update({"in.yaml": None}),
    ),
    ("none was removed while it ran", lambda seen: seen.files.update({"none": None})),
    (
        "the environment variable X changed while it ran",
        lambda seen: seen.variables.update({"X": "1"}),
    ),
    (
        "it listed journal, in which something changed while it ran",
        lambda seen: seen.listed.update({"journal": "1"}),
    ),
    ("it looked for none, which changed while it ran", lambda seen: seen.kinds.update(none="file")),
    ("out changed while it ran", lambda seen: seen.written.update({"out": None})),
]


@pytest.mark.parametrize(("why", "happened"), REASONS, ids=[why for why, _ in REASONS])
def test_a_run_that_may_do_something_else_again_is_not_kept(
    seen: ObservedRun, why: str, happened: Callable[[ObservedRun], object]
) -> None:
    if "which it read" in why:
        seen.began = 0
    happened(seen)
    with pytest.MonkeyPatch.context() as patch:
        if why.startswith("out"):  # it changes after it was read
            patch.setattr(keeping, "digests_of_files", lambda names: dict.fromkeys(names, "1"))
            patch.setattr(keeping, "sign_of_settled", lambda name: "-")
        with pytest.raises(NotKeptError) as raised:
            made(seen)
    assert str(raised.value) == why


def test_a_module_that_came_is_named_by_its_folder(seen: ObservedRun) -> None:
    seen.modules = {"journal": {"a"}}
    values = iter(["before", "after"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "current", lambda kind, name: next(values))
        with pytest.raises(NotKeptError, match=r"^it looked for journal, which changed"):
            made(seen)


def test_a_run_of_a_derivload_that_was_edited_is_not_kept(seen: ObservedRun) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "is_as_it_began", lambda: False)
        with pytest.raises(NotKeptError, match="derivload itself was edited while it ran"):
            made(seen)


# The command line


@pytest.mark.parametrize(
    ("arguments", "own", "is_module", "target", "rest"),
    [
        (["a.py"], [], False, "a.py", []),
        (["a.py", "-m", "--stats"], [], False, "a.py", ["-m", "--stats"]),
        (["-m", "a", "b", "-q"], [], True, "a", ["b", "-q"]),
        (["--quiet", "-m", "a"], ["--quiet"], True, "a", []),
        (["--stats", "a.py"], ["--stats=text"], False, "a.py", []),
        (["--stats", "json", "a.py"], ["--stats=json"], False, "a.py", []),
        (["--stats", "text", "a.py"], ["--stats=text"], False, "a.py", []),
        (["--stats=json", "a.py", "b"], ["--stats=json"], False, "a.py", ["b"]),
        *(
            ([name, "x", "a.py", "b"], [name, "x"], False, "a.py", ["b"])
            for name in ("--state-dir", "--cache-dir", "--color", "--settings")
        ),
        (
            ["--no-cache", "--state-dir=x", "a.py"],
            ["--no-cache", "--state-dir=x"],
            False,
            "a.py",
            [],
        ),
    ],
)
def test_the_own_options_end_at_the_script(
    arguments: list[str], own: list[str], is_module: bool, target: str, rest: list[str]
) -> None:
    asked = read_asked(arguments)
    assert asked is not None
    assert (asked.own, asked.is_module, asked.target, asked.arguments) == (
        *(own, is_module),
        *(target, rest),
    )
    assert asked.as_parsed() == ["run", *own, *(["-m"] if is_module else []), target, *rest]


@pytest.mark.parametrize("arguments", [[], ["-m"], ["--quiet"], ["--state-dir", "a.py"]])
def test_without_a_script_nothing_is_asked(arguments: list[str]) -> None:
    assert read_asked(arguments) is None


def test_a_record_is_in_the_folder_that_was_named(tmp_path: Path) -> None:
    def path(*own: str, target: str = "a.py") -> str | None:
        return Asked([*own], False, target, []).record_path()

    state = path("--state-dir", "x", "--cache-dir", "y")
    assert state is not None
    assert (len(state), state[:2]) == (2 + 64, f"x{os.sep}")
    assert path("--cache-dir", str(tmp_path)) == str(tmp_path / "runs" / state[2:])
    assert path("--state-dir", "x", target="b.py") != state
    assert Asked(["--stats=json"], False, "a", []).stats() == "json"
    assert Asked([], False, "a", []).stats() is None
    assert kind_of(str(tmp_path / "runs")) == "absent"
