"""Finds out which release's loading rules a torchgen has, from its source, never from a version.

derivload's engine knows the rules of each release, but not those of forks or nightly builds. So the
source that these rules come from must be exactly that of a release. Comment lines and blank lines
do not count. Of torchgen's largest file, which backends patch most, only the functions that matter
count. The generators do not count here: their digests are in codegen/known.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

from derivload.pytorch.errors import UnexpectedTorchgenError

# The files in torchgen's folder that count. The loader counts too; its place differs by checkout.
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

# The release of each source, by the first 16 digits of its sha256.
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
    """The release "X.Y" whose loading rules a torchgen has.

    `loader` is its module load_derivatives, `gen` its torchgen.gen. Raises
    UnexpectedTorchgenError if its rules are not those of a known release.
    """
    return release_of_rules(rules_digest(loader, gen))


def release_of_rules(digest: str) -> str:
    """The release whose rules have this digest. Raises UnexpectedTorchgenError."""
    release = _RELEASES.get(digest)
    if release is None:
        raise UnexpectedTorchgenError(
            f"its source is not that of a release that derivload knows ({digest})"
        )
    return release


def rules_digest(loader: ModuleType, gen: ModuleType) -> str:
    """The digest of the source of the rules, in hex. Raises UnexpectedTorchgenError."""
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
    """The lines of the functions and classes that count."""
    wanted = False
    for line in lines:
        if not line.startswith((" ", ")")):
            part = _PART.match(line)
            wanted = part is not None and part[1] in _PARTS_OF_GEN
        if wanted:
            yield line
