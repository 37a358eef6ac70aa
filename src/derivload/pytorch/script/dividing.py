"""Divides a run of torchgen.gen among processes.

Its main calls three functions, one after the other: for the source files, for the headers, and for
Declarations.yaml. None of them needs what another one has made. So at the first of these calls, the
process is copied for each of the others. A copy goes on with main, passes over the functions that
are not its own, makes the texts of its files, writes none of them, and sends them. When main comes
to that function here, the texts are written by torchgen's own FileManager. So this process alone
writes, in the order in which torchgen writes.

If anything is out of the ordinary (an exception, something printed, a copy that is killed), the
copy sends nothing, and this process calls the function itself, as it does without copies.

This is done only if `python -m torchgen.gen` runs and all modules of torchgen are those of a
release. Then the stand-ins for slow functions of torchgen are used, too.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from derivload.modules import read_file
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
    """What a copy sends."""

    texts: list[_Text]
    saw: CopySaw


class Dividing:
    """Divides the run of this process, if it is one of torchgen.gen."""

    def __init__(self, watch: Watch, imports: Imports) -> None:
        self._watch = watch
        self._imports = imports
        self._copies: dict[str, Child] = {}
        self._is_divided = False
        # In a copy: its function, and the end of the pipe that it writes to.
        self._own = ""
        self._write = -1
        self._parent = os.getpid()

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

        manager._write_if_changed = noted(self._watch, write)
        # Until the end of the process.
        StandIns(Upstream(root="", package="__main__", autograd="")).__enter__()
        for name in _CALLED:
            setattr(main, name, self._divided(name, getattr(main, name), manager))

    def _divided(self, name: str, original: Callable[..., None], manager: Any) -> Any:
        def called(**how: Any) -> None:
            if not self._is_divided:
                self._is_divided = True
                with self._watch.unwatched():
                    self._copy_for(_after(name, sys._getframe(1)))
            if self._own:
                if name == self._own:
                    self._make(lambda: original(**how), manager, _managers(how, manager))
                return
            try:
                if not self._is_written(name, _managers(how, manager)):
                    original(**how)
            except BaseException:
                self._end()
                raise

        return called

    def _copy_for(self, names: list[str]) -> None:
        """Copy the process for each of these functions, if there are cores and memory for it."""
        from derivload.pytorch.codegen.cores import default_jobs
        from derivload.pytorch.codegen.processes import Child, can_fork, copy_process

        if not names or not can_fork() or default_jobs() == 1:
            return
        for name in names:
            try:
                made = copy_process([*self._copies.values()])
            except OSError:
                return
            if isinstance(made, Child):
                self._copies[name] = made
            else:
                _, self._write = made
                self._own = name
                return

    def _make(self, run: Callable[[], None], manager: Any, managers: list[Any]) -> NoReturn:
        """In a copy: run its function, send the texts, and end."""
        status = 1
        try:
            from derivload.pytorch.codegen.processes import send

            self._watch.begin_copy()
            sys.stdout = sys.stderr = _NoStream()
            texts = _texts_of(run, manager, managers, self._parent)
            with self._watch.unwatched():
                self._imports.finish()
                send(self._write, _encoded(_Sent(texts, self._watch.tell())))
            status = 0
        finally:
            # Neither an exception nor what Python does at its end is for a copy.
            os._exit(status)

    def _is_written(self, name: str, managers: list[Any]) -> bool:
        """Write the texts that the copy for this function made; False if there are none."""
        from derivload.pytorch.codegen.processes import ChildEndedError

        copy = self._copies.pop(name, None)
        if copy is None:
            return False
        try:
            sent = _decoded(copy.answer())
        except ChildEndedError:
            return False
        except BaseException:
            copy.kill()
            raise
        finally:
            copy.close()
        self._watch.take(sent.saw)
        for manager, file, template, text in sent.texts:
            managers[manager].write_with_template(file, template, partial(str, text))
        return True

    def _end(self) -> None:
        """End all copies."""
        for copy in self._copies.values():
            copy.kill()
            copy.close()
        self._copies.clear()


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
            return contents.isascii() and "\r" not in contents and file.read() == contents.encode()
    except OSError:
        return False


def _texts_of(
    run: Callable[[], None], manager: Any, managers: list[Any], parent: int
) -> list[_Text]:
    """In a copy: the texts that a function would write by these managers, in their order.

    `manager` is their class.
    """
    texts: list[_Text] = []
    rendered: list[str] = []
    numbers = {id(each): number for number, each in enumerate(managers)}
    original = manager.write_with_template

    def write_if_changed(_: object, filename: object, contents: str) -> None:
        rendered.append(contents)

    def write_with_template(made: Any, filename: Any, template_fn: Any, env_callable: Any) -> None:
        if os.getppid() != parent:  # nobody is there to take the texts
            os._exit(1)
        original(made, filename, template_fn, env_callable)
        texts.append(_Text(numbers[id(made)], str(filename), str(template_fn), rendered.pop()))

    manager._write_if_changed = write_if_changed
    manager.write_with_template = write_with_template
    run()
    return texts


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
