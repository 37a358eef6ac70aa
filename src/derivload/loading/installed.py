"""Which version of torch was installed into a folder, by what installers leave there.

An installer leaves a folder `torch-VERSION.dist-info`, or `.egg-info` in older days. There may be
several, for `pip install --target` leaves those of earlier versions behind; Python then takes the
one that the system happens to list first. Here it is the one whose RECORD has the torchgen that
is there.
"""

from __future__ import annotations

import base64
import hashlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    # Reads a file and notes that it was read; None where it cannot be.
    Read = Callable[[str], bytes | None]

# What is listed: more than is meant, for names are compared by their words alone.
PATTERN = "torch*-info"
_METADATA = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
_TORCHGEN = "torchgen/"


class Installed:
    """One of the versions that a folder has notes of. `where` is the folder of these notes."""

    __slots__ = ("version", "where")

    def __init__(self, where: str, version: str) -> None:
        self.where = where
        self.version = version

    @property
    def name(self) -> str:
        """The name of the folder of its notes."""
        return os.path.basename(self.where)

    @property
    def release(self) -> list[str]:
        """The part of the version that says which release to follow."""
        return self.version.split(".")[:2]


def find_installed(root: str, names: list[str], read: Read) -> list[Installed]:
    """The versions that are installed in a folder: one, where it can be told which.

    `names` are those in the folder that are like PATTERN.
    """
    found = []
    for name in names:
        stem, suffix = os.path.splitext(name)
        project, _, version = stem.partition("-")
        if project.lower() != "torch" or suffix.lower() not in _METADATA:
            continue
        where = os.path.join(root, name)
        noted = _noted_version(read(os.path.join(where, _METADATA[suffix.lower()])))
        version = noted or version.partition("-")[0]  # of an egg, Python's follows
        if version:
            found.append(Installed(where, version))
    if all(one.release == found[0].release for one in found):
        return found[:1]
    return _with_the_torchgen(root, found, read)


def _noted_version(metadata: bytes | None) -> str | None:
    """The version in the head of METADATA."""
    for line in _lines(metadata):
        name, _, value = line.partition(":")
        if name.lower() == "version":
            return value.strip() or None
        if not line:
            break
    return None


def _with_the_torchgen(root: str, found: list[Installed], read: Read) -> list[Installed]:
    """Those whose RECORD has the most of the modules of torchgen as they are here; all, where
    none has any.
    """
    digests: dict[str, str] = {}

    def is_here(name: str, digest: str) -> bool:
        if name not in digests:
            data = read(os.path.join(root, *name.split("/"))) or b""
            own = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            digests[name] = f"sha256={own}"
        return digests[name] == digest

    counts = [sum(is_here(*noted) for noted in _modules_of_torchgen(one, read)) for one in found]
    return [one for one, count in zip(found, counts, strict=True) if count == max(counts)]


def _modules_of_torchgen(one: Installed, read: Read) -> list[tuple[str, str]]:
    """The modules right in torchgen that a RECORD lists, each with its digest."""
    noted = []
    for line in _lines(read(os.path.join(one.where, "RECORD"))):
        name, _, rest = line.partition(",")
        inside = name.removeprefix(_TORCHGEN)
        if inside != name and inside.endswith(".py") and "/" not in inside:
            noted.append((name, rest.partition(",")[0]))
    return noted


def _lines(noted: bytes | None) -> list[str]:
    return [] if noted is None else noted.decode("utf-8", "replace").splitlines()
