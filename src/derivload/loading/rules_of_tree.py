"""Which rules a load follows: those of a release that was named, or those of a tree.

The source of a tree's torchgen decides. That of a release is known by its digest. Any other is
read, as `tree/` does: that takes a third of a second, so what it comes to is kept in the store,
under the digest. What we cannot vouch for, the tree's own code computes: see `own_code/`.
"""

from __future__ import annotations

import os
import time

from derivload.identity import is_as_it_began, sha256, tool_digest
from derivload.loading.errors import UsageError
from derivload.modules import is_settled, looks_of, modules_below, read_file
from derivload.outputs.digests import digest_of, names_like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.cpp.dialect import Dialect
    from derivload.loading.paths import Files, TreePlace
    from derivload.loading.tree_reads import TreeReads
    from derivload.store.store import Store
    from derivload.tree.rules import Fields, Pieces

_KIND = b"rules of a tree"
_NEWEST = "newest"
OWN = "the tree's own"
_LOADER = "autograd/"
_TORCHGEN = "torchgen/"
# Stands for what a module holds that cannot be read.
_UNREADABLE = b"\0cannot be read"
# The rules of this process, by what they were kept under in the store.
_of_this_process: dict[bytes, Rules] = {}
# What modules held, each with what the file looked like then.
_contents: dict[str, tuple[tuple[int, ...], bytes]] = {}


class Rules:
    """The rules of a load.

    `key` stands for them in the keys of results. `why` says why the tree's own code is to compute
    the load, "" where we do, and `remark` what there is to say of that; `modules` are the modules
    that were looked at, and `paths` the files of all. `is_of_release` tells that they are those of
    a tree whose torchgen and generators are, by their whole source, those of a release. `reads` is
    what else the tree's own code reads, if it is to compute the load, and `place` where it is.
    """

    __slots__ = (
        *("_dialect", "fields", "is_of_release", "key", "modules", "paths", "place", "reads"),
        *("release", "remark", "why"),
    )

    def __init__(
        self, key: str, release: str, why: str = "", fields: str = "", modules: str = ""
    ) -> None:
        self.key = key
        self.release = release
        self.why = why
        self.fields = fields
        self.modules = modules
        self.remark = ""
        self.is_of_release = False
        self.paths: list[str] = []
        self.reads: TreeReads | None = None
        self.place: TreePlace | None = None
        self._dialect: Dialect | None = None

    @property
    def dialect(self) -> Dialect:
        """The dialect that follows them; where we do not know them, that of the nearest release."""
        if self._dialect is None:
            from derivload.cpp.dialect import DIALECTS

            self._dialect = DIALECTS[self.release]
            if self.fields:
                import msgspec

                from derivload.tree.rules import Fields, dialect_with

                tables = msgspec.json.decode(self.fields, type=Fields)
                self._dialect = dialect_with(self.release, tables)
        return self._dialect

    @property
    def told(self) -> str:
        """Which rules they are, in a few words."""
        if self.why:
            return f"the tree's own code: {self.why}"
        tables = " with tables of the tree" if self.fields else ""
        return f"{self.release}{tables}"

    @property
    def note(self) -> str:
        """What the user should know of them, or ""."""
        if not self.why:
            return ""
        remark = f"; {self.remark}" if self.remark else ""
        return f"the tree's own torchgen computed this: {self.why}{remark}"

    @property
    def may_be_kept(self) -> bool:
        """Whether `key` stands for all that the load came of, after it.

        It does not where the tree's own code read what nobody knew of, or was edited meanwhile.
        """
        if not self.why:
            return True
        if self.reads is None or self.place is None or self.reads.has_news:
            return False
        try:
            source = TreeSource(self.place)
        except OSError:
            return False
        return self.key == _key_with(_key_of_source(source), self.reads.held())

    def render(self) -> bytes:
        """All of it as bytes, for the store."""
        lines = (self.key, self.release, self.why, self.fields, self.modules)
        return "\n".join(lines).encode("utf-8", "surrogateescape")


