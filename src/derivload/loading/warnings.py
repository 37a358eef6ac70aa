"""The warnings about what was loaded, or about what the store has of an earlier load.

A command that writes shows a warning once for each change. What it showed before is known by the
ids of warnings, which do not depend on lines, so that an edit elsewhere does not show it again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import msgspec

from derivload.diagnostics import Diagnostic
from derivload.engine.inputs import InputEntries
from derivload.engine.judging import NONE, Backend, Judged, Told, judge, place_all
from derivload.engine.laid import NotCertainError
from derivload.engine.lint import Linted, Possible
from derivload.tuples import NamedTuple
from derivload.wanted import EVERYTHING, Wanted

if TYPE_CHECKING:
    from derivload.engine.backends import Backends
    from derivload.loading.request import Request

# So many warnings are shown at once. The others are counted.
_MOST_SHOWN: Final = 20


class NewWarnings(NamedTuple):
    """The warnings that were not shown before.

    `new` is how many there are, of which `diagnostics` has the first. `others` is how many were
    shown before. `ids` are those of all. `fixed` names the warnings of the last load that are gone.
    """

    diagnostics: tuple[Diagnostic, ...] = ()
    new: int = 0
    others: int = 0
    ids: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


class KeptWarnings(msgspec.Struct, frozen=True, array_like=True):
    """What the store keeps of what was found, but for the entries."""

    found: list[Possible] = []
    of_backends: list[tuple[int, Diagnostic]] = []


def encode_found(linted: Linted) -> bytes:
    """What there may be to warn of, for the store."""
    return msgspec.msgpack.encode(KeptWarnings(linted.found, [*linted.of_backends]))


def judge_found(
    request: Request,
    found: bytes | Linted | None,
    wanted: Wanted | None,
    backends: Backends | None = None,
) -> Judged:
    """The warnings about the inputs of a request.

    `backends` is what backends register, if it was read. `found` is what `encode_found` made of an
    earlier load of the same entries, or what the load itself found; None if the code of a tree's
    torchgen loaded, which warns of nothing.
    """
    if found is None:
        return NONE
    linted = _linted_of(request, found) if isinstance(found, bytes) else found
    return judge(linted, request.inputs.texts, wanted or EVERYTHING, backend_of(request, backends))


def _linted_of(request: Request, found: bytes) -> Linted:
    try:
        kept = msgspec.msgpack.decode(found, type=KeptWarnings) if found else KeptWarnings()
        entries = InputEntries(request.inputs.texts, splits=request.keys.splits())
        counts = len(entries.definitions), len(entries.natives)
        if all(0 <= one.at < counts[one.of_native] for one in kept.found):
            return Linted(kept.found, entries, of_backends=kept.of_backends)
    except (NotCertainError, msgspec.MsgspecError, RecursionError):
        pass
    # The files cannot be read entry by entry.
    from derivload.loading.inputs import load_alone

    made = load_alone(request.inputs).make_linted
    assert made is not None
    return made()


def find_refused(request: Request) -> list[Diagnostic]:
    """What PyTorch's generators refuse of the inputs, which load: all of it, sorted by place."""
    from derivload.loading.inputs import load_alone

    outcome = load_alone(request.inputs)
    assert outcome.make_linted is not None
    from derivload.loading.deprecated import find_deprecated

    texts, linted = request.inputs.texts, outcome.make_linted()
    judged = judge(linted, texts, Wanted(frozenset()), with_refused=True)
    return sorted([*place_all(judged.shown, texts), *find_deprecated(request, linted)])


def backend_of(request: Request, backends: Backends | None = None) -> Backend:
    """What is known of the kernels of a backend. `backends` is as for `judge_found`."""
    files = request.files
    is_named = bool(files.additions.dispatch_keys) or files.is_defined_apart
    if not files.backends:
        return Backend(is_named)
    if backends is None:
        backends = request.inputs.texts.read_backends(request.inputs.dialect)
    if not backends.is_whole:
        return Backend(is_named=True)  # more may be registered than could be read
    return Backend(is_named, frozenset(backends.kernels()))


def new_warnings(judged: Judged | None, shown_before: Collection[str]) -> NewWarnings:
    """The warnings whose ids are not among those shown before."""
    if judged is None or not judged.shown:
        return NewWarnings()
    new = [told for told in judged.shown if told.id not in shown_before]
    new.sort(key=_order)
    diagnostics = sorted({told.place() for told in new[:_MOST_SHOWN]})
    ids = dict.fromkeys(told.id for told in judged.shown)
    others = len(judged.shown) - len(new)
    return NewWarnings(tuple(diagnostics), len(new), others, tuple(ids))


def fixed_since(before: Judged | None, now: Judged | None) -> tuple[str, ...]:
    """The warnings that are gone, by rule and operator, such as "DL602 of `add`"."""
    if before is None or not before.shown:
        return ()
    there = {told.what for told in now.shown} if now is not None else set()
    return tuple(
        dict.fromkeys(
            f"{told.code} of `{told.operator}`" if told.operator else told.code
            for told in before.shown
            if told.what not in there
        )
    )


def _order(told: Told) -> tuple[str, int]:
    return told.file, told.find()[0].line if told.find is not None else told.place().line
