"""`derivload codegen`: bring the files of PyTorch's own generators up to date.

It takes the first of these exits that applies:

1. Everything is up to date. The stamp shows it before this module is imported.
2. Nothing that the generators look at has changed.
3. The generators run only for what changed.
4. The generators run for everything.

If the short cut of running them item by item cannot be taken, upstream's own path runs whole.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout, suppress
from typing import TYPE_CHECKING

from derivload.commands.codegen.apart import places_apart, without, write_apart
from derivload.commands.notes import lasting
from derivload.commands.outcome import RunResult, report, write_and_say
from derivload.commands.parsed import (
    files_of,
    importing_of,
    open_store_of,
    say_files,
    selection_of,
    target_of,
    wanted_of,
    with_remote_ended,
)
from derivload.commands.replaced import list_replaced
from derivload.exit_status import DONE
from derivload.identity import python_digest, tool_digest
from derivload.loading.collisions import refuse_collisions
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.loading.rules_of_tree import job_release, key_of_additions
from derivload.loading.run import Clock, find_loaded, load_inputs
from derivload.outputs.digests import digest_of, digests_of_files
from derivload.outputs.files import Writing, WrittenFiles
from derivload.outputs.stamp import Record, read_outputs, stamp_name
from derivload.outputs.target import Target, note_of, write_depfile, write_stamp
from derivload.pytorch.codegen.job import Head, Job, Made, find_head
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.shared import pull_files, push_files
from derivload.pytorch.codegen.upstream import Sources, Upstream, locate
from derivload.pytorch.errors import GeneratorError, UnexpectedTorchgenError
from derivload.store.results import learn_entries
from derivload.terminal.progress import tell

if TYPE_CHECKING:
    import argparse
    from contextlib import AbstractContextManager

    from derivload.loading.run import Importing, LoadedInputs
    from derivload.pytorch.codegen.generators import Generators
    from derivload.store.store import Store
    from derivload.wanted import Wanted


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError and OSError."""
    selection = selection_of(options)
    files = files_of(options)
    say_files(options, files)
    target = target_of(options)

    def write() -> RunResult:
        with _printed_beside():
            return codegen(
                files,
                selection,
                target,
                None if options.no_cache else options.arguments,
                lambda: open_store_of(options),
                wanted=wanted_of(options, files),
                importing=lambda: importing_of(options),
                jobs=options.jobs,
            )

    if not options.list_outputs:
        return with_remote_ended(options, write_and_say(options, write))
    try:
        with _printed_beside():
            names = list_outputs(files, selection)
    except GeneratorError as error:
        return report(error, "; nothing was written")
    apart = places_apart(target.install_dir, names)
    names = [apart.get(name, name) for name in names]
    from derivload.terminal.stdout import Stdout

    Stdout().print_lines(names)
    return DONE


def _printed_beside() -> AbstractContextManager[object]:
    """Send what a generator prints to stderr: stdout is only for our own results."""
    return redirect_stdout(sys.stderr)


