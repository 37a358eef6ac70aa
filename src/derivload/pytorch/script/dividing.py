"""Divides a run of torchgen.gen among processes.

Its main calls three functions, one after the other: for the source files, for the headers, and for
Declarations.yaml. None of them needs what another one has made. So at the first of these calls, the
process is copied: once for all the others where there are two cores, else once for each. A copy
goes on with main, passes over the functions that are not its own, makes the texts of its files,
writes none of them, and sends them. When main comes to such a function here, the texts are written
by torchgen's own FileManager. So this process alone writes, in the order in which torchgen writes.

If anything is out of the ordinary (an exception, something printed, a copy that is killed), the
copy sends nothing, and this process calls the function itself, as it does without copies.

This is done only if `python -m torchgen.gen` runs and all modules of torchgen are those of a
release. Then the stand-ins for slow functions of torchgen are used, too.
"""

from __future__ import annotations

import gc
import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from derivload.modules import read_file
from derivload.outputs.comparing import holds
from derivload.pytorch.script.known import KNOWN, OF_MANIFESTS
from derivload.pytorch.script.watching import CopySaw

if TYPE_CHECKING:
    from derivload.pytorch.codegen.processes import Child
    from derivload.pytorch.script.imports import Imports
    from derivload.pytorch.script.watching import Watch

_GEN: Final = "torchgen.gen"
# The functions, in the order in which main calls them, and the words of `--generate` for them.
_CALLED: Final = {
    "gen_source_files": "sources",
    "gen_headers": "headers",
    "gen_declarations_yaml": "declarations_yaml",
}


class _Text(NamedTuple):
    """A call of `FileManager.write_with_template`: by which manager, and the text of the file."""

    manager: int
    file: str
    template: str
    text: str


class _Sent(NamedTuple):
    """What a copy sends: the texts by function."""

    texts: dict[str, list[_Text]]
    saw: CopySaw


class Dividing:
    """Divides the run of this process, if it is one of torchgen.gen."""

    def __init__(self, watch: Watch, imports: Imports) -> None:
        self._watch = watch
        self._imports = imports
        self._is_divided = False
        # The copies, by their functions; what they sent, by function.
        self._copies: dict[tuple[str, ...], Child] = {}
        self._sent: dict[str, list[_Text]] = {}
        # In a copy.
        self._copy: _Copy | None = None

    def begin_with(self, manager: Any, write: Callable[..., None]) -> None:
        """Begin when the first FileManager is made: main has parsed the YAML files then.

        `manager` is the class, and `write` its own method `_write_if_changed`.
        """
        original = manager.__init__

        def init(made: Any, *arguments: Any, **named: Any) -> None:
            manager.__init__ = original
            with self._watch.unwatched():
                self._begin(manager, write)
            original(made, *arguments, **named)

        manager.__init__ = init

    def _begin(self, manager: Any, write: Callable[..., None]) -> None:
        main = sys.modules["__main__"]
        if getattr(main.__spec__, "name", "") != _GEN or digest_of_modules() not in KNOWN:
            return
        from derivload.pytorch.codegen.stand_ins import StandIns
        from derivload.pytorch.codegen.upstream import Upstream

        # All of this holds until the end of the process.
        gc.disable()  # what it makes from here on has few cycles
        manager._write_if_changed = noted(self._watch, write)
        upstream = Upstream(root="", package="__main__", autograd="", is_known=True)
        StandIns(upstream).__enter__()
        for name in _CALLED:
            setattr(main, name, self._divided(name, getattr(main, name), manager))

    def _divided(self, name: str, original: Callable[..., None], manager: Any) -> Any:
        def called(**how: Any) -> None:
            managers = _managers(how, manager)
            if not self._is_divided:
                self._is_divided = True
                with self._watch.unwatched():
                    self._make_copies(_after(name, sys._getframe(1)), manager)
            if self._copy is not None:
                self._copy.call(name, lambda: original(**how), managers)
                return
            try:
                if not self._is_written(name, managers):
                    original(**how)
            except BaseException:
                self._end()
                raise

        return called

    def _make_copies(self, names: Sequence[str], manager: Any) -> None:
        """Copy the process for these functions, if there are cores and memory for it."""
        from derivload.pytorch.codegen.cores import default_jobs
        from derivload.pytorch.codegen.processes import Child, can_fork, copy_process

        jobs = default_jobs() if names and can_fork() else 1
        parent = os.getpid()
        for own in _shared_out(names, jobs):
            try:
                made = copy_process([*self._copies.values()])
            except OSError:
                return
            if not isinstance(made, Child):
                _, write = made
                self._copy = _Copy(self._watch, self._imports, own, write, parent)
                self._copy.take_over(manager)
                return
            self._copies[own] = made

    def _is_written(self, name: str, managers: list[Any]) -> bool:
        """Write the texts that a copy made for this function; False if there are none."""
        for own in [own for own in self._copies if name in own]:
            self._receive(self._copies.pop(own))
        texts = self._sent.pop(name, None)
        if texts is None:
            return False
        for manager, file, template, text in texts:
            managers[manager].write_with_template(file, template, partial(str, text))
        return True

    def _receive(self, copy: Child) -> None:
        from derivload.pytorch.codegen.processes import ChildEndedError

        try:
            sent = _decoded(copy.answer())
        except ChildEndedError:
            return
        except BaseException:
            copy.kill()
            raise
        finally:
            copy.close()
        self._watch.take(sent.saw)
        self._sent.update(sent.texts)

    def _end(self) -> None:
        """End all copies."""
        for copy in self._copies.values():
            copy.kill()
            copy.close()
        self._copies.clear()


