"""Turns parsed options into values: the input files, the target of the outputs, the store."""

from __future__ import annotations

from contextlib import nullcontext

from derivload.loading.cache_settings import cache_folder, find_store, open_store
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files, find_files
from derivload.outputs.target import Target
from derivload.terminal.stderr import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from contextlib import AbstractContextManager

    from derivload.pytorch.codegen.selection import Selection
    from derivload.store.store import Store


def files_of(options: argparse.Namespace) -> Files:
    """The input files that the options name. Raises UsageError."""
    if options.no_tree_code and options.pytorch is None:
        raise UsageError("--no-tree-code is about the code of a tree: name one with --pytorch")
    files = find_files(
        derivatives=options.derivatives,
        native_functions=options.native_functions,
        tags=options.tags,
        torch_version=options.torch_version,
        pytorch=options.pytorch,
    )
    files.may_run_tree = not options.no_tree_code
    return files


def say_files(options: argparse.Namespace, files: Files) -> None:
    """With `--verbose`, say which files are taken and whose rules are followed."""
    if not options.verbose:
        return
    for path in files.paths:
        say(f"input      {path}")
    if files.tree is not None:
        say(f"rules      those of {files.tree.root}")
    else:
        say(f"rules      those of torch {files.version or 'of the newest release that is known'}")


def target_of(options: argparse.Namespace) -> Target:
    """Where the outputs and the depfile go."""
    return Target(
        options.out_dir,
        getattr(options, "shards", None),
        options.depfile,
        options.depfile_target,
        is_for_cmake=options.depfile_for == "cmake",
        install_dir=getattr(options, "install_dir", None),
    )


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
        if options.verbose:
            say(f"cache      {cache_folder(options.cache_dir)}")
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
