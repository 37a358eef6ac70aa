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
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, NamedTuple

from derivload.commands.codegen.apart import places_apart, without, write_apart
from derivload.commands.codegen.made import find_changed, read_file, write_made
from derivload.commands.codegen.upstream import find_upstream, list_outputs
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
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.loading.rules_of_tree import job_release
from derivload.loading.run import Clock, find_loaded, load_inputs
from derivload.outputs.digests import digest_of
from derivload.outputs.files import Writing, WrittenFiles
from derivload.outputs.stamp import Record, stamp_name
from derivload.outputs.target import Target, note_of, write_depfile, write_stamp
from derivload.pytorch.codegen.job import Head, Job, Made, find_head
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.shared import pull_files, push_files
from derivload.pytorch.codegen.upstream import Sources
from derivload.pytorch.errors import GeneratorError
from derivload.store.results import learn_entries
from derivload.terminal.progress import tell

if TYPE_CHECKING:
    import argparse
    from contextlib import AbstractContextManager

    from derivload.engine.inputs import InputEntries
    from derivload.loading.run import Importing, LoadedInputs
    from derivload.loading.warnings import NewWarnings
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
    begun = _begin(files, selection, target, open_store, clock)
    made = _recall(begun)
    clock.step("recall")
    changed = [] if made is None else _find_changed(target, made)
    shown_in = target.out_dir if arguments is not None else None

    def find_warnings(loaded: LoadedInputs) -> NewWarnings | None:
        return loaded.new_warnings(wanted, shown_in)

    if made is not None and (made.has_content or not changed):
        loaded = find_loaded(begun.request, begun.store)
        warnings = None if loaded is None else find_warnings(loaded)
        done = _Generated(made, changed, begun.inputs, warnings, None)
    else:
        done = _generate(begun, clock, importing, jobs, find_warnings)
    note, written = _write(begun, done, arguments, clock)
    return RunResult(
        *(done.made.exit, note, written, done.made.counts, clock.seconds),
        rules=begun.request.rules.told,
        warnings=done.warnings,
        list_replaced=lambda: list_replaced(begun.request),
        told=files.told,
    )


class _Begun(NamedTuple):
    """A run that has looked at its inputs. `inputs` is their digest."""

    files: Files
    target: Target
    store: Store | None
    request: Request
    job: Job
    deprecated: bytes
    inputs: bytes

    @property
    def stamp(self) -> str:
        """The name of its stamp."""
        return stamp_name(self.job.selection.subset)

    def read(self, job: Job) -> list[tuple[str, str]]:
        """Every file that the generated files depend on, with its digest. Raises OSError.

        `job` has the sources as they are known now.
        """
        request = self.request
        digests = [digest.hex() for digest in request.keys.digests]
        return [
            *zip(request.files.paths, digests, strict=True),
            *((path, digest_of(data)) for path, data in request.files.consulted),
            *job.sources.files,
            (job.upstream.deprecated, digest_of(self.deprecated)),
            *((path, digest_of(read_file(path))) for path in job.selection.paths),
        ]


class _Generated(NamedTuple):
    """The files of a run. `generators` made them; None if they were known.

    `changed` are the names of those that differ from what is there. `inputs` is the digest of the
    inputs, b"" if the result is not to be used again.
    """

    made: Made
    changed: list[str]
    inputs: bytes
    warnings: NewWarnings | None
    generators: Generators | None


def _begin(
    files: Files,
    selection: Selection,
    target: Target,
    open_store: Callable[[], Store | None],
    clock: Clock,
) -> _Begun:
    upstream = find_upstream(files)
    store = open_store()
    clock.step("store")
    request = Request(files)
    request.rules_from = store
    clock.step("inputs")
    deprecated = read_file(upstream.deprecated)
    sources, release = Sources(upstream), job_release(files)
    job = Job(upstream, sources, selection, release, target.out_dir, tool_digest())
    job = job.with_kept_trace(store)
    if store is not None:
        learn_entries(store, request.keys, may_pull=False)
    inputs = job.digest_of_inputs(request.keys.digests_of_entries(), deprecated)
    return _Begun(files, target, store, request, job, deprecated, inputs)


