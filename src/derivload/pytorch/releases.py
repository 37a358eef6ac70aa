"""Which release's rules of loading an importable torchgen has: its source tells, never a version.

derivload's engine follows the rules of each release, and of no fork and no nightly. So whatever
of torchgen's source these rules come from has to be, word for word, that of a release. Lines of
comments and blank lines do not count. Of torchgen's largest file, which backends patch most, only
the functions that matter do, and of the generators nothing: their digests are in known.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

from derivload.pytorch.errors import UnexpectedTorchgenError

# In torchgen's folder, besides the loader itself, which a checkout has elsewhere.
_FILES: Final = """
    api/autograd.py api/cpp.py api/types/__init__.py api/types/signatures.py api/types/types.py
    api/types/types_base.py context.py local.py model.py native_function_generation.py utils.py
    yaml_utils.py
""".split()
_GEN: Final = "gen.py"
_PARTS_OF_GEN: Final = frozenset(
    """
    LineLoader parse_native_yaml_struct parse_tags_yaml_struct parse_tags_yaml parse_native_yaml
    error_check_native_functions get_grouped_by_view_native_functions
    """.split()
)
_PART: Final = re.compile(r"(?:def|class) (\w+)")

# The release whose source this is, by the start of the sha256.
_RELEASES: Final = {
    "f1472360bae6853a": "2.1",
    "a63613d4d80cd120": "2.2",
    "206882435dabda39": "2.3",
    "a0bbcd58d79221e5": "2.4",
    "f1195da68e453199": "2.5",
    "bf46a6ed42ebcb3e": "2.6",
    "2d61cf816439aa3e": "2.7",
    "ec0cdbb1da12358a": "2.8",
    "3cc6b55fa2029f41": "2.9",
    "664a0a78a98b775a": "2.10",
    "253fcbe224058373": "2.11",
    "6ce57685da0dc08f": "2.12",
    "06dab5b18ad4a993": "2.13",
    "7f52030fd3bcd08b": "2.14",
    "af525e932ec8a914": "2.15",
}


def release_of_torchgen(loader: ModuleType, gen: ModuleType) -> str:
    """The release "X.Y" whose rules of loading a torchgen has.

    `loader` is its module load_derivatives, `gen` its torchgen.gen. Raises
    UnexpectedTorchgenError where these are the rules of no release.
    """
    digest = rules_digest(loader, gen)
    release = _RELEASES.get(digest)
    if release is None:
        raise UnexpectedTorchgenError(
            f"its source has the rules of no release that derivload knows ({digest})"
        )
    return release


def rules_digest(loader: ModuleType, gen: ModuleType) -> str:
    """The digest of the source that has the rules, as hex. Raises UnexpectedTorchgenError."""
    digest = hashlib.sha256()
    for line in _source(loader, gen):
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def _source(loader: ModuleType, gen: ModuleType) -> Iterator[str]:
    torchgen = _path(gen).parent
    for path in (_path(loader), *(torchgen / name for name in _FILES)):
        yield from _meaningful(path)
    yield from _parts(_meaningful(torchgen / _GEN))


def _path(module: ModuleType) -> Path:
    if module.__file__ is None:
        raise UnexpectedTorchgenError(f"{module.__name__} has no source")
    return Path(module.__file__)


def _meaningful(path: Path) -> Iterator[str]:
    try:
        text = path.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise UnexpectedTorchgenError(f"{path} cannot be read: {error.strerror}") from None
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield f"{line}\n"


def _parts(lines: Iterator[str]) -> Iterator[str]:
    """Those functions and classes of a module that matter."""
    wanted = False
    for line in lines:
        if not line.startswith((" ", ")")):
            part = _PART.match(line)
            wanted = part is not None and part[1] in _PARTS_OF_GEN
        if wanted:
            yield line