def _read_module(path: str) -> bytes:
    """What a module holds: as it was read before, where it is certain to be the same still."""
    known = _contents.get(path)
    if known is not None and known[0] == looks_of(os.stat(path)):
        return known[1]
    now = time.time_ns()
    found = read_file(path)
    if found is None:  # no file: say why it cannot be read
        with open(path, "rb") as file:
            return file.read()
    data, status = found
    if is_settled(status, now):
        _contents[path] = looks_of(status), data
    return data


class TreeSource:
    """The source of a tree's torchgen: `files` are its modules, each with name, path and bytes.

    `digest` is of the names and the bytes. `unreadable` says which of them cannot be read, if any.
    """

    __slots__ = ("digest", "files", "folders", "place", "unreadable")

    def __init__(self, place: TreePlace) -> None:
        """Read it. Raises OSError if a folder cannot be listed."""
        named = [
            *modules_below(place.torchgen, _TORCHGEN, without="packaged"),
            *modules_below(place.autograd, _LOADER),
        ]
        self.place = place
        self.unreadable = ""
        self.files: list[tuple[str, str, bytes]] = []
        for name, path in sorted(named):
            try:
                data = _read_module(path)
            except OSError as error:  # a broken link, say, which nobody may import
                data = _UNREADABLE
                self.unreadable = f"{error.filename} cannot be read: {error.strerror}"
            self.files.append((name, path, data))
        digest = sha256()
        for name, _, data in self.files:
            digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
            digest.update(data)
        self.digest = digest.digest()

    def note(self, files: Files, modules: str) -> None:
        """Note what of it decided the rules: of all modules those that were looked at."""
        looked_at = frozenset(modules.split())
        folders: dict[str, None] = {}
        for name, path, data in self.files:
            stem = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if data is _UNREADABLE:
                files.absent.append(path)
            elif stem in looked_at or not looked_at:
                files.consulted.append((path, data))
                folders[os.path.dirname(path)] = None
        for folder in folders:
            pattern = os.path.join(folder, "*")
            files.listed.append((pattern, names_like(pattern)))


def find_rules(files: Files, store: Store | None) -> Rules:
    """The rules of a load; of a tree's, what decided them is noted in `files`.

    They are found once, and noted there too. Raises UsageError where the tree's own code is to
    load, and must not be run.
    """
    rules = files.rules if isinstance(files.rules, Rules) else _find(files, store)
    files.rules = rules
    if rules.why and not files.may_run_tree and files.tree is not None:
        raise UsageError(
            f"the rules of {files.tree.root} are not known ({rules.why}), "
            "and --no-tree-code forbids to run its own code"
        )
    return rules


def _find(files: Files, store: Store | None) -> Rules:
    place = files.tree
    if place is None:
        release = release_key(files.version)
        return Rules(release, release)
    try:
        source = TreeSource(place)
    except OSError as error:
        why = f"{error.filename} cannot be read: {error.strerror}"
        return Rules(f"unreadable {why}", _newest(), why)
    rules = rules_of_source(source, files.version, store)
    # Which modules the tree's own code imports, nobody knows before it runs.
    source.note(files, "" if rules.why else rules.modules)
    rules.paths = [path for _, path, _ in source.files]
    return _with_reads(rules, files, place, store) if rules.why else rules


def _with_reads(rules: Rules, files: Files, place: TreePlace, store: Store | None) -> Rules:
    """The rules of a tree whose own code is to run, with what else that code reads."""
    from derivload.loading.tree_reads import TreeReads

    reads = TreeReads(rules.key, rules.paths, place.root, store)
    key = _key_with(rules.key, reads.look(files))
    found = Rules(key, rules.release, rules.why, "", rules.modules)
    found.paths = [*rules.paths, *reads.modules]
    found.reads, found.place = reads, place
    return found