def codegen(
    files: Files,
    selection: Selection,
    target: Target,
    arguments: Sequence[str] | None,
    open_store: Callable[[], Store | None] = lambda: None,
    *,
    wanted: Wanted | None = None,
    importing: Importing = nullcontext,
    jobs: int | None = None,
) -> RunResult:
    """Run PyTorch's generators on the inputs in `files`, and write the files that differ.

    `arguments` are the command line's, for the stamp; None writes no stamp. `wanted` says which
    warnings to show; those that the stamp has were shown before. `importing` is entered while
    msgspec is imported. `jobs` is how many processes may run; None: as many as there are cores and
    memory for.

    Raises UsageError, InputError when the input has errors or the generators refuse it,
    GeneratorError when one raises another exception (nothing is written then), and OSError when a
    file cannot be read or written.
    """
    clock = Clock()
    upstream = find_upstream(files)
    store = open_store()
    clock.step("store")
    request = Request(files)
    request.rules_from = store
    clock.step("inputs")
    deprecated = read_file(upstream.deprecated)
    job = _job(upstream, selection, files, target, store)
    inputs, made = _recall(request, store, job, deprecated)
    clock.step("recall")
    apart, changed = _compare(target, made)
    generators: Generators | None = None
    loaded: LoadedInputs | None = None
    if made is None or (changed and not made.has_content):
        generators = _generators(job, store, jobs)
        with generators.begun(request.files):
            loaded = load_inputs(request, store, clock=clock, importing=importing)
            made = _make(request, generators, deprecated, loaded)
        clock.step("generate")
        inputs = inputs if loaded.is_of_entries else b""
        apart, changed = _compare(target, made)
    loaded = loaded or find_loaded(request, store)
    out_dir = target.out_dir if arguments is not None else None
    warnings = loaded.new_warnings(wanted, out_dir) if loaded is not None else None
    stamp = stamp_name(selection.subset)
    known = [path for path, _ in _all_read(request, job, deprecated)]
    refuse_collisions(target, [apart.get(name, name) for name in made.files], stamp, known)
    with Writing(target.out_dir, stamp) as writing:
        digests, digests_apart, written = _write(writing, target, made, changed, stamp)
        if generators is not None:
            generators.written({**digests, **digests_apart})
        clock.step("write")
        # If nothing was generated, the files depend only on the sources as we read them.
        is_settled = generators is None or generators.settle(inputs, made.note)
        job = job if generators is None else generators.job
        if generators is not None and is_settled and made.exit != "plain":
            _share(store, job, Head(inputs, made.note, {**digests, **digests_apart}), target, apart)
        read = _all_read(request, job, deprecated)
        inputs_read = [*dict.fromkeys(path for path, _ in read)]
        note = note_of(target, inputs_read, made.note)
        beside = write_depfile(target, [*digests, *apart.values()], inputs_read)
        beside += [(apart[name], digest) for name, digest in digests_apart.items()]
        if not is_settled:
            writing.leave_journal()
        elif arguments is not None:
            record = _record(
                *(files, job, read),
                outputs=[*digests.items()],
                beside=beside,
                note=note,
                shown=warnings.ids if warnings is not None else (),
            )
            write_stamp(writing, stamp, arguments, record)
    clock.step("keep")
    return RunResult(
        *(made.exit, note, written, made.counts, clock.seconds),
        rules=request.rules.told,
        warnings=warnings,
        list_replaced=lambda: list_replaced(request),
        told=files.told,
    )


def _job(
    upstream: Upstream, selection: Selection, files: Files, target: Target, store: Store | None
) -> Job:
    sources, release = Sources(upstream), job_release(files)
    job = Job(upstream, sources, selection, release, target.out_dir, tool_digest())
    return job.with_kept_trace(store)


def _share(
    store: Store | None, job: Job, head: Head, target: Target, apart: Mapping[str, str]
) -> None:
    """Begin to send the files of a run to the remote cache, if there is one that takes them."""
    if store is not None and store.pushes and head.inputs:
        inside = {name: os.path.join(target.out_dir, name) for name in head.files}
        places = {**inside, **apart}
        push_files(store, job, head, lambda name: read_file(places[name]))


def _recall(
    request: Request, store: Store | None, job: Job, deprecated: bytes
) -> tuple[bytes, Made | None]:
    """The digest of the inputs, and the files that are known to be made of them, if any."""
    head = find_head(store, job.digest())
    if store is not None:
        learn_entries(store, request.keys, may_pull=False)
    inputs = job.digest_of_inputs(request.keys.digests_of_entries(), deprecated)
    if not request.is_readable:
        return inputs, None
    made = head.made(inputs)
    return inputs, made if made is not None else pull_files(store, job, inputs)


def _all_read(request: Request, job: Job, deprecated: bytes) -> list[tuple[str, str]]:
    """Every file that the generated files depend on, with its digest. Raises OSError."""
    return [
        *zip(request.files.paths, [digest.hex() for digest in request.keys.digests], strict=True),
        *((path, digest_of(data)) for path, data in request.files.consulted),
        *job.sources.files,
        (job.upstream.deprecated, digest_of(deprecated)),
        *((path, digest_of(read_file(path))) for path in job.selection.paths),
    ]


def _record(
    files: Files,
    job: Job,
    read: list[tuple[str, str]],
    *,
    outputs: list[tuple[str, str]],
    beside: list[tuple[str, str]],
    note: str,
    shown: Sequence[str],
) -> Record:
    """What the stamp says of a run."""
    return Record(
        job.tool,
        inputs=read,
        absent=[*files.absent, *job.sources.absent],
        outputs=outputs,
        beside=beside,
        note=lasting(note),
        listed=[*files.listed, *job.sources.listed],
        variables=job.sources.variables,
        python=python_digest(),
        shown=shown,
        told=files.told,
        origin=files.origin,
    )


def _compare(target: Target, made: Made | None) -> tuple[dict[str, str], list[str]]:
    """The paths of the files that do not go to the out-dir, and the names of all that differ."""
    if made is None:
        return {}, []
    apart = places_apart(target.install_dir, made.files)
    return apart, find_changed(target.out_dir, made, apart)


