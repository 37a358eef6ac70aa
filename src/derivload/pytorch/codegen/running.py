"""The surroundings in which PyTorch's code runs: it finds its tree, reads UTF-8, and is watched.

We watch what the code reads, to know when it must run again (`loading/trace.py`):

- Opened files and listed folders: an audit hook of Python reports them. A hook cannot be removed,
  so each process has one hook, which does nothing between runs.
- Imports: a finder in front of all others records each import, and finds nothing itself.
- Tests whether a file exists: `os.stat` is wrapped during a run.
- Environment variables: the class of `os.environ` is replaced during a run.

We cannot watch another process that the code starts. If it starts one, all templates count as read.
"""

from __future__ import annotations

import builtins
import io
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from types import FrameType, ModuleType, TracebackType
from typing import Any, Final, NamedTuple

from derivload.identity import PACKAGE
from derivload.loading.trace import OF_THE_SYSTEM, Trace, is_watched, without_root
from derivload.modules import CLEARLY, changed_at, forget_compiled
from derivload.pytorch.codegen.upstream import IMPORTED
from derivload.pytorch.standing import replace_in_os

_PACKAGE: Final = os.path.join(PACKAGE, "")
_LISTS: Final = ("os.listdir", "os.scandir")
# These tell that a process is started.
_STARTS: Final = frozenset(
    {"os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}
)
_EVENTS: Final = frozenset({"open", "os.mkdir", *_LISTS, *_STARTS})
_WRITES: Final = os.O_WRONLY | os.O_RDWR
_current: list[Running] = []
_hooks: list[Callable[[str, tuple[Any, ...]], None]] = []


class Learned(NamedTuple):
    """What a context saw in another process: its trace, the edited files of that, and the modules
    that it imported from the tree.
    """

    trace: Trace
    edited: frozenset[str]
    imported: frozenset[str]


class Running:
    """A context in which the code of one tree runs, and is watched.

    `trace` is what it has read so far, except the files in `known`. `edited` are the files in the
    trace that were edited during a run, perhaps after they were read. `began` is when the run
    began, in nanoseconds.
    """

    def __init__(self, root: str, templates: str = "") -> None:
        """`root` is the folder of the tree, `templates` that of the templates."""
        self._root = root
        self._templates = templates
        self._is_rendering = False
        self._inside = os.path.join(root, "")
        self._depth = 0
        self.began = 0
        self._opened: set[str] = set()
        self._written: set[str] = set()
        self._listed: set[str] = set()
        self._variables: set[str] = set()
        self._imported: dict[str, tuple[str, ...]] = {}
        self._undo: list[Callable[[], object]] = []
        self.known: frozenset[str] = frozenset()
        self.trace = Trace()
        self.edited: set[str] = set()

    def __enter__(self) -> None:
        self._depth += 1
        if self._depth > 1:
            return
        self.began = time.time_ns()
        if not _hooks:
            _hooks.append(_on_event)
            sys.addaudithook(_on_event)
        finder = _Finder(self)
        prefix, environment = sys.pycache_prefix, type(os.environ)
        first, second = builtins.open, io.open
        self._undo = [
            lambda: sys.path.remove(self._root),
            lambda: sys.meta_path.remove(finder),
            lambda: setattr(sys, "pycache_prefix", prefix),
            lambda: setattr(os.environ, "__class__", environment),
            replace_in_os("stat", _make_stat(self, os.stat)),
            lambda: setattr(builtins, "open", first),
            lambda: setattr(io, "open", second),
            _current.pop,
        ]
        sys.path.append(self._root)
        sys.meta_path.insert(0, finder)
        os.environ.__class__ = _make_environment(self, environment)
        builtins.open = io.open = _make_open(first)
        self._tell_pathlib()
        _current.append(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if self._depth:
            return
        while self._undo:
            self._undo.pop()()
        self._learn()

    @contextmanager
    def rendering(self) -> Iterator[None]:
        """Inside, that a template is read says nothing of the generators.

        It says only which files depend on it, and that is known (`kept.py`).
        """
        before, self._is_rendering = self._is_rendering, True
        try:
            yield
        finally:
            self._is_rendering = before

    def _tell_pathlib(self) -> None:
        """Replace them in pathlib too: in Python 3.10, it keeps those of when it was imported."""
        if sys.version_info >= (3, 11):
            return
        import pathlib

        kept = vars(pathlib._normal_accessor)
        kept.update(stat=os.stat, open=io.open)
        self._undo.insert(0, kept.clear)

    def note_open(self, path: str, *, is_written: bool) -> None:
        """Note that a file was opened, or that somebody tried to."""
        path = os.path.abspath(path)
        if not (self._is_rendering and self._is_template(path)):
            (self._written if is_written else self._opened).add(path)

    def note_list(self, folder: str) -> None:
        """Note that a folder was listed."""
        self._listed.add(os.path.abspath(folder))

    def note_start(self) -> None:
        """Note that a process was started, which may read the templates."""
        with suppress(OSError):
            for name in os.listdir(self._templates):
                self.note_open(os.path.join(self._templates, name), is_written=False)

    def note_found(self, path: str) -> None:
        """Note that a file was looked for and exists. Only templates count."""
        path = os.path.abspath(path)
        if self._is_template(path):
            self.note_open(path, is_written=False)

    def note_missing(self, path: str) -> None:
        """Note that a file was looked for and does not exist. Only files in the tree count."""
        path = os.path.abspath(path)
        if path.startswith(self._inside):
            self.note_open(path, is_written=False)

    def note_variable(self, name: str) -> None:
        """Note that an environment variable was asked for."""
        self._variables.add(name)

    def note_import(self, name: str, folders: Sequence[str]) -> None:
        """Note that a module is looked for in `folders`, those of its package, or else in the tree.

        A compiled file there that may be older than its source is removed. If that fails, Python
        is told to look for compiled files elsewhere.
        """
        folders = folders or [self._root]
        self._imported[name] = tuple(folders)
        candidates = [path for folder in folders for path in _candidates(folder, name)]
        if not forget_compiled(filter(self._is_meant, candidates)):
            sys.pycache_prefix = os.devnull

    def learn(self) -> Learned:
        """In another process, inside a run: what was seen so far."""
        self._learn()
        return Learned(self.trace, frozenset(self.edited), frozenset(IMPORTED))

    def take(self, learned: Learned) -> None:
        """Add what another process saw in this run."""
        self.trace = self.trace.with_other(learned.trace)
        self.edited |= learned.edited
        IMPORTED.update(learned.imported)

    def _learn(self) -> None:
        """Add everything that was noted in this run to the trace."""
        for name, path in self._imported.items():
            found = _file_of(sys.modules.get(name))
            self._opened |= _places(found, name, path)
            if found is not None and self._is_meant(found):
                IMPORTED.add(name)
        opened = self._opened - self._written - self.known
        files = {without_root(path, self._root): path for path in opened if self._is_read(path)}
        listed = [os.path.join(path, "*") for path in self._listed if os.path.isdir(path)]
        folders = {without_root(path, self._root) for path in listed if self._is_meant(path)}
        self.trace = self.trace.with_other(
            Trace(frozenset(files), frozenset(folders), frozenset(self._variables))
        )
        self.edited |= {name for name, path in files.items() if self._is_edited(path)}
        for names in (self._opened, self._written, self._listed, self._variables):
            names.clear()
        self._imported.clear()

    def _is_template(self, path: str) -> bool:
        return os.path.dirname(path) == self._templates

    def _is_read(self, path: str) -> bool:
        """Whether an opened path counts as read: it is a file, or does not exist yet."""
        if not self._is_meant(path):
            return False
        return os.path.isfile(path) or not os.path.exists(path)

    def _is_meant(self, path: str) -> bool:
        """Whether a path is to be watched, which files are not that the run itself made."""
        if any(path.startswith(os.path.join(made, "")) for made in self._written):
            return False
        return is_watched(path, self._root)

    def _is_edited(self, path: str) -> bool:
        """Whether a file changed after the run began, or so shortly before that it may have."""
        try:
            return changed_at(os.stat(path)) > self.began - CLEARLY
        except OSError:
            return False


class _Finder:
    """Records each import, and finds nothing itself."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def find_spec(self, name: str, path: Sequence[str] | None, _: object = None) -> None:
        """Python calls this before it looks for a module."""
        if name.partition(".")[0] not in sys.stdlib_module_names:
            self._running.note_import(name, [*(path or ())])


def _candidates(folder: str, name: str) -> list[str]:
    """The paths where Python looks for the source of a module in a folder."""
    stem = os.path.join(folder or os.curdir, name.rpartition(".")[2])
    return [os.path.join(stem, "__init__.py"), f"{stem}.py"]


def _file_of(module: ModuleType | None) -> str | None:
    """The source file of a module; None if it has none."""
    found = getattr(getattr(module, "__spec__", None), "origin", None)
    return os.path.abspath(found) if found is not None and os.path.isfile(found) else None


def _places(found: str | None, name: str, folders: Sequence[str]) -> set[str]:
    """The file of a module, and the paths that Python would prefer to it if they existed."""
    places: set[str] = set()
    for folder in folders:
        if found is not None and found.startswith(os.path.join(folder, "")):
            break
        places |= {os.path.abspath(path) for path in _candidates(folder, name)}
    return places if found is None else {*places, found}


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    """The audit hook: note what PyTorch's code opens and lists. It does nothing between runs."""
    if not _current or event not in _EVENTS:
        return
    running = _current[0]
    if event in _STARTS:
        if not _is_own(_starter(sys._getframe(1))):
            running.note_start()
        return
    path = arguments[0]
    if not isinstance(path, (str, bytes, os.PathLike)):
        return
    name = os.fsdecode(path)
    if event == "os.mkdir":
        running.note_open(name, is_written=True)
    elif _is_own(sys._getframe(1)):
        return
    elif event in _LISTS:
        running.note_list(name)
    else:
        mode, flags = arguments[1] or "", arguments[2]
        is_written = bool({*mode} & {*"wax+"}) or (not mode and bool(flags & _WRITES))
        running.note_open(name, is_written=is_written)


def _starter(frame: FrameType | None) -> FrameType | None:
    """The frame of who had a process started, behind that of Python's `subprocess`."""
    while frame is not None and frame.f_globals.get("__name__") == "subprocess":
        frame = frame.f_back
    return frame


def _is_own(frame: FrameType | None) -> bool:
    """Whether a frame is derivload's own code, Python's import, or `shutil` removing a folder."""
    name = "" if frame is None else frame.f_code.co_filename
    if frame is not None and name == __file__:  # our replacement of `open`
        return _is_own(frame.f_back)
    if frame is not None and name == shutil.__file__:
        return "rmtree" in frame.f_code.co_name
    return name.startswith((_PACKAGE, "<frozen importlib"))


def _make_stat(running: Running, stat: Callable[..., os.stat_result]) -> Any:
    @wraps(stat)
    def told(path: Any, **how: Any) -> os.stat_result:
        is_path = isinstance(path, (str, bytes, os.PathLike)) and how.get("dir_fd") is None
        try:
            found = stat(path, **how)
        except FileNotFoundError:
            if is_path:
                running.note_missing(os.fsdecode(path))
            raise
        if is_path:
            running.note_found(os.fsdecode(path))
        return found

    return told


def _make_environment(running: Running, environment: type) -> Any:
    class Environment(environment):  # type: ignore[misc]
        def __getitem__(self, name: str) -> str:
            if name not in OF_THE_SYSTEM:
                running.note_variable(name)
            return str(super().__getitem__(name))

    return Environment


def _make_open(original: Callable[..., Any]) -> Callable[..., Any]:
    """Python's `open`, but with UTF-8 as the encoding if none is given."""

    def open_in_utf8(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        *others: Any,
        **named: Any,
    ) -> Any:
        if encoding in (None, "locale") and "b" not in mode:
            encoding = "utf-8"
        return original(file, mode, buffering, encoding, *others, **named)

    return open_in_utf8
