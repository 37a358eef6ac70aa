"""The source of a torchgen as texts, and the pieces of the releases, as the package keeps them.

    torchgen_source.py FOLDER

writes src/derivload/tree/known.json anew from the releases in FOLDER, a folder for each (2.1.0).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from derivload.cpp.dialect import DIALECTS
from derivload.tree.modules import Tree
from derivload.tree.rules import Pieces, reach_of

KNOWN = Path(__file__).parents[2] / "src" / "derivload" / "tree" / "known.json"
_PACKAGED = "torchgen/packaged/autograd/"


def sources(root: Path) -> dict[str, str]:
    """The modules of an unpacked torchgen, by the paths that `Tree` takes."""
    found = {}
    for path in sorted((root / "torchgen").rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if name.startswith(_PACKAGED) or "/packaged/" not in name:
            found[name.replace(_PACKAGED, "autograd/")] = path.read_text("utf-8")
    return found


def pieces_of(roots: dict[str, Path]) -> Pieces:
    """The pieces of releases, each "X.Y" with the folder that its torchgen is in."""
    made: dict[str, dict[str, list[str]]] = {}
    for release, root in roots.items():
        for piece in reach_of(Tree(sources(root))).pieces.values():
            made.setdefault(piece.id, {}).setdefault(piece.digest, []).append(release)
    return {
        id_: {digest: " ".join(releases) for digest, releases in digests.items()}
        for id_, digests in sorted(made.items())
    }


def main() -> None:
    """Write known.json anew."""
    folder = Path(sys.argv[1])
    made = pieces_of({release: folder / f"{release}.0" for release in DIALECTS})
    KNOWN.write_text(json.dumps(made, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
