"""Turns parsed options into values: the input files, the target of the outputs, the store."""

from __future__ import annotations

from contextlib import nullcontext

from derivload.loading.additions import add_to
from derivload.loading.cache_settings import find_store, open_store
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files, find_files, spell_option
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
    files = find_files(
        derivatives=derivatives[0] if derivatives else None,
        native_functions=options.native_functions,
        tags=options.tags,
        torch_version=options.torch_version,
        pytorch=options.pytorch,
    )
    files.may_run_tree = not options.no_tree_code
    additions = Additions(
        options.dispatch_key,
        options.entry_key,
        override=options.override,
        sections=options.section,
    )
    add_to(files, derivatives[1:], additions, spell_option, options.backend_yaml)
    return files


def target_of(options: argparse.Namespace) -> Target:
    """Where the outputs and the depfile go. Raises UsageError."""
    if options.depfile_for is not None and options.depfile is None:
        raise UsageError("--depfile-for needs a depfile: name one with --depfile")
    return Target(
        options.out_dir,
        getattr(options, "shards", None),
        options.depfile,
        options.depfile_target,
        is_for_cmake=options.depfile_for == "cmake",
        install_dir=getattr(options, "install_dir", None),
    )


def wanted_of(options: argparse.Namespace, files: Files) -> Wanted | None:
    """Which warnings the options want; None for all. Raises UsageError."""
    names = ("select", "ignore", "extend_select", "extend_ignore")
    tables = ("per_operator_ignore", "per_file_ignore")
    given = {name: getattr(options, name, None) for name in (*names, *tables)}
    if not any(value is not None for value in given.values()):
        return None
    from derivload.wanted import want

    in_files = _by_file(given["per_file_ignore"] or {}, files)
    try:
        return want(
            given["select"],
            given["ignore"] or (),
            given["extend_select"] or (),
            given["extend_ignore"] or (),
            per_operator_ignore=given["per_operator_ignore"],
            per_file_ignore=in_files,
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
        raise UsageError("--pytorch is missing: the generators are PyTorch's own")
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
        return (find_store if to_read else open_store)(options.cache_dir)
    except StoreError as error:
        say(f"warning: going on without the cache: {error}; --cache-dir names another folder")
        return None


def importing_of(options: argparse.Namespace) -> AbstractContextManager[object]:
    """The context manager to enter while msgspec is imported.

    It does nothing unless this process is derivload's own.
    """
    if not options.is_own_process:
        return nullcontext()
    from derivload.commands.own_process import importing_msgspec

    return importing_msgspec()
