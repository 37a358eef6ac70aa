"""What options say that a backend adds: put to the files of a load, and checked.

Imports little: the exits that parse nothing pass here.
"""

from __future__ import annotations

import os

from derivload.loading.errors import UsageError
from derivload.loading.reading import read_path
from derivload.sources.additions import DECLARING, Additions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from derivload.cpp.dialect import Dialect
    from derivload.loading.paths import Files, Spell


def add_to(
    files: Files,
    more_derivatives: Sequence[str],
    additions: Additions,
    spell: Spell,
    backends: Sequence[str] = (),
) -> None:
    """Put overlays of derivatives.yaml, and what else a backend adds, to the files of a load.

    `backends` are the files that say what backends register. A file that is named again, by the
    same path or another, is no overlay of itself.

    Raises UsageError, which names options as `spell` does.
    """
    _, *others = _without_repeats([files.derivatives, *more_derivatives], files)
    files.native_functions = tuple(_without_repeats(files.native_functions, files))
    has_overlays = others or len(files.native_functions) > 1
    if additions.override and not has_overlays:
        override, option = spell("override", ""), spell("native_functions", "")
        raise UsageError(f"{override} is about overlays: name one with {option}")
    if "" in additions.entry_keys:
        raise UsageError(f"{spell('entry_key', 'NAME')} is empty: name a key of entries")
    if "" in additions.sections:
        raise UsageError(f"{spell('section', 'NAME')} is empty: name a section of an overlay")
    if additions.sections != DECLARING and not (backends or len(files.native_functions) > 1):
        section, option = spell("section", ""), spell("native_functions", "")
        raise UsageError(f"{section} is about overlays: name one with {option}")
    files.backends = tuple(
        _without_repeats(backends, files, files.native_functions) if backends else ()
    )
    files.more_derivatives = tuple(others)
    files.additions = additions


def _without_repeats(paths: Sequence[str], files: Files, known: Sequence[str] = ()) -> list[str]:
    """These paths, without those that lead to the file of an earlier one.

    One that leads to the file of a path in `known` becomes that path: one file has one name.
    `files` notes the paths that were left out: a link may lead elsewhere later.
    """
    if len(paths) + len(known) < 2:
        return [*paths]
    names: dict[str, str] = {}
    kept = []
    for path in dict.fromkeys((*known, *paths)):
        name = names.setdefault(_place_of(path), path)
        if path in paths:
            kept.append(name)
        # What is read of a pipe is gone.
        content = read_path(path) if name != path and os.path.isfile(path) else None
        if isinstance(content, bytes):
            files.consulted.append((path, content))
    return [*dict.fromkeys(kept)]


def _place_of(path: str) -> str:
    """What is the same for all paths of a file; the path itself where that cannot be told."""
    try:
        return os.path.normcase(os.path.realpath(path))
    except OSError:  # somebody has removed the current folder
        return path


def check_sections(additions: Additions, texts: Sequence[str]) -> None:
    """Check that each section that was named is in one of these texts. Raises UsageError."""
    more = [name for name in additions.sections if name not in DECLARING]
    if not more:
        return
    import re

    from derivload.spelling import did_you_mean, nearest

    texts = [re.sub(r"(?m)^[ ]*#.*", "", text) for text in texts]
    for name in more:
        key = re.compile(rf"(?<!\w){re.escape(name)}[\"']?\s*:")
        if not any(key.search(text) for text in texts):
            keys = {key for text in texts for key in re.findall(r"(?m)^(\w+)\s*:", text)}
            asked = did_you_mean(nearest(name, sorted(keys), 1))
            raise UsageError(f"no overlay has a section `{name}`{asked}")


def dialect_with(dialect: Dialect, additions: Additions, *, is_known: bool) -> Dialect:
    """The dialect for what a backend adds. Raises UsageError where it cannot be added.

    `is_known` tells that the dialect is that of the torchgen. Else only its own code can tell
    which dispatch keys it has.
    """
    from derivload.native.keys import KEYS

    for name in additions.entry_keys:
        if name in KEYS:
            raise UsageError(f"the entry key `{name}` is torchgen's own, and cannot be passed over")
    if not additions.dispatch_keys:
        return dialect
    for key in additions.dispatch_keys if is_known else ():
        _check_dispatch_key(key, dialect)
    import msgspec

    return msgspec.structs.replace(
        dialect, dispatch_keys=dialect.dispatch_keys.union(additions.dispatch_keys)
    )


def _check_dispatch_key(key: str, dialect: Dialect) -> None:
    release = dialect.version
    if key in dialect.dispatch_keys:
        raise UsageError(
            f"torchgen {release} lists the dispatch key `{key}` already: do not add it again"
        )
    if key not in dialect.all_dispatch_keys:
        from derivload.spelling import did_you_mean, nearest

        asked = did_you_mean(nearest(key, sorted(dialect.all_dispatch_keys)))
        raise UsageError(f"torchgen {release} has no dispatch key `{key}`{asked}")