def _write(
    writing: Writing, target: Target, made: Made, changed: Sequence[str], stamp: str
) -> tuple[dict[str, str], dict[str, str], WrittenFiles]:
    """Write the files in `changed`.

    Returns the sha256 of those in the out-dir, of those that are not, and what was written.
    """
    apart = places_apart(target.install_dir, made.files)
    inside = [name for name in changed if name not in apart]
    digests, done = write_made(writing, target.out_dir, without(made, apart), inside, stamp)
    digests_apart, written = write_apart(made, changed, apart)
    all_written = WrittenFiles([*done.written, *written], done.unchanged, done.removed)
    return digests, digests_apart, all_written


def list_outputs(files: Files, selection: Selection) -> list[str]:
    """The names of the files that a run writes, sorted. Raises UsageError."""
    from derivload.pytorch.codegen.generators import list_files

    upstream = find_upstream(files)
    try:
        names = list_files(upstream, selection)
    except UnexpectedTorchgenError as error:
        raise UsageError(f"derivload does not know generators of this form: {error}") from None
    return sorted(names)


def _generators(job: Job, store: Store | None, jobs: int | None) -> Generators:
    """The generators. They are not imported before it is clear that something is to be made."""
    from derivload.pytorch.codegen.generators import Generators

    tell("loading the definitions")
    return Generators(job, store, jobs)


def _make(
    request: Request, generators: Generators, deprecated: bytes, loaded: LoadedInputs
) -> Made:
    """Generate the files."""
    from derivload.engine.inputs import InputEntries
    from derivload.loading.warnings import find_refused

    entries = InputEntries(request.inputs.texts, splits=request.keys.splits())
    made = generators.make(
        request.files,
        entries,
        loaded.lines,
        deprecated,
        find_refused=lambda: find_refused(request),
    )
    notes = [note for note in (loaded.note, made.note) if note]
    return made._replace(note="; ".join(notes))


def find_upstream(files: Files) -> Upstream:
    """The generators that belong to the inputs. Raises UsageError."""
    try:
        found = locate(files.native_functions[0])
        return found._replace(
            dispatch_keys=files.additions.dispatch_keys, additions=key_of_additions(files)
        )
    except UnexpectedTorchgenError as error:
        raise UsageError(f"PyTorch's generators cannot be found: {error}") from None


def consult_generators(
    files: Files,
    selection: Selection,
    find_sources: Callable[[Upstream, str], Sources] | None = None,
) -> None:
    """Add the generators, and the files that they read, to what `files` depends on.

    `find_sources` takes the generators and the release to follow, and returns everything that the
    generators are known to read. Without it, only their own sources count. Raises UsageError, and
    OSError when a file cannot be read.
    """
    upstream = find_upstream(files)
    if find_sources is None:
        sources = Sources(upstream)
    else:
        sources = find_sources(upstream, job_release(files))
    for path, _ in sources.files:
        with suppress(FileNotFoundError):  # deleted meanwhile: the next look at the files notices
            files.consulted.append((path, read_file(path)))
    files.absent += sources.absent
    files.listed += sources.listed
    for path in (upstream.deprecated, *selection.paths):
        files.consulted.append((path, read_file(path)))


def write_made(
    writing: Writing, out_dir: str, made: Made, changed: Sequence[str], stamp: str
) -> tuple[dict[str, str], WrittenFiles]:
    """Write the files in `changed`, which `find_changed` found, and remove those no longer made.

    Only files that the last run with this stamp wrote are removed. Returns the sha256 of each file
    in hex, by name, and what was written, unchanged and removed. Raises OSError.
    """
    digests = dict(made.files)

    def contents() -> Iterator[tuple[str, bytes, int, str]]:
        for number, name in enumerate(changed):
            tell(f"writing {name}", number, len(changed))
            data = made.content(name)
            digests[name] = digest_of(data)
            yield name, data, 0, digests[name]

    written = writing.write(
        contents() if changed else (),
        [*made.files],
        lambda: read_outputs(os.path.join(out_dir, stamp)),
    )
    unchanged = [name for name in made.files if name not in changed]
    return digests, WrittenFiles(written.written, unchanged + written.unchanged, written.removed)


def find_changed(out_dir: str, made: Made, apart: Mapping[str, str] | None = None) -> list[str]:
    """The names of the files that are not rendered yet, are missing, or hold other bytes.

    `apart` has the paths of those that are not in the out-dir.
    """
    paths = {name: os.path.join(out_dir, name) for name in made.files} | dict(apart or {})
    there = digests_of_files(paths[name] for name, sha256 in made.files.items() if sha256)
    return [
        name for name, sha256 in made.files.items() if not sha256 or there[paths[name]] != sha256
    ]


def read_file(path: str) -> bytes:
    """The bytes of a file. Raises OSError."""
    with open(path, "rb") as file:
        return file.read()
