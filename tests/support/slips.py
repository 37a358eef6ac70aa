"""Mistakes as people make them in the workshop's files, and what `check` says of each."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from derivload.commands.check.command import check
from derivload.diagnostics import Diagnostic
from derivload.loading.paths import find_files
from derivload.outputs.edits import EditedText
from support.paths import DERIVATIVES, FILES, NATIVES, TAGS
from support.workshop import WORKSHOP


class Slip(NamedTuple):
    """A mistake: a text of a file, what somebody writes in its place, and what is told.

    `codes` are the rules, sorted by place. `told` has words of the message or the help of each.
    """

    file: str
    old: str
    new: str
    codes: str
    told: tuple[str, ...] = ()


def formula(old: str, new: str, codes: str, *told: str) -> Slip:
    return Slip(DERIVATIVES, old, new, codes, told)


def native(old: str, new: str, codes: str, *told: str) -> Slip:
    return Slip(NATIVES, old, new, codes, told)


GILD = "gild_backward(grad, result, luster)"
BLEND = "self: handle(grad, self.scalar_type())"
OTHER = "other: handle(grad * alpha, other.scalar_type())"
TILT = "self: grad.tilt(-angle)"
SCHEMA = "gild(Tensor self, float luster=0.5)"
INPLACE = "gild_(Tensor(a!) self, float luster=0.5)"
VARIANTS = "variants: function, method"
CLEAVE = "cleave_backward(grad, self.sym_sizes(), result1, dim)"


def diagnostics_of(slip: Slip, folder: Path) -> list[Diagnostic]:
    texts = dict(WORKSHOP)
    assert texts[slip.file].count(slip.old) == 1, slip.old
    texts[slip.file] = texts[slip.file].replace(slip.old, slip.new)
    for name in FILES:
        (folder / name).write_text(texts[name], "utf-8")
    return diagnostics_in(folder)


def diagnostics_in(folder: Path) -> list[Diagnostic]:
    paths = [str(folder / name) for name in (DERIVATIVES, NATIVES, TAGS)]
    return check(find_files(paths[0], [paths[1]], paths[2])).diagnostics


def check_what_is_told(slip: Slip, folder: Path) -> None:
    """What is told of a slip is what it says, and nothing else."""
    found = diagnostics_of(slip, folder)
    shown = "\n".join(diagnostic.render() for diagnostic in found)
    assert sorted(d.code for d in found) == sorted(slip.codes.split()), shown
    for words in slip.told:
        assert words in shown, shown


def check_its_fixes(slip: Slip, folder: Path) -> None:
    """Each fix that is offered for a slip removes its mistake."""
    found = diagnostics_of(slip, folder)
    before = [(diagnostic.code, diagnostic.message) for diagnostic in found]
    for diagnostic in found:
        for fix in diagnostic.fixes:
            (path,) = {Path(edit.file) for edit in fix.edits}
            text = path.read_text("utf-8")
            path.write_text(EditedText(text).apply(fix.edits), "utf-8")
            after = [(d.code, d.message) for d in diagnostics_in(folder)]
            path.write_text(text, "utf-8")
            assert after.count((diagnostic.code, diagnostic.message)) < before.count(
                (diagnostic.code, diagnostic.message)
            ), (fix, after)


def ids_of(slips: list[Slip]) -> list[str]:
    """A short name for each of these slips."""
    return [f"{i} {slip.new}"[:60] for i, slip in enumerate(slips)]
