"""A dict that makes its values when they are first asked for, and is a plain one in all else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")

# What reads values, or changes the dict. With an `__iter__` that is not dict's own, Python goes
# through these for `dict(...)` and `{**...}` too, where it would copy what is not made yet.
_METHODS: Final = """
    __getitem__ get items values __eq__ __ne__ __repr__ __iter__ __or__ __ror__ __ior__ copy
    __setitem__ __delitem__ setdefault update pop popitem clear
""".split()


class LazyDict(dict[K, V]):
    """A dict whose keys are known, and whose values are made together at the first need.

    A copy of it, and what comes out of a pickle, is a plain dict.
    """

    _make: Callable[[], Mapping[K, V]] | None = None

    @classmethod
    def of(cls, keys: Iterable[K], make: Callable[[], Mapping[K, V]]) -> LazyDict[K, V]:
        """A dict of these keys, for which `make` is asked for the values, once."""
        lazy = cls(cast("dict[K, V]", dict.fromkeys(keys)))
        lazy._make = make
        return lazy

    def made(self) -> LazyDict[K, V]:
        """The same dict, with its values made. Raises what making them does, each time."""
        if self._make is not None:
            dict.update(self, self._make())
            self._make = None
        return self

    def __reduce__(self) -> tuple[type, tuple[dict[K, V]]]:
        return dict, (dict(self),)

    __hash__ = None


def _made_first(name: str) -> Callable[..., object]:
    plain = getattr(dict, name)

    def method(self: LazyDict[K, V], *arguments: object, **named: object) -> object:
        for dict_ in (self, *arguments):
            if isinstance(dict_, LazyDict):
                dict_.made()
        result: object = plain(self, *arguments, **named)
        return result

    method.__name__ = name
    return method


for _name in _METHODS:
    setattr(LazyDict, _name, _made_first(_name))
