"""What one process keeps in memory from load to load, and what of that comes from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from derivload.engine.lines import DocumentLines
from derivload.engine.outcome import Outcome
from derivload.loading.inputs import KnownTexts
from derivload.outputs.documents import Rendered, Renderer, read_lines
from derivload.patterns import lazy
from derivload.schema.names import read_operator_name
from derivload.sources.places import KnownPlaces
from derivload.store.results import facts_document, find_state, keep_state

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Mapping, Sequence

    from derivload.engine.pipeline import Load
    from derivload.engine.session import Session
    from derivload.loading.own_code.process import OwnTorchgen
    from derivload.loading.own_code.session import OwnCodeSession
    from derivload.loading.request import Request
    from derivload.store.results import Document
    from derivload.store.store import Store

_SCHEMA: Final = b'{"schema":"'
_QUOTED: Final = lazy(rb'"(?:[^"\\]|\\.)*"')
_DIFFERENTIABILITY: Final = "differentiability"
_GENERATED: Final = b'"generated":['


class Memory:
    """The session of one set of inputs, and the renderer of their documents.

    Other rules, or other additions to them, begin a new session. A session begins with the state
    in `store`, if there is any. The store is not asked again after that. `process` is that of a
    tree's own torchgen, if `start_process` has started it for the first load.
    """

    def __init__(
        self, store: Store | None = None, process: subprocess.Popen[str] | None = None
    ) -> None:
        self.store = store
        self._process = process
        self._key: str | None = None
        self._torchgen: OwnTorchgen | None = None
        self.known_texts = KnownTexts()
        self.known_places = KnownPlaces()
        self._functions_read = ReadLines()
        self.placed: tuple[object, Rendered] | None = None
        """What the last places.json was made of, and it itself."""
        self._forget()

    def _forget(self) -> None:
        """Forget what comes of the session."""
        self._renderer = Renderer()
        # The functions.json that came with the state in the store, and its lines.
        self._functions: tuple[Rendered, list[bytes]] | None = None
        # The facts of the functions, by schema, of some that are gone too; None if some are not
        # known: then all are found at the next load without mistakes, if they are wanted.
        self._facts: dict[str, bytes] | None = None

    def begin(self, request: Request) -> Session | OwnCodeSession:
        """The session that follows the rules of the request, a new one if need be."""
        if request.key != self._key:
            self.close()
            self.session = self._begin_session(request)
            self._key = request.key
            self._forget()
            found = None if self.store is None else find_state(self.store, request.keys)
            if found is not None:
                state, documents = found
                first, second, *beside = documents
                differentiability, functions = Rendered(*first), Rendered(*second)
                if beside:
                    self._facts = facts_in(bytes(beside[0][1]))
                lines = read_lines(bytes(functions.data))
                # The state of a tree's own code has the lines of the records itself.
                records = [] if request.rules.why else read_lines(bytes(differentiability.data))
                self.session.restore(state, records, lines)
                self._functions = functions, lines
        return self.session

    @property
    def own_session(self) -> Session | None:
        """The session, if it is one that loads with our own code; None before the first load."""
        if not self._key:
            return None
        from derivload.engine.session import Session

        return self.session if isinstance(self.session, Session) else None

    def _begin_session(self, request: Request) -> Session | OwnCodeSession:
        if not request.rules.why:
            from derivload.engine.session import Session

            return Session(request.inputs.dialect, with_refused=request.with_refused)
        from derivload.loading.own_code.process import start_torchgen
        from derivload.loading.own_code.session import OwnCodeSession

        process, self._process = self._process, None
        self._torchgen = start_torchgen(request.files, request.rules, process)
        return OwnCodeSession(request.rules, self._torchgen, self.store)

    def load(self, request: Request) -> Outcome:
        """Load, from what the last load left."""
        session = self.begin(request)
        try:
            outcome = session.load(request.inputs.texts, request.known_splits)
        finally:
            if self._torchgen is not None and self._torchgen.is_lost:
                self._key = None  # the next load starts another process
        if self._torchgen is not None and request.rules.reads is not None:
            request.rules.reads.learn(self._torchgen.read)
        self._take_facts(request, outcome)
        return outcome

    def _take_facts(self, request: Request, outcome: Outcome) -> None:
        """Bring the facts up to date with a load, if they are wanted."""
        if not request.with_facts:
            # The next load is of what changed since this one.
            self._facts = None
        elif outcome.is_incremental and self._facts is not None:
            # An incremental load has all functions that may have other facts now. One with a
            # mistake too: the session goes on with those of its families that have none.
            self._facts = {**self._facts, **_facts_of(request, outcome.own)}
        elif outcome.diagnostics:
            self._facts = None
        else:
            self._facts = _facts_of(request, None if outcome.is_incremental else outcome.own)

    def with_facts(self, lines: DocumentLines) -> DocumentLines:
        """The lines of the last load with its facts."""
        assert self._facts is not None
        schemas = self._functions_read.schemas(lines.functions)
        return lines._replace(facts=in_order(self._facts, schemas))

    def render(self, lines: DocumentLines, shards: int | None) -> list[Rendered]:
        """All documents, over so many shards, the manifest last."""
        version, keys = lines.torch_version, lines.used_dispatch_keys
        if self._functions is not None and self._functions[1] == lines.functions + lines.generated:
            functions = self._functions[0]
        else:
            functions = self._renderer.functions(version, lines.functions, lines.generated)
        documents = [
            *self._renderer.differentiability(version, keys, lines.records, lines.bases, shards),
            functions,
        ]
        return [*documents, self._renderer.manifest(version, documents)]

    def close(self) -> None:
        """End the process of a tree's own torchgen, if there is one."""
        if self._torchgen is not None:
            self._torchgen.close()
        self._torchgen = None

    def keep(self, request: Request, store: Store, lines: DocumentLines) -> None:
        """Keep the state of the last load in the store, if there is one."""
        state = self.session.keep()
        if state is None:
            return
        documents: list[Document] = [*self.render(lines, None)[:-1]]
        if request.with_facts:
            documents.append(facts_document(b"\n".join(lines.facts or ())))
        keep_state(store, request.keys, state, documents)