def _share(
    store: Store | None, job: Job, head: Head, target: Target, apart: Mapping[str, str]
) -> None:
    """Begin to send the files of a run to the remote cache, if there is one that takes them."""
    if store is not None and store.pushes and head.inputs:
        push_files(
            *(store, job, head),
            lambda name: read_file(apart.get(name) or os.path.join(target.out_dir, name)),
        )


def _recall(begun: _Begun) -> Made | None:
    """The files that are known to be made of the inputs, if any."""
    head = find_head(begun.store, begun.job.digest())
    if not begun.request.is_readable:
        return None
    made = head.made(begun.inputs)
    return made if made is not None else pull_files(begun.store, begun.job, begun.inputs)


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


def _find_changed(target: Target, made: Made) -> list[str]:
    """The names of all files that differ from what is there, in the out-dir or not."""
    return find_changed(target.out_dir, made, places_apart(target.install_dir, made.files))


def _write(
    begun: _Begun, done: _Generated, arguments: Sequence[str] | None, clock: Clock
) -> tuple[str, WrittenFiles]:
    """Write the files that differ, and what is written beside them.

    Returns a note for the user, and what was written.
    """
    shown = done.warnings.ids if done.warnings is not None else ()
    target, made, generators = begun.target, done.made, done.generators
    apart, changed = places_apart(target.install_dir, made.files), done.changed
    known = [path for path, _ in begun.read(begun.job)]
    refuse_collisions(target, [apart.get(name, name) for name in made.files], begun.stamp, known)
    with Writing(target.out_dir, begun.stamp) as writing:
        inside = [name for name in changed if name not in apart]
        digests, written = write_made(
            writing, target.out_dir, without(made, apart), inside, begun.stamp
        )
        digests_apart, more = write_apart(made, changed, apart)
        written = WrittenFiles([*written.written, *more], written.unchanged, written.removed)
        every = {**digests, **digests_apart}
        clock.step("write")
        # If nothing was generated, the files depend only on the sources as we read them.
        job, is_settled = begun.job, True
        if generators is not None:
            generators.written(every)
            is_settled = generators.settle(done.inputs, made.note)
            job = generators.job
            if is_settled and made.exit != "plain":
                _share(begun.store, job, Head(done.inputs, made.note, every), target, apart)
        read = begun.read(job)
        paths = [*dict.fromkeys(path for path, _ in read)]
        note = note_of(target, paths, made.note)
        beside = write_depfile(target, [*digests, *apart.values()], paths)
        beside += [(apart[name], digest) for name, digest in digests_apart.items()]
        if not is_settled:
            writing.leave_journal()
        elif arguments is not None:
            outputs = [*digests.items()]
            record = _record(
                *(begun.files, job, read), outputs=outputs, beside=beside, note=note, shown=shown
            )
            write_stamp(writing, begun.stamp, arguments, record)
    clock.step("keep")
    return note, written


def _generate(
    begun: _Begun,
    clock: Clock,
    importing: Importing,
    jobs: int | None,
    find_warnings: Callable[[LoadedInputs], NewWarnings | None],
) -> _Generated:
    """Load the inputs, and run the generators."""
    # These are not imported before it is clear that something is to be made.
    with importing():
        from derivload.engine.inputs import InputEntries
    from derivload.loading.warnings import find_refused
    from derivload.pytorch.codegen.generators import Generators

    tell("loading the definitions")
    request = begun.request
    generators = Generators(begun.job, begun.store, jobs)
    entries: InputEntries | None = None
    if request.is_readable:
        entries = InputEntries(request.inputs.texts, splits=request.keys.splits())
    with generators.begun(request.files, entries):
        loaded = load_inputs(request, begun.store, clock=clock)
        assert entries is not None  # or that has raised an exception
        warnings = find_warnings(loaded)
        made = generators.make(
            request.files,
            entries,
            loaded.lines,
            begun.deprecated,
            find_refused=lambda: find_refused(request),
        )
    clock.step("generate")
    made = made._replace(note="; ".join(filter(None, (loaded.note, made.note))))
    inputs = begun.inputs if loaded.is_of_entries else b""
    return _Generated(made, _find_changed(begun.target, made), inputs, warnings, generators)
