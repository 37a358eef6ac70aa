"""PyTorch's generators, called by a script, run for what changed.

It is what `derivload codegen` does (`pytorch/codegen/`), in the script's own process: with the
modules that the script has imported, which it may have changed, into the folder that it names. So
these never count as known generators: when everything is generated for the first time, the files
are compared with what the generators write in their own way.

Where the short cut cannot be taken, the script's call goes to the generator itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from derivload.outputs.digests import digests_of_files
from derivload.outputs.kept_runs import OUTPUT, current, read_record
from derivload.pytorch.importable import FunctionReplacement

if TYPE_CHECKING:
    from derivload.engine.inputs import InputEntries
    from derivload.engine.lines import DocumentLines
    from derivload.loading.paths import Files
    from derivload.loading.request import Request
    from derivload.loading.rules_of_tree import Rules
    from derivload.outputs.kept_runs import RecordLine
    from derivload.pytorch.codegen.job import Job, Made
    from derivload.pytorch.codegen.selection import Selection
    from derivload.pytorch.codegen.upstream import Upstream
    from derivload.pytorch.script.watching import Watch
    from derivload.store.store import Store

# The script of PyTorch's build, which the generators name in the files that they write.
_SCRIPT: Final = ("tools", "setup_helpers", "generate_code.py")
_DERIVATIVES: Final = "derivatives.yaml"
# Native functions, tags, the folder to write in, that of the generators.
_PATHS: Final = 4


class Call(NamedTuple):
    """A call of a generator: its folders and files, and which files it is to write."""

    natives: str
    tags: str
    out: str
    autograd: str
    selection: Selection


class _Loaded(NamedTuple):
    """Inputs that were loaded, for all calls on the same bytes."""

    request: Request
    store: Store | None
    entries: InputEntries
    lines: DocumentLines
    is_of_entries: bool


class ScriptGenerators:
    """Answers a script's calls of PyTorch's generators.

    `record` is the path of the record of the last run, "" for none.
    """

    def __init__(self, watch: Watch, record: str) -> None:
        self._watch = watch
        self._record = record
        self._loaded: _Loaded | None = None
        self._is_busy = False

    def generate(self, call: Call) -> bool:
        """Bring the files up to date that a call is for; False where the generator has to run.

        Raises InputError when the input has errors, and OSError when a file cannot be written.
        """
        if self._is_busy:  # it is called from here
            return False
        from derivload.pytorch.errors import GeneratorError, UnexpectedTorchgenError

        self._is_busy = True
        try:
            with self._watch.unwatched():
                return self._generate(call)
        except (UnexpectedTorchgenError, GeneratorError):
            return False
        finally:
            self._is_busy = False

    def _generate(self, call: Call) -> bool:
        from derivload.identity import tool_digest
        from derivload.loading.paths import Files
        from derivload.loading.rules_of_tree import OWN
        from derivload.loading.trace import Trace
        from derivload.pytorch.codegen.generators import Generators
        from derivload.pytorch.codegen.job import Job, find_head
        from derivload.pytorch.codegen.upstream import Sources

        upstream = _upstream_of(call)
        if upstream is None:
            return False
        derivatives = os.path.join(call.autograd, _DERIVATIVES)
        rules = _rules()
        if rules.fields:  # the script may have changed these tables: no source says so
            return False
        files = Files(derivatives, [call.natives], call.tags, rules.release)
        files.rules = rules
        loaded = self._load(files)
        request, store = loaded.request, loaded.store
        with open(upstream.deprecated, "rb") as file:
            deprecated = file.read()
        sources = Sources(upstream)
        job = Job(upstream, sources, call.selection, OWN, call.out, tool_digest())
        job = job.with_trace(Trace(files=_own_modules(upstream))).with_kept_trace(store)
        head = find_head(store, job.digest())
        inputs = job.digest_of_inputs(request.keys.digests_of_entries(), deprecated)
        made = head.made(inputs) if request.is_readable else None
        if made is None or self._changed(call.out, made):
            generators = Generators(job, store)
            made = generators.make(files, loaded.entries, loaded.lines, deprecated)
            generators.written(self._write(call.out, made))
            generators.settle(inputs if loaded.is_of_entries else b"", made.note)
            job = generators.job
        self._note(call, files, upstream, job, made)
        return True

    def _load(self, files: Files) -> _Loaded:
        """Load the inputs, once for all calls on the same bytes. Raises InputError."""
        from derivload.engine.inputs import InputEntries
        from derivload.loading.cache_settings import try_to_open_store
        from derivload.loading.request import Request
        from derivload.loading.run import load_inputs

        request = Request(files)
        if self._loaded is not None and self._loaded.request.contents == request.contents:
            return self._loaded
        store = try_to_open_store()
        loaded = load_inputs(request, store)
        entries = InputEntries(request.inputs.texts, splits=request.keys.splits())
        self._loaded = _Loaded(request, store, entries, loaded.lines, loaded.is_of_entries)
        return self._loaded

    def _changed(self, out: str, made: Made) -> list[str]:
        """The names of the files that are not rendered yet, are missing, or hold other bytes."""
        paths = {name: os.path.join(out, name) for name, sha256 in made.files.items() if sha256}
        there: dict[str, str] = {}
        for path in paths.values():
            item = self._items.get(path)
            if item is not None and item.sign == current("status", path):
                there[path] = item.value
        there.update(digests_of_files(path for path in paths.values() if path not in there))
        return [n for n, sha256 in made.files.items() if not sha256 or there[paths[n]] != sha256]

    @cached_property
    def _items(self) -> dict[str, RecordLine]:
        """What the record of the last run says of its outputs."""
        items = read_record(self._record) if self._record else []
        return {item.name: item for item in items if item.kind == OUTPUT}

    def _write(self, out: str, made: Made) -> Mapping[str, str]:
        """Write the files that differ; the digests of those that were rendered."""
        digests = {}
        for name, data, sha256 in made.contents(self._changed(out, made)):
            self._watch.write(os.path.join(out, name), data)
            digests[name] = sha256
        return digests

    def _note(self, call: Call, files: Files, upstream: Upstream, job: Job, made: Made) -> None:
        """Note what the files depend on, and the files."""
        watch, sources = self._watch, job.sources
        watch.note_values(*files.paths)
        watch.note_files(upstream.deprecated, *(path for path, _ in sources.files))
        watch.note_lists(*(os.path.dirname(pattern) for pattern, _ in sources.listed))
        watch.note_absent(*sources.absent)
        watch.note_variables(*(name for name, _ in sources.variables))
        for name in made.files:
            watch.note_output(os.path.join(call.out, name))


def _upstream_of(call: Call) -> Upstream | None:
    """The generators that a call is of, if the files that they write name PyTorch's script."""
    from derivload.pytorch.codegen.upstream import locate

    found = locate(call.natives)
    script = getattr(sys.modules["__main__"], "__file__", None) or ""
    own = os.path.join(found.root, *_SCRIPT)
    for one, other in ((found.autograd, call.autograd), (own, script)):
        if os.path.realpath(one) != os.path.realpath(other):
            return None
    gen = sys.modules.get("torchgen.gen")
    if gen is None or os.path.dirname(os.path.dirname(gen.__file__ or "")) != found.root:
        return None
    return found._replace(is_running=True)


