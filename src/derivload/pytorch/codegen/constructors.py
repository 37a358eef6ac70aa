"""Faster constructors for torchgen's frozen dataclasses, of which a run makes 650,000 objects.

The one that Python generates calls `object.__setattr__` for each field. Ours puts the fields where
that does. The classes stay as they are otherwise: a field of an object still cannot be set.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Final

# The file name of code that `dataclasses` generates.
_GENERATED: Final = "<string>"


def make_constructors(classes: Iterable[type]) -> list[tuple[type, Callable[..., None]]]:
    """For each of these classes that has a generated constructor, another one."""
    chosen = [class_ for class_ in classes if _is_plain(class_)]
    names: dict[str, Any] = {}
    lines = [line for i, class_ in enumerate(chosen) for line in _lines(f"new_{i}", class_, names)]
    exec(compile("\n".join(lines), __file__, "exec"), names)
    return [(class_, names[f"new_{i}"]) for i, class_ in enumerate(chosen)]


def has_generated(class_: Any, name: str) -> bool:
    """Whether a class is a frozen dataclass, and this function of it is the generated one."""
    own = vars(class_) if isinstance(class_, type) else {}
    parameters = own.get("__dataclass_params__")
    code = getattr(own.get(name), "__code__", None)
    return getattr(parameters, "frozen", False) and getattr(code, "co_filename", "") == _GENERATED


def _is_plain(class_: type) -> bool:
    """Whether all that the constructor of a class does is to put each argument into its field."""
    if not has_generated(class_, "__init__") or "__slots__" in vars(class_):
        return False
    fields = vars(class_)["__dataclass_fields__"].values()
    return all(
        field._field_type is dataclasses._FIELD  # type: ignore[attr-defined]
        and field.init
        and field.default_factory is dataclasses.MISSING
        and not field.kw_only
        for field in fields
    )


def _lines(name: str, class_: type, names: dict[str, Any]) -> list[str]:
    """The lines of a constructor. Adds the defaults of its arguments to `names`."""
    arguments = []
    fields = dataclasses.fields(class_)
    for field in fields:
        arguments.append(field.name)
        if field.default is not dataclasses.MISSING:
            default = f"{name}_{field.name}"
            names[default] = field.default
            arguments[-1] += f"={default}"
    return [
        f"def {name}({', '.join(['self', *arguments])}):",
        " values = self.__dict__",
        *[f" values[{field.name!r}] = {field.name}" for field in fields],
        *([" self.__post_init__()"] if hasattr(class_, "__post_init__") else []),
    ]
