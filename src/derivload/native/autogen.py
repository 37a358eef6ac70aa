"""Checks that `autogen` names the variants that torchgen generates (DL625).

A load looks at it only to see whether an out variant is wanted. torchgen's generators for ATen
compare it, in each group of variants that has a functional and an out variant
(`NativeFunctionsGroup.__post_init__`), and stop if it names others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from derivload.diagnostics import Mistake
from derivload.native.function import NativeFunction
from derivload.native.generation import out_overload
from derivload.remedies import remove, write
from derivload.spelling import nearest
from derivload.tuples import NamedTuple


class WrongAutogen(NamedTuple):
    """A function whose entry has a wrong `autogen`."""

    function: NativeFunction
    mistake: Mistake


def check_autogen(functions: Sequence[NativeFunction]) -> Iterator[WrongAutogen]:
    """The mistakes in `autogen`. `functions` are all, those that torchgen generates included."""
    signatures = {f.signatures.exact for f in functions if f.autogen}
    groups: dict[str, list[NativeFunction]] = {}
    for function in functions:
        if function.signatures.exact in signatures:
            groups.setdefault(function.signatures.exact, []).append(function)
    for group in groups.values():
        wrong = _check_group(group)
        if wrong is not None:
            yield wrong


def _check_group(group: Sequence[NativeFunction]) -> WrongAutogen | None:
    # An entry may have the tag `generated` too.
    made = sorted(f.name.text for f in group if f.generated)
    # Which entry has each name: the first one.
    owners = {name.text: f for f in reversed(group) for name in f.autogen}
    kinds = {f.schema.kind for f in group}
    if not kinds >= {"functional", "out"}:
        # torchgen compares nothing. A composite function may name the variants it would have.
        return _check_names(owners, group)
    named = sorted(owners)
    # A backend may leave a name out, because ATen is not generated from its file.
    wrong = [name for name in named if name not in made]
    if not wrong:
        return None
    owner = owners[wrong[0]]
    if not made:
        message = f"`autogen` names {_listed(named)}, but torchgen generates no variant here"
        return WrongAutogen(owner, _mistake(named, message))
    message = f"torchgen generates {_listed(made)} from this, but `autogen` names {_listed(named)}"
    return WrongAutogen(owner, _mistake(named, message, ", ".join(made)))


def _check_names(
    owners: Mapping[str, NativeFunction], group: Sequence[NativeFunction]
) -> WrongAutogen | None:
    """The first name that no variant can have of a group that gets none."""
    possible = {f.name.renamed(out_overload(f.schema)).text for f in group}
    for function in group:
        is_mutable = function.schema.kind == "mutable"
        renamed = function.name.renamed(function.name.overload, functional_overload=is_mutable)
        possible.add(renamed.text)
    for name in sorted(owners):
        if name not in possible:
            close = nearest(name, sorted(possible), 1)
            message = f"`autogen` names `{name}`, which torchgen does not generate from this"
            return WrongAutogen(owners[name], _mistake([name], message, *close))
    return None


def _mistake(named: Sequence[str], message: str, wanted: str = "") -> Mistake:
    path, words = ("autogen",), named[0] if len(named) == 1 else ""
    if not wanted:
        help_ = "remove the key"
        return Mistake("DL625", message, path, words, help=help_, remedies=(remove("autogen"),))
    remedies = (write(wanted, words, path=path),)
    return Mistake("DL625", message, path, words, help=f"write `{wanted}`", remedies=remedies)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
