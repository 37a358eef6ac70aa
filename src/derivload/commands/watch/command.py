"""`derivwatch`: what its options mean, and how it starts and ends."""

from __future__ import annotations

import argparse
import gc

from derivload.commands.parsed import (
    files_of,
    open_store_of,
    say_files,
    selection_of,
    wanted_of,
)
from derivload.commands.watch.followed import FollowedOptions
from derivload.commands.watch.lock import HeldError, OutDirLock
from derivload.commands.watch.loop import WatchLoop, WatchOptions
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.shown import OnlyWrong, Shown
from derivload.commands.watch.signals import Stopped
from derivload.commands.watch.view import JsonView, TextView, View
from derivload.exit_status import BY_SIGNAL, ENVIRONMENT
from derivload.loading.live import LiveDocuments, LiveOutputs
from derivload.loading.paths import Files
from derivload.loading.rules_of_tree import find_rules
from derivload.terminal.stderr import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.commands.codegen.live import LiveCodegen
    from derivload.store.store import Store
    from derivload.wanted import Wanted


def run(options: argparse.Namespace) -> int:
    """Run the command; the exit status. Raises UsageError and OSError if it cannot start."""
    if options.codegen:
        selection_of(options)
    if options.explore is not None:
        from derivload.commands.pages.live import refuse_folder

        refuse_folder(options.explore, options.out_dir)
    first = files_of(options)
    say_files(options, first)
    wanted = wanted_of(options, first)

    generated: list[LiveCodegen] = []
    followed = FollowedOptions(options)

    def find() -> Files:
        files = files_of(followed.now())
        if options.codegen:
            from derivload.commands.codegen.upstream import consult_generators

            consult_generators(
                files, selection_of(options), generated[-1].sources if generated else None
            )
        find_rules(files, None)
        return files

    def make_outputs() -> LiveOutputs:
        store = open_store_of(options, to_read=not options.codegen)
        if not options.codegen:
            return _with_pages(options, store, wanted)
        from derivload.commands.codegen.live import LiveCodegen

        made = LiveCodegen(options.out_dir, selection_of(options), store, wanted)
        generated.append(made)
        return made

    return watch(
        WatchOptions(
            find=find,
            out_dir=options.out_dir,
            make_outputs=make_outputs,
            command=options.exec,
            on_busy=options.on_busy,
            poll=options.poll,
            debounce=options.debounce,
            json=options.json,
            has_learned=lambda: any(made.has_learned for made in generated),
            once=options.once,
            quiet=options.quiet,
            is_own_process=options.is_own_process,
        )
    )


def _with_pages(
    options: argparse.Namespace, store: Store | None, wanted: Wanted | None
) -> LiveOutputs:
    """The documents, with the pages if they are wanted."""
    documents = LiveDocuments(
        options.out_dir,
        options.shards,
        store,
        wanted,
        with_places=options.places,
        with_facts=options.explore is not None,
    )
    if options.explore is None:
        return documents
    from derivload.commands.pages.live import LivePages

    return LivePages(documents, options.explore, wanted, is_live=not options.once)


def watch(options: WatchOptions) -> int:
    """Run derivwatch; the exit status.

    It is 128 plus the number of a signal, 3 if another derivwatch writes to out-dir, and 0 when
    nobody reads the reports any more. Raises UsageError and OSError if it cannot start.
    """
    if options.is_own_process:
        # `main` turns it off, for short runs. This one goes on.
        gc.enable()
    options.find()
    view: View = JsonView() if options.json else TextView()
    if options.quiet:
        view = OnlyWrong(view)
    if not options.once:
        view = Shown(view)
    messages = Messages()
    try:
        with messages.signals, OutDirLock(options.out_dir) as lock:
            watching = WatchLoop(options, view, messages, lock)
            try:
                return watching.once() if options.once else watching.run()
            finally:
                watching.close()
    except Stopped as stopped:
        return BY_SIGNAL + stopped.number
    except HeldError as error:
        who = "another derivwatch" if error.pid is None else f"a derivwatch with pid {error.pid}"
        say(f"error: {options.out_dir}: {who} already writes there", "derivwatch")
        return ENVIRONMENT
