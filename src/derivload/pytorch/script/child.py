"""The process in which a script runs: as `python SCRIPT` or `python -m MODULE` would run it.

It gets a folder for its notes and the command line of the script. It ends as the script does. What
was seen is written into the folder when everything of the script is over.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import sys
import time
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from types import CodeType, TracebackType
from typing import TYPE_CHECKING, Final

from derivload.exit_status import BAD_USAGE
from derivload.identity import PACKAGE
from derivload.loading.cache_settings import (
    try_to_open_store,
    use_in_this_process,
    use_remote_in_this_process,
)
from derivload.outputs.journal import Journal
from derivload.pytorch.script.asking import Asking
from derivload.pytorch.script.dividing import Dividing
from derivload.pytorch.script.events import Events
from derivload.pytorch.script.imports import Imports
from derivload.pytorch.script.inside import Inside
from derivload.pytorch.script.parts import Parts
from derivload.pytorch.script.printed import watch_streams
from derivload.pytorch.script.seen import REMOTE, SEEN, USERS_CACHE, write_seen
from derivload.pytorch.script.watching import Watch
from derivload.terminal.stderr import say

if TYPE_CHECKING:
    from derivload.store.remote.remote import Remote

# torchgen makes millions of objects that stay: looking for cycles among them takes a tenth of it.
_COLLECT_AFTER: Final = 100_000
_HIDDEN: Final = (os.path.join(PACKAGE, ""), "<frozen importlib")


def main() -> None:
    """Run the script that `sys.argv` names.

    Before it stand the folder for the notes, the path of the record ("" for none), the digest of
    what the run depends on anyway, the folder of the cache ("" for none), and "-m" or "".
    """
    _, folder, record, context, cache, form, target, *arguments = sys.argv
    if cache != USERS_CACHE:
        use_in_this_process(os.path.abspath(cache) if cache else None)
    remote = _remote_told_in(folder)
    is_module = form == "-m"
    if not getattr(sys.flags, "safe_path", False):
        own = os.getcwd() if is_module else os.path.dirname(os.path.realpath(target))
        sys.path[:1] = [own]
    sys.argv = [target, *arguments]
    code = None if is_module else _compiled(target)
    watch = Watch(Journal(folder))
    inside = Inside(watch, record)
    imports = Imports(watch, inside.find_change)
    inside.dividing = Dividing(watch, imports)
    if record:
        inside.parts = Parts(watch, imports, record, folder, context)
    atexit.register(_finish, watch, imports, folder, remote)
    gc.set_threshold(_COLLECT_AFTER)
    main_module = sys.modules["__main__"].__dict__
    for name in [name for name in main_module if not name.startswith("__")]:
        del main_module[name]
    imports.start()
    watch_streams(watch)
    watch.seen.began = time.time_ns()
    Asking(watch).start()
    Events(watch).start()
    try:
        if code is None:
            _run_module(target)
        else:
            watch.seen.files[os.path.abspath(target)] = None
            path = _path_of(target)
            main_module.update(
                __file__=path,
                __cached__=None,
                __spec__=None,
                __loader__=SourceFileLoader("__main__", path),
            )
            exec(code, main_module)
    except Exception as error:
        _show(error)
        sys.exit(1)


def _remote_told_in(folder: str) -> Remote | None:
    """The remote cache that the process which started this one uses; None if there is none."""
    path = os.path.join(folder, REMOTE)
    try:
        with open(path, "rb") as file:
            told = json.loads(file.read())
    except FileNotFoundError:
        return None
    from derivload.loading.remote_settings import remote_settings
    from derivload.store.remote.remote import Remote

    settings = remote_settings(*told)
    if settings is None:
        return None
    remote = Remote(settings, say)
    use_remote_in_this_process(remote)
    return remote


def _path_of(target: str) -> str:
    """The path of a script as Python has it."""
    return os.path.join(os.getcwd(), target)


def _compiled(path: str) -> CodeType:
    """The code of a script. Ends the process if it is none."""
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        say(f"error: {path}: {error.strerror or error}")
        sys.exit(BAD_USAGE)
    try:
        return compile(source, _path_of(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        sys.excepthook(type(error), error.with_traceback(None), None)
        sys.exit(1)


def _run_module(name: str) -> None:
    """Run a module as `python -m` does. Ends the process if there is none of this name."""
    try:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = find_spec(f"{name}.__main__")
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):  # something that it imports is missing
            raise
        say(f"error: {name} cannot be imported: {error}")
        sys.exit(BAD_USAGE)
    except ValueError as error:  # of a name that is none
        say(f"error: {name} cannot be imported: {error}")
        sys.exit(BAD_USAGE)
    if spec is None:
        say(f"error: there is no module {name} to run")
        sys.exit(BAD_USAGE)
    runpy._run_module_as_main(name)  # type: ignore[attr-defined]


def _show(error: Exception) -> None:
    """Show an exception that the script raised, as Python would have shown it."""
    if type(error).__module__ == "derivload.loading.errors":
        from derivload.terminal.stderr import say_lines

        say_lines(str(error).split("\n"))
        return
    seen: set[int] = set()
    shown: list[BaseException | None] = [error]
    while shown:
        one = shown.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = _without_own(one.__traceback__)
            shown += [one.__cause__, one.__context__]
    sys.excepthook(type(error), error, error.__traceback__)


def _without_own(frames: TracebackType | None) -> TracebackType | None:
    """A traceback without derivload's frames, and those of imports, which Python hides too."""
    if frames is None:
        return None
    rest = _without_own(frames.tb_next)
    if frames.tb_frame.f_code.co_filename.startswith(_HIDDEN):
        return rest
    return TracebackType(rest, frames.tb_frame, frames.tb_lasti, frames.tb_lineno)


def _finish(watch: Watch, imports: Imports, folder: str, remote: Remote | None) -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    with watch.unwatched():
        store = None if remote is None else try_to_open_store()
        if remote is not None and store is not None:
            from derivload.loading.remote_settings import close_remote

            close_remote(remote, store)
        imports.finish()
        seen = watch.finish()
        write_seen(os.path.join(folder, SEEN), seen)