@cache
def _rules() -> Rules:
    """The rules that the imported torchgen has. Raises UnexpectedTorchgenError."""
    from derivload.loading.cache_settings import try_to_open_store
    from derivload.pytorch.importable import find_torchgen
    from derivload.pytorch.live_rules import find_live_rules

    return find_live_rules(find_torchgen(), try_to_open_store())


def _own_modules(upstream: Upstream) -> frozenset[str]:
    """The files of the script and of what it has imported that is of its tree, as a trace has them.

    It may have changed the generators.
    """
    from derivload.loading.trace import without_root

    found = set()
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and path.startswith(os.path.join(upstream.root, "")):
            found.add(without_root(path, upstream.root))
    return frozenset(found)


def answer(
    generators: ScriptGenerators,
    module: Any,
    name: str,
    selection_of: Callable[[Mapping[str, Any]], Selection | None],
) -> None:
    """Have a script's calls of one of the generators answered.

    `selection_of` says which files a call is for, from its arguments behind the four that name
    files and folders; None where that is not known.
    """
    original = getattr(module, name, None)
    if original is None:
        return

    def called(*arguments: Any, **how: Any) -> Any:
        wanted = selection_of(how) if len(arguments) == _PATHS else None
        if wanted is not None and all(isinstance(path, str) for path in arguments):
            natives, tags, out, autograd = map(os.path.abspath, arguments)
            if generators.generate(Call(natives, tags, out, autograd, wanted)):
                return None
        return original(*arguments, **how)

    setattr(module, name, FunctionReplacement(name, original, called))


def autograd_selection(how: Mapping[str, Any]) -> Selection | None:
    """Which files a call of `gen_autograd` is for."""
    from derivload.pytorch.codegen.selection import Selection

    builder = sys.modules["torchgen.selective_build.selector"].SelectiveBuilder
    selector = how.get("operator_selector")
    is_of_all = selector is not None and selector == builder.get_nop_selector()
    if not is_of_all or not {*how} <= {"operator_selector", "disable_autograd"}:
        return None
    return Selection("libtorch", disable_autograd=bool(how.get("disable_autograd", False)))


def python_selection(how: Mapping[str, Any]) -> Selection | None:
    """Which files a call of `gen_autograd_python` is for."""
    from derivload.pytorch.codegen.selection import Selection

    return None if how else Selection("pybindings")
