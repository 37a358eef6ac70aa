"""The command line: exit statuses, and which stream says what.

Each command's module is imported when that command runs, and the options' when there is
something to do. Exit status: 0 done, 1 the input has errors, 2 wrong usage, 3 the environment
failed.
"""

from __future__ import annotations

import gc
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from derivload.commands.codegen.command import Generated
    from derivload.commands.codegen.live import CodegenLoader
    from derivload.commands.emit import Emitted
    from derivload.loading.paths import Files
    from derivload.outputs.target import Target
    from derivload.pytorch.codegen.selection import Selection
    from derivload.store.store import Store

_DONE, _BAD_INPUT, _BAD_USAGE, _ENVIRONMENT = 0, 1, 2, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run derivload with these arguments, those of the process by default; the exit status."""
    if argv is None:
        return _main(sys.argv[1:], is_own_process=True)
    return _main(list(argv), is_own_process=False)


def watch() -> int:
    """`derivwatch`: the same as `derivload watch`; the exit status."""
    return _main(["watch", *sys.argv[1:]], is_own_process=True)


def _main(arguments: list[str], *, is_own_process: bool) -> int:
    if is_own_process:
        # It makes no cycles, and ends when it is done.
        gc.disable()
        from derivload.identity import start_again_if_unsure

        start_again_if_unsure()
    if None in (sys.stdin, sys.stdout, sys.stderr):  # closed by who started us
        from derivload.terminal.streams import open_closed

        open_closed()
    try:
        status = _run(arguments, is_own_process=is_own_process)
    except KeyboardInterrupt:
        status = 130
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        _say(f"error: {where}{error.strerror or error}")
        status = _ENVIRONMENT
    return _flushed(status)


def _flushed(status: int) -> int:
    """The exit status when all that was printed is written, or cannot be."""
    try:
        sys.stdout.flush()
    except OSError as error:
        from derivload.terminal.streams import let_go

        let_go(sys.stdout)
        if isinstance(error, BrokenPipeError):  # who read our output has seen enough
            return status
        if status != _ENVIRONMENT:  # else that has been said
            _say(f"error: {error.strerror or error}")
        return _ENVIRONMENT
    return status


def _run(arguments: list[str], *, is_own_process: bool) -> int:
    is_worker = arguments == ["emit", "--persistent_worker"]
    if arguments[:1] in (["emit"], ["codegen"]) and not is_worker:
        if any(argument.startswith("@") for argument in arguments):
            named = _with_files_read(arguments)
            if named is None:
                return _BAD_USAGE
            arguments = named
        if not {"--no-cache", "--list-outputs"} & {*arguments} and _nothing_to_do(arguments):
            return _DONE
    if is_own_process:
        from derivload.terminal.streams import make_fit

        make_fit()
    if is_worker:
        from derivload.commands.worker import serve

        return serve(is_own_process)
    if arguments in (["--cmake-dir"], ["--bazel-dir"]):
        from derivload.terminal.stdout import Stdout

        Stdout().print_path(_shipped(arguments[0].strip("-").removesuffix("-dir")))
        return _DONE
    from derivload.commands.options import make_parser

    try:
        options = make_parser().parse_args(arguments)
    except SystemExit as ended:  # it has said why
        return _BAD_USAGE if ended.code else _DONE
    options.is_own_process = is_own_process
    from derivload.loading.errors import UsageError

    try:
        return _command(options, arguments)
    except UsageError as error:
        _say(f"error: {error}")
        return _BAD_USAGE


def _with_files_read(arguments: list[str]) -> list[str] | None:
    """The arguments with those in files; None, with a line that says why, for wrong usage."""
    from derivload.commands.arguments import with_files_read
    from derivload.loading.errors import UsageError

    try:
        return with_files_read(arguments)
    except UsageError as error:
        _say(f"error: {error}")
    except OSError as error:
        _say(f"error: {error.filename}: {error.strerror or error}")
    return None


def _nothing_to_do(arguments: list[str]) -> bool:
    """Whether all is up to date; says so. The exit that builds take hundreds of times a day."""
    start = time.perf_counter()
    from derivload.outputs.stamp import read_stamp

    found = read_stamp(arguments)
    if found is None:
        return False
    if found.note:
        _say(f"note: {found.note}")
    if "--quiet" not in arguments:
        _say(f"{found.out_dir}: up to date")
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument.partition("=")[0] != "--stats":
            continue
        from derivload.commands.stats import print_stats

        form = "json" if argument == "--stats=json" or following == "json" else "text"
        counts = {"inputs": found.inputs, "outputs": found.outputs}
        print_stats(form, "up-to-date", counts, {"check": time.perf_counter() - start})
    return True


def _shipped(name: str) -> str:
    """The folder of build rules: in the package or, in a checkout, beside src."""
    package = os.path.dirname(os.path.abspath(__file__))
    inside = os.path.join(package, name)
    if os.path.isdir(inside):
        return inside
    return os.path.join(os.path.dirname(os.path.dirname(package)), name)


def _command(options: argparse.Namespace, arguments: list[str]) -> int:
    if options.command == "fetch":
        from derivload.commands.fetch.command import run

        return run(options.version, options.to)
    if options.command == "cache":
        from derivload.commands import cache

        return cache.run(options.action, options.cache_dir, options.max_size, options.older_than)
    if options.command == "check":
        return _check(options)
    if options.command == "watch":
        return _watch(options)
    files = _files(options)
    if options.command == "emit":
        return _emit(files, options, arguments)
    if options.command == "codegen":
        return _codegen(files, options, arguments)
    return _show(files, options.operator)


def _files(options: argparse.Namespace) -> Files:
    from derivload.loading.paths import find_files

    return find_files(
        derivatives=options.derivatives,
        native_functions=options.native_functions,
        tags=options.tags,
        torch_version=options.torch_version,
        pytorch=options.pytorch,
    )


def _codegen(files: Files, options: argparse.Namespace, arguments: Sequence[str]) -> int:
    from contextlib import redirect_stdout

    from derivload.commands.codegen.command import codegen, list_outputs
    from derivload.pytorch.errors import GeneratorError
    from derivload.terminal.ending import Ended, cleaned_up_when_ended

    target = _target(options)
    selection = _selection(options)
    # What a generator prints is no result of ours.
    printed = redirect_stdout(sys.stderr)
    try:
        if options.list_outputs:
            with printed:
                names = list_outputs(files, selection)
            from derivload.terminal.stdout import Stdout

            Stdout().print_lines(names)
            return _DONE
        with cleaned_up_when_ended(options.is_own_process), printed:
            stamped = None if options.no_cache else arguments
            done = codegen(
                files,
                selection,
                target,
                stamped,
                lambda: _open_store(options),
                importing=lambda: _importing(options),
            )
    except GeneratorError as error:
        from derivload.terminal.stderr import say_lines

        say_lines([*error.lines, f"derivload: {error.summary}; nothing was written"])
        return _BAD_INPUT
    except Exception as error:
        return _report(error, "; nothing was written")
    except Ended as ended:
        _say("error: ended by SIGTERM; each output is as it was, or done")
        return ended.status
    _say_done(done, options)
    return _DONE


def _emit(files: Files, options: argparse.Namespace, arguments: Sequence[str]) -> int:
    from derivload.commands.emit import emit
    from derivload.terminal.ending import Ended, cleaned_up_when_ended

    target = _target(options)
    try:
        with cleaned_up_when_ended(options.is_own_process):
            # The stamp is a cache too.
            stamped = None if options.no_cache else arguments
            done = emit(
                files,
                target,
                stamped,
                lambda: _open_store(options),
                importing=lambda: _importing(options),
            )
    except Exception as error:
        return _report(error, "; nothing was written")
    except Ended as ended:
        _say("error: ended by SIGTERM; each output is as it was, or done")
        return ended.status
    _say_done(done, options)
    return _DONE


def _target(options: argparse.Namespace) -> Target:
    from derivload.outputs.target import Target

    if options.depfile_for is not None and options.depfile is None:
        from derivload.loading.errors import UsageError

        raise UsageError("--depfile-for is for a depfile: name one with --depfile")
    return Target(
        options.out_dir,
        getattr(options, "shards", None),
        options.depfile,
        options.depfile_target,
        is_for_cmake=options.depfile_for == "cmake",
    )


def _importing(options: argparse.Namespace) -> AbstractContextManager[object]:
    """What is entered while msgspec is imported."""
    if not options.is_own_process:
        from contextlib import nullcontext

        return nullcontext()
    from derivload.commands.own_process import importing_msgspec

    return importing_msgspec()


def _say_done(done: Emitted | Generated, options: argparse.Namespace) -> None:
    written = done.written
    if done.note:
        _say(f"note: {done.note}")
    if not options.quiet:
        changes = [f"wrote {', '.join(written.written)}"] if written.written else []
        if written.removed:
            changes.append(f"removed {', '.join(written.removed)}")
        _say(f"{options.out_dir}: {'; '.join(changes) or 'up to date'}")
    if options.stats is not None:
        from derivload.commands.stats import print_stats

        counts = {
            "written": len(written.written),
            "unchanged": len(written.unchanged),
            "removed": len(written.removed),
            **done.counts,
        }
        print_stats(options.stats, done.exit, counts, done.seconds)


def _open_store(options: argparse.Namespace) -> Store | None:
    """The store, or None and one warning when it cannot be used."""
    if options.no_cache:
        return None
    from derivload.loading.cache_settings import cache_folder, cache_size_limit
    from derivload.store.store import Store, StoreError

    size_limit = cache_size_limit()
    try:
        return Store(cache_folder(options.cache_dir), size_limit)
    except StoreError as error:
        _say(f"warning: going on without the cache: {error}; --cache-dir names another folder")
        return None


def _watch(options: argparse.Namespace) -> int:
    from derivload.commands.watch.command import WatchOptions, watch
    from derivload.loading.errors import UsageError
    from derivload.loading.live import DocumentLoader, Loader

    for name in ("subset", "disable_autograd", "selected_op_list_path", "operators_yaml_path"):
        if not options.codegen and getattr(options, name) not in ("all", False, None):
            raise UsageError(f"--{name.replace('_', '-')} is for --codegen: write that too")
    if options.codegen:
        _selection(options)

    loaders: list[CodegenLoader] = []

    def find() -> Files:
        files = _files(options)
        if options.codegen:
            from derivload.commands.codegen.command import consult_generators

            consult_generators(files, _selection(options), loaders[-1].sources if loaders else None)
        return files

    def make_loader() -> Loader:
        if not options.codegen:
            return DocumentLoader(options.out_dir, options.shards)
        from derivload.commands.codegen.live import CodegenLoader

        loader = CodegenLoader(options.out_dir, _selection(options), lambda: _open_store(options))
        loaders.append(loader)
        return loader

    return watch(
        WatchOptions(
            find=find,
            out_dir=options.out_dir,
            loader=make_loader,
            command=options.exec,
            on_busy=options.on_busy,
            poll=options.poll,
            debounce=options.debounce,
            json=options.json,
            has_learned=lambda: any(loader.has_learned for loader in loaders),
            once=options.once,
            is_own_process=options.is_own_process,
        )
    )


def _selection(options: argparse.Namespace) -> Selection:
    """Which of PyTorch's generators are to run. Raises UsageError."""
    from derivload.loading.errors import UsageError
    from derivload.pytorch.codegen.selection import Selection

    if options.pytorch is None:
        raise UsageError("--pytorch is missing: the generators are PyTorch's own")
    if getattr(options, "shards", None) is not None:
        raise UsageError("--shards is for documents: PyTorch's generators have shards of their own")
    return Selection(
        options.subset,
        options.disable_autograd,
        options.selected_op_list_path,
        options.operators_yaml_path,
    )


