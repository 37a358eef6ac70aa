"""For the code that tests run in a process of its own, with a release's torchgen on the path.

What differs between objects, and a run of upstream's generators. torchgen is imported by the
functions that need it: the tests' own process has none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

LOADER = "torchgen.packaged.autograd.load_derivatives"


def files(folder: str) -> tuple[str, str, str]:
    """A release's derivatives, native functions and tags, as load_derivatives takes them."""
    packaged = Path(folder, "torchgen", "packaged")
    native = packaged / "ATen" / "native"
    paths = (packaged / "autograd" / "derivatives.yaml", native / "native_functions.yaml")
    derivatives, natives = map(str, paths)
    return derivatives, natives, str(native / "tags.yaml")


def difference(ours: Any, theirs: Any, path: str = "") -> str | None:
    """Where two values differ: in class (of dicts, in being one), in a field, or in an order."""
    if ours is theirs:
        return None
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return _first(_pairs(list(ours.items()), list(theirs.items())), path)
    if type(ours) is not type(theirs):
        return f"{path}: {type(ours)} for {type(theirs)}, {ours!r} for {theirs!r}"
    if dataclasses.is_dataclass(ours):
        names = [field.name for field in dataclasses.fields(ours)]
        parts = {f".{name}": (getattr(ours, name), getattr(theirs, name)) for name in names}
        return _first(parts, path) or _unequal(ours, theirs, path)
    if isinstance(ours, Sequence) and not isinstance(ours, str):
        return _first(_pairs(ours, theirs), path)
    if isinstance(ours, set):
        # Upstream makes tuples of some sets; then the order shows.
        return _first(_pairs(list(ours), list(theirs)), path)
    return _unequal(ours, theirs, path)


def _pairs(ours: Sequence[Any], theirs: Sequence[Any]) -> Mapping[str, tuple[Any, Any]]:
    lengths = {"'s length": (len(ours), len(theirs))}
    return lengths | {f"[{i}]": pair for i, pair in enumerate(zip(ours, theirs, strict=False))}


def _first(parts: Mapping[str, tuple[Any, Any]], path: str) -> str | None:
    found = (difference(*pair, path + name) for name, pair in parts.items())
    return next((found_ for found_ in found if found_), None)


def _unequal(ours: Any, theirs: Any, path: str) -> str | None:
    return None if ours == theirs else f"{path}: {ours!r} for {theirs!r}"


def generate(out: str, native: str, tags: str, autograd: str) -> None:
    """Write what upstream's autograd generators write."""
    Path(out).mkdir()
    package = "torchgen.packaged.autograd"
    gen_autograd = import_module(f"{package}.gen_autograd")
    selector = import_module("torchgen.selective_build.selector")
    everything = selector.SelectiveBuilder.get_nop_selector()
    gen_autograd.gen_autograd(native, tags, out, autograd, everything)
    gen_autograd.gen_autograd_python(native, tags, out, autograd)
    import_module(f"{package}.gen_annotated_fn_args").gen_annotated(native, tags, out, autograd)


def join(into: str, parts: Iterable[str]) -> None:
    """Write one file of several, one behind the other."""
    Path(into).write_text("".join(Path(part).read_text("utf-8") for part in parts), "utf-8")
