"""One formula edited in a session, in catalogues of several sizes."""

from __future__ import annotations

from pathlib import Path

from benchmarks import enlarge
from benchmarks.timing import Comparison, SessionEdit

_SHARDS = ("--shards", "64")


def scale_comparisons(release: Path, scratch: Path) -> list[Comparison]:
    """What is measured. The last one takes three gigabytes."""
    one, ten, hundred = (scratch / f"times-{n}" for n in (1, 10, 100))
    for factor, folder in ((1, one), (10, ten), (100, hundred)):
        enlarge.main(factor, release, folder)

    def edit(what: str, pytorch: Path, *options: str) -> SessionEdit:
        out = scratch / f"out-{pytorch.name}{'-'.join(options)}"
        return SessionEdit(what, pytorch, out, *options)

    return [
        Comparison(
            "a formula edited in a session, 64 shards, 10 times the catalogue",
            edit("10 times", ten, *_SHARDS),
            edit("once", one, *_SHARDS),
            "at most 2.5",
        ),
        Comparison(
            "a formula edited in a session, one document, 10 times the catalogue",
            edit("10 times", ten),
            edit("its bytes alone", ten, "--floor"),
            "at most 1.5",
        ),
        Comparison(
            "a formula edited in a session, 64 shards, 100 times the catalogue, in memory",
            edit("100 times", hundred, *_SHARDS, "--in-memory"),
            edit("once", one, *_SHARDS, "--in-memory"),
            "at most 12",
        ),
    ]