def _key_with(key: str, held: str) -> str:
    """The key of the tree's own rules, with what it reads besides its source, if it reads more."""
    return f"{key} {digest_of(held.encode('utf-8', 'surrogateescape'))}" if held else key


def _newest() -> str:
    from derivload.cpp.dialect import NEWEST

    return NEWEST.version


def rules_of_source(source: TreeSource, version: str | None, store: Store | None) -> Rules:
    """The rules that a torchgen's source has; `version` is what it says that it is of."""
    from derivload.tree.sources import SOURCES

    if source.unreadable:
        return Rules(_key_of_source(source), _newest(), source.unreadable)
    release = release_key(version)
    known = SOURCES.get(source.digest)
    if known is not None and release in (known, _NEWEST):
        rules = Rules(known, known)
        rules.is_of_release = True
        return rules
    key = sha256(b"\0".join([_KIND, tool_digest(), source.digest, release.encode()])).digest()
    found = _of_this_process.get(key)
    if found is None:
        kept = None if store is None else store.get_or_pull(key)
        found = None if kept is None else _read(kept, source)
        if found is None:
            found = _read_tree(source, release)
            if store is not None:
                value = found.render()
                store.put(key, value)
                if is_as_it_began():
                    store.push(key, {key: value})
        _of_this_process[key] = found
    return found


def _read(kept: bytes, source: TreeSource) -> Rules | None:
    """The rules of a source that `render` gave; None for anything else."""
    parts = kept.decode("utf-8", "surrogateescape").split("\n")
    if len(parts) != 5:
        return None
    from derivload.tree.sources import SOURCES

    key, release, why, fields, modules = parts
    expected = _key_of_source(source) if why else _key_of(release, fields)
    # These are all releases that there are rules of; the table of their rules takes long to import.
    if release not in SOURCES.values() or key != expected or (why and fields):
        return None
    return Rules(key, release, why, fields, modules)


def read_known() -> Pieces:
    """The pieces of the releases."""
    import pkgutil

    from derivload.tree.rules import read_pieces

    data = pkgutil.get_data("derivload.tree", "known.json")
    assert data is not None
    return read_pieces(data)


def _read_tree(source: TreeSource, release: str) -> Rules:
    from derivload.tree.rules import find_rules

    compiled = [name for name, _, _ in source.files if not name.endswith(".py")]
    sources = {name: data.decode("utf-8", "replace") for name, _, data in source.files}
    found = find_rules(sources, read_known(), release)
    why = f"{compiled[0]} has no source" if compiled else found.why
    modules = " ".join(found.modules)
    if why:
        return Rules(_key_of_source(source), found.release, " ".join(why.split()), "", modules)
    return rules_with(found.release, found.tables, modules)


def rules_with(release: str, tables: Fields | None, modules: str = "") -> Rules:
    """The rules of a release, with tables that are others; None where they are its own."""
    if tables is None:
        return Rules(release, release, "", "", modules)
    import msgspec

    fields = msgspec.json.encode(tables, order="deterministic").decode()
    return Rules(_key_of(release, fields), release, "", fields, modules)


def _key_of_source(source: TreeSource) -> str:
    """The key of rules that only the tree's own code knows."""
    return f"source {source.digest.hex()}"


def _key_of(release: str, fields: str) -> str:
    """The key of the rules of a release, with these tables if there are any."""
    return f"{release} {sha256(fields.encode()).hexdigest()}" if fields else release


def job_release(files: Files) -> str:
    """What says for the generators which rules are followed; a tree's source does by itself."""
    return release_key(files.version) if files.tree is None else OWN


def key_of_additions(files: Files) -> str:
    """What stands in keys for what a backend adds, and for which of the files are of what kind."""
    counts = (len(files.more_derivatives), len(files.backends))
    return f"{files.additions.key}{f' and {counts}' if any(counts) else ''}"


def release_key(version: str | None) -> str:
    """The part of a version that says which release to follow, for the keys."""
    return _NEWEST if version is None else ".".join(version.split(".")[:2])
