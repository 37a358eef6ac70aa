"""Which files the INPUTS options mean. Finds and reads; does not look into what it reads.

Imports nothing but the standard library's least: the exits that parse nothing pass here.
"""

from __future__ import annotations

import os

from derivload.identity import PACKAGE
from derivload.loading.errors import UsageError
from derivload.loading.reading import read_path
from derivload.outputs.digests import names_like
from derivload.sources.additions import NOTHING, Additions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from derivload.loading.origin import Origin

    Spell = Callable[[str, str], str]

DERIVATIVES = "derivatives.yaml"
NATIVE_FUNCTIONS = "native_functions.yaml"
TAGS = "tags.yaml"
DEPRECATED = "deprecated.yaml"
_CHECKOUT = (
    "tools/autograd/derivatives.yaml",
    "aten/src/ATen/native/native_functions.yaml",
    "aten/src/ATen/native/tags.yaml",
)
_PACKAGED = (
    "packaged/autograd/derivatives.yaml",
    "packaged/ATen/native/native_functions.yaml",
    "packaged/ATen/native/tags.yaml",
)
# The most files that a line names.
_MOST_NAMED = 6
_CATALOGUE = os.path.join(PACKAGE, "catalog")


class TreePlace:
    """Where a tree has its torchgen: the folder that is imported from, and two below it."""

    __slots__ = ("autograd", "root", "torchgen")

    def __init__(self, root: str, torchgen: str, autograd: str) -> None:
        self.root = root
        self.torchgen = torchgen
        self.autograd = autograd


