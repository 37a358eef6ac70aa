"""What a side of `derivload diff` is, and the lines of its documents.

A side is, in this order: a folder of documents, a folder with settings or with a PyTorch, the
number of a release, a revision of git. A release is fetched when it must be, into the folder of the
cache.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import structs

from derivload.commands.diff.revisions import Revision, name_unpacked, renamed_errors
from derivload.commands.notes import say_note
from derivload.commands.parsed import files_of
from derivload.engine.facts import FunctionFacts, read_facts
from derivload.engine.lines import DocumentLines, encode_line
from derivload.loading.additions import add_to
from derivload.loading.errors import UsageError
from derivload.loading.memory import lines_in
from derivload.loading.paths import Files, find_files, spell_option
from derivload.loading.request import Request
from derivload.loading.run import LoadedInputs, load_inputs
from derivload.outputs.documents import (
    DifferentiabilityDocument,
    FunctionsDocument,
    ManifestDocument,
    PlacesDocument,
)
from derivload.sources.additions import Additions
from derivload.terminal import progress

if TYPE_CHECKING:
    from derivload.store.store import Store

_RELEASE: Final = re.compile(r"\d+\.\d+(\.\d+)?")
_FUNCTIONS, _MANIFEST, _PLACES = "functions.json", "manifest.json", "places.json"
SETTINGS: Final = "derivload.toml"


class Side(NamedTuple):
    """One side: what it is called, its lines, the request that they were loaded for, the load.

    There are neither for documents: they are as they are. Their facts are those of places.json,
    which says nothing of autogen and of namespaces. `original` says how to call a file that was
    unpacked for the load.
    """

    name: str
    lines: DocumentLines
    request: Request | None = None
    loaded: LoadedInputs | None = None
    original: Callable[[str], str] = str

    def with_facts_of_places(self) -> Side:
        """The side with no more facts than places.json has."""
        if self.lines.facts is None:
            return self
        facts = [read_facts(line) for line in self.lines.facts]
        less = [encode_line(structs.replace(f, autogen=(), namespace="")) for f in facts]
        return self._replace(lines=self.lines._replace(facts=less))


def made_alike(before: Side, after: Side) -> tuple[Side, Side]:
    """Both sides with the facts that both can have."""
    if (before.request is None) == (after.request is None):
        return before, after
    return before.with_facts_of_places(), after.with_facts_of_places()


class Sides:
    """Loads sides. What has to be unpacked for that is there until this is closed."""

    def __init__(self, options: argparse.Namespace, store: Store | None) -> None:
        self._options = options
        named = (options.native_functions, options.derivatives, options.backend_yaml)
        # What is laid over a PyTorch. To ask for what touches one's overlays needs no option more.
        self._laid = options
        if options.overlay_only and not any(named):
            self._laid = _overlays_of_settings(options)
        self._store = store
        self._unpacked = ExitStack()

    def __enter__(self) -> Sides:
        return self

    def __exit__(self, *_: object) -> None:
        self._unpacked.close()

    def load(self, text: str) -> Side:
        """Load what a text names. Raises UsageError, InputError, and FetchError of a release."""
        progress.tell(f"loading {text}")
        if os.path.isdir(text):
            if os.path.isfile(os.path.join(text, _FUNCTIONS)):
                return Side(text, self._documents(text))
            return self._of_folder(text)
        if os.path.exists(text):
            raise UsageError(f"{text} is a file: name a folder, a release or a revision of git")
        if _RELEASE.fullmatch(text):
            return self._of_release(text)
        return self._of_revision(text)

    def load_present(self) -> Side:
        """Load what the settings name, or the PyTorch tree around the current folder."""
        return self._loaded("the working tree", _files_of_settings([], self._options))

    def _of_folder(self, folder: str, name: str = "") -> Side:
        settings = os.path.join(folder, SETTINGS)
        if os.path.isfile(settings):
            return self._loaded(folder, _files_of_settings(["--settings", settings], self._options))
        return self._loaded(name or folder, _laid_over(folder, self._laid))

    def _of_release(self, version: str) -> Side:
        folder = self._release(version)
        if not self._options.no_cache:
            return self._of_folder(folder, name=version)
        original = partial(name_unpacked, folder=folder, name=version)
        with renamed_errors(original):
            side = self._of_folder(folder, name=version)
        return side._replace(original=original)

    def _loaded(self, name: str, files: Files) -> Side:
        files.may_run_tree = not self._options.no_tree_code
        request = Request(files, with_facts=True)
        loaded = load_inputs(request, self._store)
        say_note(loaded.note, self._options)
        return Side(name, loaded.lines, request, loaded)

    def _documents(self, folder: str) -> DocumentLines:
        if self._options.native_functions or self._options.derivatives:
            raise UsageError(f"{folder} holds documents: nothing can be laid over them")
        return read_documents(folder)

    def _release(self, version: str) -> str:
        """The folder of a release, fetched when it must be."""
        from derivload.commands.fetch.command import fetch
        from derivload.terminal.stderr import say

        for folder in self._folders_of_releases(version):
            return folder
        to = Path(self._releases) / version

        def tell(line: str) -> None:
            say(line, f"derivload {self._options.command}")

        return str(fetch(version, to, tell).folder)

    def _folders_of_releases(self, version: str) -> Iterator[str]:
        """The folders that hold a release, or any patch of it, the newest first."""
        try:
            names = os.listdir(self._releases)
        except FileNotFoundError:
            return
        same = [name for name in names if name == version or name.startswith(f"{version}.")]
        for name in sorted(same, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])[::-1]:
            if os.path.isdir(os.path.join(self._releases, name, "torchgen", "packaged")):
                yield os.path.join(self._releases, name)

    @property
    def _releases(self) -> str:
        from derivload.loading.cache_settings import cache_folder, releases_folder

        if self._options.no_cache:
            return self._temporary()
        return releases_folder(cache_folder(self._options.cache_dir))

    def _temporary(self) -> str:
        from tempfile import TemporaryDirectory

        folder = TemporaryDirectory(prefix="derivload-")
        return self._unpacked.enter_context(folder)

    def _of_revision(self, text: str) -> Side:
        revision = Revision(text, self._temporary())
        present = _options_of_settings([], self._options)
        with renamed_errors(revision.original):
            side = self._loaded(text, _files_with(revision.unpacked(present), self._options))
        return side._replace(original=revision.original)


def _laid_over(folder: str, options: argparse.Namespace) -> Files:
    """The files of a PyTorch, with the overlays of the options."""
    files = find_files(pytorch=folder, native_functions=options.native_functions)
    additions = Additions(
        options.dispatch_key,
        options.entry_key,
        override=options.override,
        sections=options.section,
    )
    add_to(files, options.derivatives, additions, spell_option, options.backend_yaml)
    return files


def _files_of_settings(arguments: list[str], options: argparse.Namespace) -> Files:
    return _files_with(_options_of_settings(arguments, options), options)


def _options_of_settings(arguments: list[str], options: argparse.Namespace) -> argparse.Namespace:
    """The options of a command that names no inputs: by settings, or by the tree around."""
    from derivload.commands.options.command_line import make_parser
    from derivload.commands.settings.apply import parse_options

    if not arguments and options.no_settings:
        arguments = ["--no-settings"]
    elif not arguments and options.origin.settings is not None:
        arguments = ["--settings", options.origin.settings[0]]
    return parse_options(make_parser("show"), ["show", *arguments, "all"])


def _overlays_of_settings(options: argparse.Namespace) -> argparse.Namespace:
    """The options of `diff` with the overlays that the settings name, and what belongs to them."""
    own = _options_of_settings([], options)
    made = argparse.Namespace(**vars(own))
    made.native_functions = own.native_functions[0 if own.pytorch is not None else 1 :]
    made.derivatives = own.derivatives[1:]
    return made


def _files_with(own: argparse.Namespace, options: argparse.Namespace) -> Files:
    """The files of these options, with what the options of `diff` lay over them."""
    own.native_functions = [*own.native_functions, *options.native_functions]
    if options.derivatives:
        if own.pytorch is not None and not own.derivatives:
            return _laid_over(own.pytorch, options)
        own.derivatives = [*own.derivatives, *options.derivatives]
    for name in ("dispatch_key", "entry_key", "section", "backend_yaml"):
        setattr(own, name, [*dict.fromkeys([*getattr(own, name), *getattr(options, name)])])
    own.override = own.override or options.override
    return files_of(own)


def read_documents(folder: str) -> DocumentLines:
    """The lines of the documents in a folder. Raises UsageError if they are none of ours."""
    try:
        manifest = msgspec.json.decode(_read(folder, _MANIFEST), type=ManifestDocument)
        documents = {file.name: _read(folder, file.name) for file in manifest.files}
        for name, data in documents.items():
            if name.startswith("differentiability"):
                msgspec.json.decode(data, type=DifferentiabilityDocument)
        msgspec.json.decode(documents[_FUNCTIONS], type=FunctionsDocument)
        lines = lines_in(documents)
        if _PLACES in documents:
            places = msgspec.json.decode(documents[_PLACES], type=PlacesDocument)
            lines = lines._replace(facts=_facts_in(places))
    except (msgspec.MsgspecError, UnicodeDecodeError, FileNotFoundError, LookupError) as error:
        raise UsageError(f"{folder} holds no documents of this derivload: {error}") from None
    return lines


def _facts_in(places: PlacesDocument) -> list[bytes]:
    """The facts that places.json holds."""
    return [
        encode_line(
            FunctionFacts(
                schema=function.schema,
                dispatch_keys=function.dispatch_keys,
                structured_delegate=function.structured_delegate,
            )
        )
        for function in places.functions
    ]


def _read(folder: str, name: str) -> bytes:
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()
