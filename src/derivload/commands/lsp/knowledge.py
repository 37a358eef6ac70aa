"""What is known at a place of a document: its entry, its function, and all other operators.

Half of it comes from the lines of the text, and is there whatever is typed. The other half comes
from the session, for the operators that have no mistake.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from derivload.editing.catalog import Catalog, Declaration, schema_in
from derivload.editing.completing import File, Known
from derivload.editing.outline import KeyLine, Outline, entry_around
from derivload.editing.signatures import names_of, read_schema
from derivload.loading.errors import TreeCodeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from derivload.commands.lsp.workbench import Workbench
    from derivload.derivatives.info import Derived
    from derivload.editing.documents import Document, TextSpot
    from derivload.editing.formulas import Names, Token
    from derivload.engine.pipeline import Load
    from derivload.engine.session import Session
    from derivload.native.function import NativeFunction


# As many as a release has definitions, and a few that are half typed.
_MOST_NAMES: Final = 4_000


class Scene(NamedTuple):
    """A place in an input. `key` is the key of the entry that it is at, if any."""

    name: str
    file: File
    document: Document
    spot: TextSpot
    entry: Outline
    key: KeyLine | None


class EntryFunction(NamedTuple):
    """What is known of the function of an entry: the load of its family, and its info, if any."""

    load: Load
    function: NativeFunction
    derived: Derived | None


class Knowledge:
    """What is known of the inputs of a workbench. It keeps what it found until they change."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self._catalogs: dict[str, Catalog] = {}
        self.tokens: dict[str, list[Token]] = {}
        """The tokens of entries, by their text; lines count from that of the entry."""
        self._names: dict[tuple[str, object], Names | None] = {}
        self._loads: tuple[object, dict[str, Load | None]] = (None, {})

    def warm(self) -> None:
        """Look through the documents now, so that the next question need not."""
        for name in self.bench.files.names:
            if self.file_of(name) is not None:
                self.declared(name)

    def remember_tokens(self, text: str, tokens: list[Token]) -> None:
        """Keep the tokens of an entry."""
        if len(self.tokens) > _MOST_NAMES:
            self.tokens.clear()
        self.tokens[text] = tokens

    # ------------------------------------------------------------------ files

    def file_of(self, name: str) -> File | None:
        """What an input has entries of; None if it is a backend's."""
        files = self.bench.files
        if name in (files.derivatives, *files.more_derivatives):
            return "derivatives"
        if name in files.native_functions:
            return "native_functions"
        return "tags" if name == files.tags else None

    def files(self, file: File) -> tuple[str, ...]:
        """The names of the inputs of a kind."""
        return tuple(name for name in self.bench.files.names if self.file_of(name) == file)

    def scene(self, name: str, spot: TextSpot) -> Scene | None:
        """A place in an input; None if no entry is there."""
        file, document = self.file_of(name), self.bench.document(name)
        if file is None or document is None:
            return None
        entry = entry_around(document.line, document.last, spot.line)
        if entry is None:
            return None
        return Scene(name, file, document, spot, entry, entry.key_at(spot))

    # ------------------------------------------------------------------ operators

    def declared(self, name: str) -> list[Declaration]:
        """What the entries of an input declare or define."""
        catalog = self._catalog(name)
        return [] if catalog is None else catalog.declared

    def _catalog(self, name: str) -> Catalog | None:
        document = self.bench.document(name)
        if document is None:
            return None
        catalog = self._catalogs.setdefault(name, Catalog())
        catalog.follow(document)
        return catalog

    def all_of(self, file: File) -> Iterator[tuple[str, Declaration]]:
        """All that the inputs of a kind declare or define, with the names of their files."""
        for name in self.files(file):
            for declared in self.declared(name):
                yield name, declared

    def without_derivative(self) -> list[str]:
        """The schemas of the operators that need a derivative and have none."""
        defined = {one.name for _, one in self.all_of("derivatives")}
        bases = {name.partition(".")[0].rstrip("_") for name in defined}
        return [
            schema_in(one.text)
            for _, one in self.all_of("native_functions")
            if one.needs_derivative and one.name not in defined and not _is_variant(one.name, bases)
        ]

    def tags(self) -> dict[str, str]:
        """The tags, and what each says."""
        return {one.name: one.about for _, one in self.all_of("tags")}

    def helpers(self) -> set[str]:
        """The functions that formulas call."""
        made: set[str] = set()
        for name in self.files("derivatives"):
            catalog = self._catalog(name)
            made |= set() if catalog is None else catalog.called
        return made

    def header(self) -> Path | None:
        """FunctionsManual.h of the tree that the inputs are of, if it is a checkout."""
        derivatives = Path(self.bench.files.derivatives).absolute()
        folder = derivatives.parents[2] if len(derivatives.parents) > 2 else derivatives.parent
        path = folder / "torch" / "csrc" / "autograd" / "FunctionsManual.h"
        return path if path.is_file() else None

    # ------------------------------------------------------------------ what is loaded

    def session(self) -> Session | None:
        """The session that has loaded the inputs, if it can be asked."""
        try:
            return self.bench.session()
        except (UsageError, TreeCodeError):
            return None

    def found(self, scene: Scene) -> EntryFunction | None:
        """What is known of the function of an entry; None if it cannot be told."""
        load = self.load_of(scene)
        if load is None:
            return None
        line = scene.entry.first + 1
        if scene.file == "native_functions":
            declared = load.natives[: load.declared]
            entries = [f for f in declared if (f.entry.file, f.entry.line) == (scene.name, line)]
            function = entries[0] if entries else None
        else:
            schema = self.schema_text(scene)
            by_text = [f for f in load.natives if f.schema.text == schema]
            function = by_text[0] if by_text else None
        if function is None:
            return None
        derived = [
            made.derived
            for made in load.derived
            if (made.entry.file, made.entry.line) == (scene.name, line)
        ]
        info = derived[0] if derived else load.infos.get(function.schema.text)
        return EntryFunction(load, function, info)

    def load_of(self, scene: Scene) -> Load | None:
        """The load of the family of an entry."""
        session = self.session()
        if session is None:
            return None
        family = session.family_at(scene.name, scene.entry.first + 1)
        if family is None:
            return None
        request = self.bench.request
        if self._loads[0] is not request:
            self._loads = request, {}
        loads = self._loads[1]
        if family not in loads:
            loads[family] = session.load_family(family, with_mistakes=True)
        return loads[family]

    def schema_text(self, scene: Scene) -> str:
        """The schema that an entry is written for, without its namespace."""
        key = scene.entry.key("func") or scene.entry.key("name")
        text = "" if key is None else scene.entry.value_of(key).strip().strip("\"'")
        # A key below it that is half typed, and so has no colon, looks like more of its value.
        first = text.partition("\n")[0]
        text = first if " -> " in first else text
        head, bracket, rest = text.partition("(")
        return head.rpartition("::")[2] + bracket + rest

    def names(self, scene: Scene) -> Names | None:
        """What the formulas of an entry may use, from its schema alone if need be."""
        session = self.session()
        if session is None:
            return None
        readers = session.readers
        found = self.found(scene)
        if found is not None:
            infos = found.derived.dispatch.values() if found.derived is not None else ()
            gradients = next((info.available_named_gradients for info in infos), None)
            return names_of(
                found.function.schema, readers.derivatives.bindings, found.function.scope, gradients
            )
        return self.names_by_schema(scene)

    def names_by_schema(self, scene: Scene) -> Names | None:
        """What the formulas of an entry may use, from its schema alone: that loads nothing."""
        session = self.session()
        if session is None:
            return None
        text = self.schema_text(scene)
        key = text, session.readers
        if key not in self._names:
            readers = session.readers
            schema = read_schema(text, readers.natives.schemas)
            if len(self._names) > _MOST_NAMES:
                self._names.clear()
            self._names[key] = (
                None if schema is None else names_of(schema, readers.derivatives.bindings)
            )
        return self._names[key]

    def known(self, scene: Scene) -> Known:
        """All that completion asks for."""
        dialect = self.bench.inputs.dialect
        return Known(
            names=self.names(scene) if scene.file == "derivatives" else None,
            without_derivative=self.without_derivative,
            operators=lambda: [one.name for _, one in self.all_of("native_functions")],
            helpers=self.helpers,
            tags=self.tags() if scene.file == "native_functions" else {},
            dispatch_keys=dialect.dispatch_keys,
            autograd_keys=dialect.autograd_keys,
        )


def _is_variant(name: str, defined: set[str]) -> bool:
    """Whether an operator is a variant that gets the formulas of another one."""
    base, _, overload = name.partition(".")
    return overload.endswith("out") or (base.endswith("_") and base.rstrip("_") in defined)