class Files:
    """The files of a load, by path, and the torch version asked for or found (None: newest).

    `tree` is where the torchgen is whose rules are to be followed, None where a version says which;
    `may_run_tree` allows its code to run where we do not know these rules. `rules` are those found.

    `consulted` are further files that decided it, with what they held; `absent` are paths that
    would have, had they been there; `listed` are patterns of names in a folder, as `names_like`
    has them, with the names that were there, and `variables` environment variables with the digests
    of their values. `more_derivatives` are the overlays of `derivatives`,
    and `additions` what the options say of how entries are read. `backends` say what backends
    register. `is_defined_apart` tells that the definitions are others than those of the tree that
    the functions are of.
    `of_tree` are the three files of a tree or of the catalogue, which is in `folder`.
    `origin` is what decided which files are meant, besides the options that were given.
    `deprecated` is the file of old signatures beside a tree's generators, None without one.
    """

    __slots__ = (
        *("absent", "additions", "backends", "consulted", "deprecated", "derivatives", "folder"),
        *("is_defined_apart", "listed", "may_run_tree", "more_derivatives", "native_functions"),
        *("of_tree", "origin", "rules", "tags", "tree", "variables", "version"),
    )

    def __init__(
        self,
        derivatives: str,
        native_functions: Sequence[str],
        tags: str,
        version: str | None,
    ) -> None:
        self.derivatives = derivatives
        self.more_derivatives: tuple[str, ...] = ()
        self.additions: Additions = NOTHING
        self.backends: tuple[str, ...] = ()
        self.native_functions = tuple(native_functions)
        self.tags = tags
        self.version = version
        self.tree: TreePlace | None = None
        self.deprecated: str | None = None
        self.may_run_tree = True
        self.is_defined_apart = False
        self.of_tree: tuple[str, ...] = ()
        self.folder = ""
        self.rules: object = None
        self.consulted: list[tuple[str, bytes]] = []
        self.absent: list[str] = []
        self.listed: list[tuple[str, list[str]]] = []
        self.variables: list[tuple[str, str]] = []
        self.origin: Origin | None = None

    def note_origin(self, origin: Origin) -> None:
        """Note what decided which files are meant."""
        self.origin = origin
        self.absent += origin.search.absent
        if origin.settings is not None:
            self.consulted.append(origin.settings)

    @property
    def named(self) -> str:
        """The names of all files, for a message; not all of many."""
        paths = self.names
        more = len(paths) - _MOST_NAMED
        if more > 1:
            return f"{', '.join(paths[:_MOST_NAMED])} and {more} more"
        return ", ".join(paths)

    @property
    def told(self) -> str:
        """Which files they are and why, if no option named them; else ""."""
        how = "" if self.origin is None else self.origin.how
        return f"looked at {self.named}, {how}" if how else ""

    @property
    def paths(self) -> tuple[str, ...]:
        """All files, in the order derivatives, native functions, tags, backends."""
        return (
            *(self.derivatives, *self.more_derivatives, *self.native_functions),
            *(self.tags, *self.backends),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Each of `paths` once: an overlay may be a file of a backend too."""
        return tuple(dict.fromkeys(self.paths))

    def read(self) -> list[bytes | OSError]:
        """What each of `paths` holds, or why it cannot be read."""
        return [read_path(path) for path in self.paths]


def spell_option(name: str, value: str = "") -> str:
    """An option of the command line as messages name it, with what it takes."""
    return f"--{name.replace('_', '-')} {value}".rstrip()


def find_files(
    derivatives: str | None = None,
    native_functions: Sequence[str] = (),
    tags: str | None = None,
    torch_version: str | None = None,
    pytorch: str | None = None,
    *,
    catalogue: bool = False,
    spell: Spell = spell_option,
) -> Files:
    """The files that these options mean; with `catalogue`, those that ship with derivload.

    With `pytorch`, a folder, its three files are taken: `native_functions` are then overlays
    over its own, and `derivatives` and `tags` take the place of its own. Without `tags`, the
    tags.yaml beside the first of `native_functions` is taken.

    Raises UsageError, which names options as `spell` does.
    """
    given = {
        "pytorch": pytorch,
        "derivatives": derivatives,
        "native_functions": native_functions,
        "tags": tags,
    }
    named = [name for name, value in given.items() if value]
    if catalogue:
        if named:
            own, other = spell("catalogue", ""), spell(named[0], "")
            raise UsageError(f"{own} names all inputs by itself: leave out {other}, or {own}")
        return _of_catalogue(torch_version)
    if pytorch is not None:
        return _of_pytorch(pytorch, derivatives, native_functions, tags, torch_version, spell=spell)
    if not named:
        raise UsageError(
            f"nothing names the inputs: give {spell('pytorch', 'DIR')}, or "
            f"{spell('derivatives', 'FILE')} and {spell('native_functions', 'FILE')}, or "
            f"{spell('catalogue', '')} for the examples that ship with derivload"
        )
    if derivatives is None or not native_functions:
        missing = spell("derivatives" if derivatives is None else "native_functions", "")
        instead = spell("pytorch", "DIR")
        raise UsageError(f"{missing} is missing: name the files together, or give {instead}")
    files = Files(
        derivatives,
        native_functions,
        _tags_beside(native_functions[0], spell) if tags is None else tags,
        torch_version,
    )
    theirs = _derivatives_beside(native_functions[0])
    files.is_defined_apart = theirs is not None and not _are_same(theirs, derivatives)
    return files


def _of_catalogue(torch_version: str | None) -> Files:
    names = (DERIVATIVES, NATIVE_FUNCTIONS, TAGS)
    own, native, tags = (os.path.join(_CATALOGUE, name) for name in names)
    files = Files(own, [native], tags, torch_version)
    files.of_tree, files.folder = (own, native, tags), _CATALOGUE
    return files


def _tags_beside(native_functions: str, spell: Spell) -> str:
    """The tags.yaml beside a native_functions.yaml. Raises UsageError if there is none."""
    tags = os.path.join(os.path.dirname(native_functions), TAGS)
    if not os.path.exists(tags):
        missing = spell("tags", "")
        either = "" if os.path.exists(native_functions) else ", which does not exist either"
        raise UsageError(
            f"{missing} is missing, and there is no tags.yaml beside {native_functions}{either}"
        )
    return tags


def _derivatives_beside(native_functions: str) -> str | None:
    """The derivatives.yaml of the tree that a native_functions.yaml is in, if it is in one."""
    path = os.path.abspath(native_functions)
    for own, native, _ in (_CHECKOUT, _PACKAGED):
        end = os.path.join(os.sep, *native.split("/"))
        if path.endswith(end):
            found = os.path.join(path[: -len(end)], *own.split("/"))
            if os.path.isfile(found):
                return found
    return None


def _are_same(path: str, other: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def _of_pytorch(
    folder: str,
    derivatives: str | None,
    overlays: Sequence[str],
    tags: str | None,
    torch_version: str | None,
    *,
    spell: Spell,
) -> Files:
    absent: list[str] = []
    parent = os.path.dirname(os.path.abspath(folder))
    places = (
        # A checkout comes first: one that was built has copies under torchgen/packaged.
        (folder, folder, _CHECKOUT),
        (folder, os.path.join(folder, "torchgen"), _PACKAGED),
        (parent, folder, _PACKAGED),
        (parent, os.path.join(parent, "torchgen"), _PACKAGED),
    )
    for root, base, names in places:
        own, native, own_tags = (os.path.join(base, *name.split("/")) for name in names)
        missing = [path for path in (own, native, own_tags) if not os.path.isfile(path)]
        absent += missing
        if missing:
            continue
        files = Files(derivatives or own, [native, *overlays], tags or own_tags, torch_version)
        files.absent = absent
        files.of_tree, files.folder = (own, native, own_tags), folder
        files.is_defined_apart = derivatives is not None
        deprecated = os.path.join(os.path.dirname(own), DEPRECATED)
        files.deprecated = deprecated if os.path.isfile(deprecated) else None
        if torch_version is None:
            version = spell("torch_version", "X.Y")
            _find_version(root, files, version)
            files.tree = _find_tree(root, base)
            if files.version is None and files.tree is None:
                raise UsageError(f"{folder} does not say which PyTorch it is: give {version}")
        return files
    raise UsageError(_why_no_pytorch(folder, places))


def _why_no_pytorch(folder: str, places: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    """What a folder lacks to be a PyTorch, in a sentence."""
    if not os.path.isdir(folder or os.curdir):
        if os.path.lexists(folder):
            return f"{folder} is no folder: name a folder with a PyTorch in it"
        from derivload.loading.near_files import near_paths
        from derivload.spelling import did_you_mean

        asked = did_you_mean(near_paths(folder, is_folder=True))
        return f"{folder} does not exist{asked or ': name a folder with a PyTorch in it'}"
    for _, base, names in places:
        paths = {name: os.path.join(base, *name.split("/")) for name in names}
        missing = [name for name, path in paths.items() if not os.path.isfile(path)]
        if len(missing) < len(names):
            where = f"{'does' if len(missing) == 1 else 'do'} not exist in {base or os.curdir}"
            return f"{' and '.join(missing)} {where}: this PyTorch is not whole"
    return (
        f"{folder} is no PyTorch: neither {_CHECKOUT[0]} nor torchgen/{_PACKAGED[0]} exists in it; "
        "name a checkout, a folder with an installed or unpacked torchgen, or one that "
        "`derivload fetch` made"
    )


def _find_tree(root: str, base: str) -> TreePlace | None:
    """Where the torchgen of a tree is, if its source is there."""
    autograd = os.path.join(base, "packaged", "autograd")
    torchgen = base
    if base == root:
        torchgen = os.path.join(root, "torchgen")
        autograd = os.path.join(root, "tools", "autograd")
    needed = (os.path.join(torchgen, "gen.py"), os.path.join(autograd, "load_derivatives.py"))
    is_there = all(os.path.isfile(path) for path in needed)
    return (
        TreePlace(os.path.dirname(os.path.abspath(torchgen)), torchgen, autograd)
        if is_there
        else None
    )


def _find_version(root: str, files: Files, option: str) -> None:
    """Find the version that a checkout's version.txt or an installed torch names.

    Raises UsageError, which says to give `option`, where there are several.
    """
    for name, read in (("version.txt", _whole), ("torch/version.py", _assigned)):
        path = os.path.join(root, *name.split("/"))
        content = read_path(path)
        if isinstance(content, bytes):
            files.consulted.append((path, content))
            files.version = read(content.decode("utf-8", "replace"))
            if files.version is not None:
                return
        else:
            files.absent.append(path)
    _find_installed(root, files, option)


def _find_installed(root: str, files: Files, option: str) -> None:
    """Find the version that an installer noted. Raises UsageError as `_find_version` does."""
    from derivload.loading.installed import PATTERN, find_installed

    def read(path: str) -> bytes | None:
        content = read_path(path)
        if isinstance(content, bytes):
            files.consulted.append((path, content))
            return content
        files.absent.append(path)
        return None

    pattern = os.path.join(root, PATTERN)
    names = names_like(pattern)
    files.listed.append((pattern, names))
    found = find_installed(root, names, read)
    if len(found) > 1:
        raise UsageError(
            f"{root} says that it is several PyTorches ({', '.join(one.name for one in found)}): "
            f"give {option}"
        )
    if found:
        files.version = found[0].version


def _whole(text: str) -> str | None:
    return text.strip() or None


def _assigned(text: str) -> str | None:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.split(":")[0].strip() == "__version__":
            return value.strip().strip("'\"") or None
    return None