def _facts_of(request: Request, load: Load | None) -> dict[str, bytes]:
    """The facts of the functions of a load, by schema; without one, those of all functions.

    Where the code of a tree's torchgen loaded, there is none: it says nothing of entries, which we
    can read too.
    """
    from derivload.engine.facts import facts_of
    from derivload.loading.inputs import load_alone

    return facts_of(load_alone(request.inputs).load if load is None else load)


def in_order(facts: Mapping[str, bytes], schemas: Iterable[str]) -> list[bytes]:
    """The facts of the functions with these schemas.

    A function of a tree's own torchgen may be one that we know nothing of.
    """
    from derivload.engine.facts import FunctionFacts
    from derivload.engine.lines import encode_line

    return [facts.get(s) or encode_line(FunctionFacts(s)) for s in schemas]


def facts_in(data: bytes) -> dict[str, bytes]:
    """Kept facts, by schema."""
    return {schema_of(line): line for line in data.split(b"\n") if line}


class _Head(msgspec.Struct):
    """What stands in differentiability.json before the records."""

    torch_version: str
    used_dispatch_keys: tuple[str, ...]


def lines_in(documents: Mapping[str, bytes]) -> DocumentLines:
    """The lines that differentiability.json and functions.json, by name, were rendered from.

    Shards are read one after the other.
    """
    own = [data for name, data in documents.items() if name.startswith(_DIFFERENTIABILITY)]
    functions = documents["functions.json"]
    head = msgspec.json.decode(own[0], type=_Head)
    records = [line for data in own for line in read_lines(data)]
    at = functions.index(_GENERATED)
    return DocumentLines(
        torch_version=head.torch_version,
        used_dispatch_keys=head.used_dispatch_keys,
        records=records,
        bases=[base_of(schema_of(line)) for line in records],
        functions=read_lines(functions[:at]),
        generated=read_lines(functions[at:]),
    )


class ReadLines:
    """Reads the schemas of lines of a document. Those of the last time are not read again."""

    def __init__(self) -> None:
        self._lines: Sequence[bytes] = ()
        self._schemas: list[str] = []

    def schemas(self, lines: Sequence[bytes]) -> list[str]:
        """The schema of each line."""
        if lines is self._lines:
            return self._schemas
        if len(lines) == len(self._lines):
            before = zip(lines, self._lines, self._schemas, strict=True)
            found = [known if line is old else schema_of(line) for line, old, known in before]
        else:
            found = [schema_of(line) for line in lines]
        self._lines, self._schemas = lines, found
        return found


def schema_of(line: bytes) -> str:
    """The schema of a record, from its line."""
    assert line.startswith(_SCHEMA)
    begin = len(_SCHEMA)
    schema = line[begin : line.index(b'"', begin)]
    if b"\\" not in schema:
        return schema.decode()
    quoted = _QUOTED.match(line, begin - 1)
    assert quoted is not None
    text: str = msgspec.json.decode(quoted[0])
    return text


def base_of(text: str) -> str:
    """The base name of the operator that a schema or a name begins with."""
    return read_operator_name(text.partition("(")[0], namespaces=True).base
