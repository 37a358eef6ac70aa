"""A PyTorch whose files are edited, entry by entry."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import NamedTuple


class PyTorch(NamedTuple):
    """A folder with `torchgen/` in it."""

    root: Path

    @property
    def autograd(self) -> Path:
        return self.root / "torchgen" / "packaged" / "autograd"

    @property
    def derivatives(self) -> Path:
        return self.autograd / "derivatives.yaml"

    @property
    def deprecated(self) -> Path:
        return self.autograd / "deprecated.yaml"

    @property
    def natives(self) -> Path:
        return self.root / "torchgen" / "packaged" / "ATen" / "native" / "native_functions.yaml"

    @property
    def tags(self) -> Path:
        return self.natives.with_name("tags.yaml")


def entries(path: Path) -> list[str]:
    """A file in pieces that give it again when they are joined, an entry each but the first."""
    return re.split(r"^(?=- )", path.read_text("utf-8"), flags=re.MULTILINE)


def replace_entry(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), "utf-8")


def insert(path: Path, random_: random.Random, text: str) -> None:
    """Insert an entry somewhere."""
    pieces = entries(path)
    at = random_.randrange(1, len(pieces))
    if not pieces[at - 1].endswith("\n"):
        pieces[at - 1] += "\n"
    path.write_text("".join([*pieces[:at], text, *pieces[at:]]), "utf-8")


def remove(path: Path, beginning: str) -> None:
    pieces = [piece for piece in entries(path) if not piece.startswith(beginning)]
    assert len(pieces) == len(entries(path)) - 1, beginning
    path.write_text("".join(pieces), "utf-8")


def named(entry: str) -> str:
    """What an entry of either file is of: the schema."""
    return entry.splitlines()[0].partition(": ")[2]


def base(entry: str) -> str:
    return re.split(r"[.(]", named(entry))[0].strip("_")
