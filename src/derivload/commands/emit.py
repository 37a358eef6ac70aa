"""`derivload emit`: bring the documents in a folder up to date, in the least costly way.

It takes the first of these exits that applies:

1. Everything is up to date. The stamp shows it before this module is even imported.
2. The store has the documents. Nothing is parsed.
3. The store has the state of an earlier load. Only the changes since then are loaded.
4. Everything is loaded.
"""

from __future__ import annotations

from derivload.commands.notes import lasting
from derivload.commands.outcome import RunResult, write_and_say
from derivload.commands.parsed import (
    files_of,
    importing_of,
    open_store_of,
    say_files,
    target_of,
    wanted_of,
    with_remote_ended,
)
from derivload.commands.replaced import list_replaced
from derivload.identity import tool_digest
from derivload.loading.collisions import refuse_collisions
from derivload.loading.request import Request
from derivload.loading.run import Clock, load_inputs
from derivload.outputs.digests import digest_of
from derivload.outputs.files import Writing, listed_documents
from derivload.outputs.others import DOCUMENTS
from derivload.outputs.stamp import Record, stamp_name
from derivload.outputs.target import note_of, write_depfile, write_stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from derivload.loading.paths import Files
    from derivload.loading.warnings import NewWarnings
    from derivload.outputs.target import Target
    from derivload.store.results import Document, Keys


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError and OSError."""
    files = files_of(options)
    say_files(options, files)
    target = target_of(options)
    status = write_and_say(options, lambda: _emit(options, files, target))
    return with_remote_ended(options, status)


def _emit(options: argparse.Namespace, files: Files, target: Target) -> RunResult:
    """Write the documents of the inputs in `files`, and the depfile if `target` names one.

    Documents that an earlier run with another number of shards left there are removed; its
    manifest lists them. Warnings that the stamp has were shown before.

    Raises UsageError, InputError when the input has errors (nothing is written then), and OSError
    when a file cannot be written.
    """
    clock = Clock()
    wanted = wanted_of(options, files)
    store = open_store_of(options)
    tool = tool_digest()
    clock.step("store")
    request = Request(files, shards=target.shards, with_places=target.with_places)
    request.rules_from = store
    keys = request.keys
    clock.step("inputs")
    loaded = load_inputs(request, store, clock=clock, importing=lambda: importing_of(options))
    documents = loaded.documents
    # The stamp is a cache too, so --no-cache turns it off.
    is_stamped = not options.no_cache
    warnings = loaded.new_warnings(wanted, target.out_dir if is_stamped else None)
    inputs = [*files.paths, *(path for path, _ in files.consulted)]
    names = [document[0] for document in documents]
    note = note_of(target, inputs, loaded.note)
    refuse_collisions(target, names, stamp_name(), inputs)
    with Writing(target.out_dir, DOCUMENTS) as writing:
        written = writing.write(
            documents, names, lambda: listed_documents(target.out_dir, documents)
        )
        beside = write_depfile(target, names, inputs)
        if is_stamped and loaded.may_be_kept:
            record = _record(tool, files, keys, documents, beside, note=note, warnings=warnings)
            is_alone = not request.rules.why
            write_stamp(writing, stamp_name(), options.arguments, record, is_alone=is_alone)
    clock.step("write")
    return RunResult(
        loaded.exit,
        note,
        written,
        loaded.counts,
        clock.seconds,
        rules=request.rules.told,
        warnings=warnings,
        list_replaced=lambda: list_replaced(request),
        told=files.told,
    )


def _record(
    tool: bytes,
    files: Files,
    keys: Keys,
    documents: Sequence[Document],
    beside: Sequence[tuple[str, str]],
    *,
    note: str,
    warnings: NewWarnings | None,
) -> Record:
    """What the run read, wrote and said, for the stamp."""
    digests = [digest.hex() for digest in keys.digests]
    consulted = ((path, digest_of(data)) for path, data in files.consulted)
    return Record(
        tool,
        inputs=[*zip(files.paths, digests, strict=True), *consulted],
        absent=files.absent,
        outputs=[(name, sha256) for name, _, _, sha256 in documents],
        beside=beside,
        note=lasting(note),
        listed=files.listed,
        variables=files.variables,
        shown=warnings.ids if warnings is not None else (),
        told=files.told,
        origin=files.origin,
    )
