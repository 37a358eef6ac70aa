"""What is noted of each event that Python tells of, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from derivload.outputs.journal import Journal, restore
from derivload.pytorch.script.events import Events
from derivload.pytorch.script.watching import Watch

PROCESS: Final = "it started a process"
REASONS: Final = {
    **dict.fromkeys(
        ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"), PROCESS
    ),
    **dict.fromkeys(("os.startfile/2", "os.fork", "os.forkpty", "pty.spawn"), PROCESS),
    "_winapi.CreateProcess": PROCESS,
    "socket.connect": "it opened a socket",
    "ctypes.dlopen": "it called a library directly",
    "sqlite3.connect": "it opened a database",
    "builtins.input": "it read from stdin",
    "os.truncate": "it cut a file off",
    "os.link": "it made a link",
    "os.symlink": "it made a link",
    "os.chown": "it changed the owner of a file",
    "os.setxattr": "it changed the attributes of a file",
    "mmap.__new__": "it mapped a file into memory",
    "winreg.OpenKey": "it read the registry",
}


class Told:
    """A folder with a file and a folder, and what events of it come to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in ("folder", "journal"):
            (path / name).mkdir()
        (path / "file").touch()
        self.watch = Watch(Journal(str(path / "journal")))
        self.events = Events(self.watch)

    def tell(self, event: str, *arguments: Any) -> None:
        self.events._on_event(event, arguments)

    def seen(self) -> dict[str, list[str]]:
        root = f"{self.path}/"
        found = {name: value for name, value in vars(self.watch.seen).items() if value}
        return {name: [each.replace(root, "") for each in value] for name, value in found.items()}


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.chdir(tmp_path)
    return Told(tmp_path)


def test_what_can_be_seen_only_in_part_is_a_reason(told: Told) -> None:
    for event, reason in REASONS.items():
        with told.watch.unwatched():
            told.tell(event, "x")
        assert told.seen() == {}
        told.tell(event, "x")
        assert told.seen() == {"reasons": [reason]}, event
        told.watch.seen.reasons.clear()
    for event in ("subprocess", "os.getcwd", "mine.Popen", "socketserver"):
        told.tell(event, "x")
    assert told.seen() == {}


EVENTS: Final[dict[str, tuple[tuple[Any, ...], dict[str, list[str]]]]] = {
    "a list": (("os.listdir", "folder"), {"listed": ["folder"]}),
    "a list of entries": (("os.scandir", b"folder"), {"listed": ["folder"]}),
    "a new folder": (("os.mkdir", "new", 0, -1), {"made": ["new"]}),
    "a folder that is there": (("os.mkdir", "folder", 0, -1), {"made": ["folder"]}),
    "a file that is removed": (("os.remove", "file", -1), {"written": ["file"]}),
    "a file that is renamed": (
        ("os.rename", "file", "new", -1, -1),
        {"written": ["new"], "reasons": ["it renamed file, which it had not made"]},
    ),
    "a file of a folder that is open": (
        ("os.rename", "file", "new", 7, -1),
        {"reasons": ["it renamed a file in a folder that it had opened"]},
    ),
    "a mode": (
        ("os.chmod", "file", 0, -1),
        {"reasons": ["it changed the mode or the times of file"]},
    ),
    "times": (
        ("os.utime", "file", None, None, -1),
        {"reasons": ["it changed the mode or the times of file"]},
    ),
    "an odd event": (
        ("os.listdir",),
        {"reasons": ["os.listdir cannot be understood: IndexError('tuple index out of range')"]},
    ),
}


@pytest.mark.parametrize("what", EVENTS)
def test_what_is_noted_of_an_event(what: str, told: Told) -> None:
    event, expected = EVENTS[what]
    if what != "an odd event":
        with told.watch.unwatched():
            told.tell(*event)
        assert told.seen() == {}
    told.tell(*event)
    assert told.seen() == expected


def test_the_current_folder_is_listed(told: Told) -> None:
    told.tell("os.listdir", None)
    assert told.seen() == {"listed": [str(told.path)]}


def test_what_the_run_made_is_its_own(told: Told) -> None:
    told.watch.note_output("own")
    (told.path / "own").touch()
    told.tell("os.chmod", "own", 0, -1)
    told.tell("os.rename", "own", "new", -1, -1)
    assert told.seen() == {"written": ["own", "new"]}
    told.watch.note_output("folder")
    told.tell("os.rename", "folder", "new", -1, -1)
    assert told.seen()["reasons"] == ["it renamed folder, which it had not made"]


def test_a_new_folder_is_removed_if_the_run_fails(told: Told) -> None:
    for name in ("new", "folder"):
        told.tell("os.mkdir", name, 0, -1)
    (told.path / "new").mkdir()
    restore(str(told.path / "journal"))
    assert not (told.path / "new").exists()
    assert (told.path / "folder").exists()


def test_variables_that_are_set_are_the_scripts(told: Told) -> None:
    told.tell("os.putenv", b"ONE", b"1")
    told.tell("os.unsetenv", b"TWO")
    told.watch.note_variables("ONE", "TWO", "THREE")
    assert told.seen() == {"variables": ["THREE"]}


def test_modules_that_python_reads(told: Told) -> None:
    (told.path / "module.py").touch()
    told.tell("import", "module", "module.py", None, None, None)
    assert told.seen() == {"files": ["module.py"]}
    with told.watch.unwatched():
        told.tell("import", "file", "file", None, None, None)
    assert told.seen() == {"files": ["module.py"]}
