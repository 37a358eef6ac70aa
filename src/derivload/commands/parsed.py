"""Turns parsed options into values: the input files, the target of the outputs, the store."""

from __future__ import annotations

import os
from contextlib import nullcontext

from derivload.loading.additions import add_to
from derivload.loading.cache_settings import REMOTE_CACHE, cache_folder, find_store, open_store
from derivload.loading.errors import UsageError
from derivload.loading.paths import (
    DERIVATIVES,
    NATIVE_FUNCTIONS,
    Files,
    find_files,
    spell_option,
)
from derivload.loading.request import Request
from derivload.outputs.target import Target
from derivload.sources.additions import Additions
from derivload.terminal.stderr import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from derivload.pytorch.codegen.selection import Selection
    from derivload.store.store import Store
    from derivload.wanted import Wanted


def files_of(options: argparse.Namespace) -> Files:
    """The input files that the options name. Raises UsageError."""
    if options.no_tree_code and options.pytorch is None:
        raise UsageError("--no-tree-code is about the code of a tree: name one with --pytorch")
    derivatives: list[str] = options.derivatives
    named = (derivatives, options.native_functions, options.tags)
    if not options.catalogue and options.pytorch is None and not any(named):
        raise UsageError(_nothing_named(options))
    files = find_files(
        derivatives=derivatives[0] if derivatives else None,
        native_functions=options.native_functions,
        tags=options.tags,
        torch_version=options.torch_version,
        pytorch=options.pytorch,
        catalogue=options.catalogue,
    )
    files.may_run_tree = not options.no_tree_code
    additions = Additions(
        options.dispatch_key,
        options.entry_key,
        override=options.override,
        sections=options.section,
    )
    add_to(files, derivatives[1:], additions, spell_option, options.backend_yaml)
    files.note_origin(options.origin)
    return files


def _nothing_named(options: argparse.Namespace) -> str:
    """What to say if nothing names the inputs."""
    found = [name for name in (DERIVATIVES, NATIVE_FUNCTIONS) if os.path.isfile(name)]
    if found:
        write = f"--derivatives {DERIVATIVES} --native-functions {NATIVE_FUNCTIONS}"
        return f"nothing names the inputs: for {' and '.join(found)} of this folder, write {write}"
    tree = "" if options.origin.search.folder else ", and none was looked for"
    tree = tree or ", and there is no PyTorch tree around this folder"
    return (
        f"nothing names the inputs{tree}: write --pytorch DIR, or --derivatives FILE and "
        "--native-functions FILE, here or in derivload.toml; or --catalogue for the examples that "
        "ship with derivload"
    )


def say_files(options: argparse.Namespace, files: Files) -> None:
    """With `--verbose`, say which files are taken, whose rules are followed, and what is replaced.

    Raises UsageError.
    """
    if not options.verbose:
        return
    for path in files.paths:
        say(f"input      {path}")
    if files.tree is not None:
        say(f"rules      those of {files.tree.root}")
    else:
        say(f"rules      those of torch {files.version or 'of the newest release that is known'}")
    if files.additions.override:
        from derivload.commands.replaced import list_replaced

        for line in list_replaced(Request(files)):
            say(f"replaced   {line}")


def say_told(options: argparse.Namespace, files: Files) -> None:
    """Say which files were taken if no option named them."""
    if files.told and not options.quiet:
        say(files.told)


def target_of(options: argparse.Namespace) -> Target:
    """Where the outputs and the depfile go."""
    return Target(
        options.out_dir,
        getattr(options, "shards", None),
        options.depfile,
        options.depfile_target,
        is_for_cmake=options.depfile_for == "cmake",
        install_dir=getattr(options, "install_dir", None),
        with_places=getattr(options, "places", False),
    )


def wanted_of(options: argparse.Namespace, files: Files) -> Wanted | None:
    """Which warnings the options want; None for all. Raises UsageError."""
    names = ("select", "ignore", "extend_select", "extend_ignore")
    given = {name: getattr(options, name) for name in names}
    tables = options.found_settings.tables
    for_operators = tables.get("per-operator-ignore")
    in_files = tables.get("per-file-ignore")
    if not for_operators and not in_files and all(value is None for value in given.values()):
        return None
    from derivload.wanted import want

    try:
        return want(
            given["select"],
            given["ignore"] or (),
            given["extend_select"] or (),
            given["extend_ignore"] or (),
            per_operator_ignore=for_operators,
            per_file_ignore=_by_file(in_files or {}, files),
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _by_file(patterns: Mapping[str, Sequence[str]], files: Files) -> dict[str, list[str]]:
    """What is ignored in each input file: by patterns of its path or of its name alone."""
    from pathlib import Path

    found: dict[str, list[str]] = {}
    for pattern, names in patterns.items():
        matching = [p for p in files.paths if Path(p).match(pattern)]
        for path in matching or [pattern]:  # the names are checked in any case
            found.setdefault(path, []).extend(names)
    return found


def selection_of(options: argparse.Namespace) -> Selection:
    """Which of PyTorch's generators to run, and for which operators. Raises UsageError."""
    from derivload.pytorch.codegen.selection import Selection

    if options.no_tree_code:
        raise UsageError("--no-tree-code leaves no generators: they are code of the tree")
    if options.pytorch is None:
        raise UsageError(
            "--pytorch is missing: the generators are PyTorch's own, and this folder is in no tree"
        )
    if getattr(options, "shards", None) is not None:
        raise UsageError("--shards is only for documents: PyTorch's generators choose their shards")
    return Selection(
        options.subset,
        options.disable_autograd,
        options.selected_op_list_path,
        options.operators_yaml_path,
    )


def open_store_of(options: argparse.Namespace, *, to_read: bool = False) -> Store | None:
    """Open the store. None with `--no-cache`, or, with one warning, if the store cannot be used.

    `to_read` makes no store: then None means, too, that there is none yet.
    """
    if options.no_cache:
        return None
    from derivload.store.owned import StoreError

    try:
        if options.verbose:
            say(f"cache      {cache_folder(options.cache_dir)}")
        store = (find_store if to_read else open_store)(options.cache_dir)
    except StoreError as error:
        say(f"warning: going on without the cache: {error}; {error.advice}")
        return None
    if store is not None and is_remote_named(options):
        from derivload.commands.remote_cache import begin_remote

        begin_remote(store, options)
    return store


def is_remote_named(options: argparse.Namespace) -> bool:
    """Whether a command that can use a remote cache may have one."""
    can_use = hasattr(options, "remote_cache")
    return can_use and bool(options.remote_cache or os.environ.get(REMOTE_CACHE))


def with_remote_ended(options: argparse.Namespace, status: int) -> int:
    """End the remote cache, if there is one, and return `status`."""
    if not is_remote_named(options):
        return status
    from derivload.commands.remote_cache import end_remote

    return end_remote(options, status)


def importing_of(options: argparse.Namespace) -> AbstractContextManager[object]:
    """The context manager to enter while msgspec is imported.

    It does nothing unless this process is derivload's own.
    """
    if not options.is_own_process:
        return nullcontext()
    from derivload.commands.own_process import importing_msgspec

    return importing_msgspec()
