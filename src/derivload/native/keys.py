"""The keys that an entry of native_functions.yaml may have, and what each may hold."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from derivload.diagnostics import Mistake, Remedy
from derivload.patterns import lazy
from derivload.remedies import quote, remove, write
from derivload.rules import RULES
from derivload.sources.entries import Mapping, describe
from derivload.sources.plain import Value
from derivload.spelling import Guesses, ask

_NONE = type(None)

# Each key with the types that its value may have, and the words for them in a sentence. A key
# without a value (None) counts as absent only where torchgen accepts that.
KEYS: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    "autogen": ((str,), "a text"),
    "category_override": ((str, _NONE), "a text"),
    "cpp_no_default_args": ((list,), "a list"),
    "device_check": ((str, _NONE), "a text"),
    "device_guard": ((bool,), "true or false"),
    "dispatch": ((dict, _NONE), "a mapping of dispatch keys"),
    "func": ((str,), "a schema"),
    "manual_cpp_binding": ((bool,), "true or false"),
    "manual_kernel_registration": ((bool,), "true or false"),
    "precomputed": ((list, _NONE), "a list"),
    "python_module": ((str, _NONE), "a text"),
    "structured": ((bool,), "true or false"),
    "structured_delegate": ((str, _NONE), "an operator name"),
    "structured_inherits": ((str, _NONE), "a text"),
    "tags": ((str, list), "a tag or a list of tags"),
    "ufunc_inner_loop": ((str, dict), "a text or a mapping"),
    "use_const_ref_for_mutable_tensors": ((bool,), "true or false"),
    "variants": ((str,), "`function`, `method` or both"),
}

# torchgen's own loader adds this key to each mapping, so it also accepts a file that has it.
_LINE_KEY = "__line__"
_FEW: Final = f"{RULES['DL006'].help}; if a backend's own tools read it, pass over it with {{}}"


_SCHEMA: Final = lazy(r"[\w:.]+\(.*\) -> .+")
# Keys whose text may be any.
_ANY_TEXT: Final = frozenset({"category_override", "python_module", "structured_inherits"})
# Keys whose text has the same items as a list would.
_LISTED: Final = frozenset({"autogen", "variants"})


class EntryKeys:
    """Keys of entries that a backend's own tools read. `names` are names, or patterns of names.

    A pattern does not mean torchgen's own keys.
    """

    def __init__(self, names: Sequence[str]) -> None:
        patterns = "|".join(map(fnmatch.translate, names))
        self._pattern = re.compile(patterns) if names else None

    def without(self, value: Mapping) -> Mapping:
        """An entry without these keys."""
        pattern = self._pattern
        if pattern is None or value.keys() <= KEYS.keys():
            return value
        return {
            key: held
            for key, held in value.items()
            if key in KEYS or key == _LINE_KEY or not (isinstance(key, str) and pattern.match(key))
        }


def check_keys(value: Mapping, guesses: Guesses) -> list[Mistake]:
    """The mistakes in an entry's keys and in the types of their values (DL006, DL007, DL008)."""
    mistakes = []
    meant: set[str] = set()
    for key, held in value.items():
        known = KEYS.get(key) if isinstance(key, str) else None
        if known is None:
            if key != _LINE_KEY:
                close = _meant_keys(key, held, value, guesses)
                meant.update(close)
                unknown = _unknown(key, close)
                if "dispatch" in value and value["dispatch"] is None and not close:
                    help_ = "indent it, if it is of `dispatch`"
                    unknown = msgspec.structs.replace(unknown, help=help_, help_of_few="")
                mistakes.append(unknown)
        elif not isinstance(held, known[0]):
            message = f"`{key}` is {describe(held)}, but must be {known[1]}"
            remedies = _meant(str(key), held, known[0])
            meant_values = _meant_values(key, held, known[0], guesses)
            mistakes.append(
                Mistake(
                    code="DL007",
                    message=message,
                    path=(str(key),),
                    meant=meant_values,
                    remedies=remedies,
                )
            )
    if "func" not in value and "func" not in meant:
        mistakes.append(Mistake("DL008", "this entry has no `func`"))
    return mistakes


def _meant_keys(key: Value, held: Value, value: Mapping, guesses: Guesses) -> list[str]:
    """Which key may be meant by an unknown one. One that the entry has already is not."""
    if "func" not in value and isinstance(held, str) and _SCHEMA.fullmatch(held):
        return ["func"]
    return [name for name in guesses.nearest(str(key), KEYS) if name not in value]


def _meant_values(
    key: Value, held: Value, types: tuple[type, ...], guesses: Guesses
) -> tuple[str, ...]:
    """Which value may be meant by a text that is none of those that there are."""
    if key == "device_check" and held is False:
        return ("NoCheck",)
    if bool not in types or not isinstance(held, str) or held.lower() in ("true", "false"):
        return ()
    return tuple(guesses.nearest(held, ("True", "False")))


def _meant(key: str, held: Value, types: tuple[type, ...]) -> tuple[Remedy, ...]:
    """What was certainly meant by a value of another type, if anything."""
    if bool in types and str(held).lower() in ("true", "false"):
        return (write(str(held).capitalize(), path=(key,), is_safe=True),)
    if key in _LISTED and isinstance(held, list) and all(isinstance(item, str) for item in held):
        return (write(", ".join(map(str, held)), path=(key,), is_safe=True),)
    if list in types and isinstance(held, str):
        return (write(f"[{held}]", path=(key,), is_safe=True),)
    if key in _ANY_TEXT and isinstance(held, bool | int | float):
        return (quote(key, is_safe=True),)
    return ()


def _unknown(key: Value, close: list[str]) -> Mistake:
    option = f"--entry-key {key}" if isinstance(key, str) else ""
    help_ = f"{ask(close)} A backend's own key is passed over with {option}" if close else ""
    return Mistake(
        code="DL006",
        message=f"an entry of native_functions.yaml has no key `{key}`",
        path=(str(key),),
        on_key=True,
        help=help_,
        option=option,
        help_of_few=_FEW.format(option) if option and not close else "",
        # A backend's tools may read the key, however like one of torchgen's it is.
        remedies=(
            *(write(name, path=(str(key),), on_key=True) for name in close),
            remove(str(key)),
        ),
    )


def is_of_others(mistake: Mistake) -> bool:
    """Whether a mistake is that an entry has a key of nobody, which may be a backend's own."""
    return mistake.code == "DL006" and not mistake.help


def right_keys(value: Mapping) -> Mapping:
    """The entry with the keys alone that are known and have a value of the right type."""
    return {
        key: held
        for key, held in value.items()
        if isinstance(key, str) and key in KEYS and isinstance(held, KEYS[key][0])
    }