class _Copy:
    """In a copy of the process: makes the texts of some functions, sends them, and ends."""

    def __init__(
        self, watch: Watch, imports: Imports, names: tuple[str, ...], write: int, parent: int
    ) -> None:
        """`write` is the end of the pipe to the process `parent`."""
        self._watch = watch
        self._imports = imports
        self._names = names
        self._write = write
        self._parent = parent
        self._texts: dict[str, list[_Text]] = {}
        # Of the call that runs.
        self._managers: list[Any] = []
        self._made: list[_Text] = []
        self._rendered: list[str] = []

    def take_over(self, manager: Any) -> None:
        """Have nothing written: no file by this class of managers, and nothing that is printed."""
        original = manager.write_with_template

        def write_if_changed(_: object, filename: object, contents: str) -> None:
            self._rendered.append(contents)

        def write_with_template(
            one: Any, filename: Any, template_fn: Any, env_callable: Any
        ) -> None:
            if os.getppid() != self._parent:  # nobody is there to take the texts
                os._exit(1)
            original(one, filename, template_fn, env_callable)
            number = next(i for i, each in enumerate(self._managers) if each is one)
            text = self._rendered.pop()
            self._made.append(_Text(number, str(filename), str(template_fn), text))

        manager._write_if_changed = write_if_changed
        manager.write_with_template = write_with_template
        sys.stdout = sys.stderr = _NoStream()
        self._watch.begin_copy()

    def call(self, name: str, run: Callable[[], None], managers: list[Any]) -> None:
        """Make the texts of a function, if it is one of ours. The last one is the end."""
        if name not in self._names:
            return
        status = 1
        is_last = name == self._names[-1]
        try:
            self._managers, self._made = managers, []
            run()
            self._texts[name] = self._made
            if is_last:
                self._send()
            status = 0
        finally:
            # Neither an exception nor what Python does at its end is for a copy.
            if is_last or status:
                os._exit(status)

    def _send(self) -> None:
        from derivload.pytorch.codegen.processes import send

        with self._watch.unwatched():
            self._imports.finish()
            send(self._write, _encoded(_Sent(self._texts, self._watch.tell())))


class _NoStream(io.TextIOBase):
    """The standard streams of a copy. What is printed has its place in what this process prints."""

    def write(self, text: str) -> int:
        """End the copy."""
        os._exit(1)


def noted(watch: Watch, write: Callable[..., None]) -> Callable[..., None]:
    """The method `_write_if_changed` of a known FileManager, with all that it does noted at once.

    What it opens, makes and asks for need not be seen one by one.
    """

    def write_if_changed(manager: Any, filename: Any, contents: str) -> None:
        path = os.path.abspath(filename)
        with watch.unwatched():
            if not _holds(path, contents):
                watch.note_folders(os.path.dirname(path))
                watch.note_write(path)
            write(manager, filename, contents)
        watch.note_output(path)

    return write_if_changed


def _holds(path: str, contents: str) -> bool:
    """Whether a file certainly holds a text, whatever the encoding and the ends of lines are."""
    try:
        with open(path, "rb") as file:
            is_plain = contents.isascii() and "\r" not in contents
            return is_plain and holds(file, (contents.encode(),))
    except OSError:
        return False


def _shared_out(names: Sequence[str], jobs: int) -> list[tuple[str, ...]]:
    """The functions of each copy, for so many processes, of which this is one."""
    if jobs <= 1 or not names:
        return []
    # The first of the functions, which is for this process, takes as long as the others.
    return [tuple(names)] if jobs == 2 else [(name,) for name in names]


def _managers(how: Mapping[str, Any], manager: Any) -> list[Any]:
    """The FileManagers among the arguments of a call, in their order."""
    values = [each for value in how.values() for each in _each(value)]
    return [value for value in values if isinstance(value, manager)]


def _each(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else (value,)


def _after(name: str, main: FrameType) -> list[str]:
    """The functions that main is going to call after this one."""
    options = main.f_locals["options"]
    names = [*_CALLED]
    after = names[names.index(name) + 1 :]
    return [] if options.dry_run else [n for n in after if _CALLED[n] in options.generate]


def digest_of_modules() -> str:
    """The digest of the source of all modules of torchgen that are imported."""
    modules = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "torchgen"}
    modules[_GEN] = sys.modules["__main__"]
    digest = hashlib.sha256()
    for name in sorted(modules.keys() - OF_MANIFESTS):
        found = read_file(getattr(modules[name], "__file__", None) or "")
        own = hashlib.sha256(b"" if found is None else found[0])
        digest.update(name.encode() + b"\0" + own.digest())
    return digest.hexdigest()


def _encoded(sent: _Sent) -> bytes:
    import msgspec

    return msgspec.msgpack.encode(sent)


def _decoded(data: bytes) -> _Sent:
    import msgspec

    return msgspec.msgpack.decode(data, type=_Sent)