def _check(options: argparse.Namespace) -> int:
    from derivload.commands.check.command import check, explain, print_checked

    if options.explain is not None:
        explain(options.explain)
        return _DONE
    checked = check(_files(options), lambda: _open_store(options))
    return print_checked(checked, options.format, strict=options.strict)


def _show(files: Files, operator: str) -> int:
    from derivload.commands.show.command import show
    from derivload.loading.inputs import read_inputs

    try:
        inputs = read_inputs(files)
        if inputs.note:
            _say(f"note: {inputs.note}")
        return show(inputs, operator)
    except Exception as error:
        return _report(error, "")


def _report(error: Exception, consequence: str) -> int:
    """Print the diagnostics that an error carries; the exit status. Raises any other error."""
    from derivload.loading.errors import InputError

    if not isinstance(error, InputError):
        raise error
    from derivload.terminal.stderr import say_lines

    count = len(error.diagnostics)
    counted = f"derivload: {count} {'error' if count == 1 else 'errors'}{consequence}"
    say_lines([*str(error).split("\n"), counted])
    return _BAD_INPUT


def _say(message: str) -> None:
    """Say a line on stderr. The exit that does nothing imports nothing for a line that is fit."""
    line = f"derivload: {message}"
    if line.isprintable() and "##" not in line:
        try:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
            return
        except (OSError, AttributeError):  # nobody can read it
            pass
    from derivload.terminal.stderr import say

    say(message)
