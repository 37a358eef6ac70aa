"""`derivload explore`: writes pages about all operators, which need no server and no network.

Without sides, they show the inputs. With sides, as `diff` takes them, they show the last one, and
what changed from each to the next.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from derivload.commands.diff.command import compare
from derivload.commands.diff.document import document_of
from derivload.commands.diff.report import DiffReport
from derivload.commands.diff.sides import Side, Sides
from derivload.commands.notes import say_note
from derivload.commands.options.inputs import OVERLAYS
from derivload.commands.outcome import report
from derivload.commands.pages.contents import (
    Contents,
    ReleaseCoverage,
    SideComparison,
    contents_of,
    contents_of_documents,
    name_of,
    operators_of,
)
from derivload.commands.pages.write import listed_pages, write_pages
from derivload.commands.parsed import files_of, open_store_of, say_files, say_told, wanted_of
from derivload.engine.coverage import coverage_of
from derivload.exit_status import DONE
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.outputs.files import WrittenFiles
from derivload.terminal.ending import Ended, cleaned_up_when_ended
from derivload.terminal.stderr import say

# Options that name what is loaded whole. The sides are that.
_WHOLE: Final = ("pytorch", "catalogue", "tags", "torch_version")


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError and OSError."""
    from derivload.commands.fetch.command import FetchError

    try:
        with cleaned_up_when_ended(options.is_own_process):
            listed_pages(options.out_dir)  # refuses a folder before anything is fetched or loaded
            files = None if options.sides else files_of(options)
            if files is None:
                contents = _contents_of_sides(options)
            else:
                contents = _contents_of_inputs(options, files)
            written = write_pages(options.out_dir, contents, is_single=options.single_file)
    except FetchError as error:
        say(f"error: {error.message}")
        if error.advice:
            say(error.advice)
        return error.status
    except Ended as ended:
        say("error: ended by SIGTERM; each output is either unchanged or complete")
        return ended.status
    except Exception as error:
        return report(error, "; nothing was written")
    _say_written(options, contents, written)
    if files is not None:
        say_told(options, files)
    return DONE


def _say_written(options: argparse.Namespace, contents: Contents, written: WrittenFiles) -> None:
    if options.quiet:
        return
    count = len(written.written)
    wrote = f"wrote {count} {'file' if count == 1 else 'files'}" if count else "up to date"
    said = f"{len(contents.operators)} functions; open {options.out_dir}/index.html"
    say(f"{options.out_dir}: {wrote}; {said}")


def _contents_of_inputs(options: argparse.Namespace, files: Files) -> Contents:
    say_files(options, files)
    request = Request(files, with_facts=True)
    loaded = load_inputs(request, open_store_of(options))
    say_note(loaded.note, options)
    return contents_of(name_of(files), request, loaded, wanted_of(options, files))


def _contents_of_sides(options: argparse.Namespace) -> Contents:
    """The contents of the last side, with what changed from each to the next."""
    laid = _laid_options(options)
    with Sides(laid, open_store_of(options)) as sides:
        loaded = [sides.load(text) for text in options.sides]
        names = short_names(options.sides)
        last = loaded[-1]
        if last.request is None or last.loaded is None:
            contents = contents_of_documents(names[-1], last.lines)
        else:
            wanted = wanted_of(options, last.request.files)
            contents = contents_of(names[-1], last.request, last.loaded, wanted, last.original)
        reports = [compare(before, after, laid) for before, after in pairwise(loaded)]
    comparisons = [
        SideComparison(before, after, msgspec.json.encode(document_of(one)))
        for (before, after), one in zip(pairwise(names), reports, strict=True)
    ]
    earlier = zip(names, loaded[:-1], strict=False)
    coverage = [*(_coverage(name, side) for name, side in earlier), *contents.coverage]
    changed = [name for found in reports for name in {*_changed_in(found)}]
    return contents._replace(comparisons=comparisons, coverage=coverage, changed=changed)


def short_names(sides: Sequence[str]) -> list[str]:
    """What to call sides: folders by their own names, if these tell them apart."""
    names = [Path(side).resolve().name if Path(side).is_dir() else side for side in sides]
    return names if len({*names}) == len(names) and all(names) else [*sides]


def _laid_options(options: argparse.Namespace) -> argparse.Namespace:
    """The options for sides: what settings lay over the inputs is not laid over these.

    Raises UsageError.
    """
    for name in _WHOLE:
        if name in options.given:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} has no effect with sides: name it among them, or no sides")
    laid = argparse.Namespace(**vars(options))
    for option in OVERLAYS:
        name = option.replace("-", "_")
        if name not in options.given:
            setattr(laid, name, type(getattr(options, name))())
    laid.only, laid.overlay_only = None, False
    return laid


def _changed_in(found: DiffReport) -> Iterator[str]:
    """The names of the functions that the later side has anew or changed."""
    for function in (*found.found.added, *found.found.changed):
        yield function.name
    for renamed in found.found.renamed:
        yield renamed.after


def _coverage(name: str, side: Side) -> ReleaseCoverage:
    return ReleaseCoverage(name, coverage_of(operators_of(side.lines)))
