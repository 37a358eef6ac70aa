"""A dict that makes its values when one is first needed. Otherwise it is an ordinary dict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")

# The methods that read values, or change the dict. `__iter__` is here so that Python uses these
# methods for `dict(...)` and `{**...}` too. With dict's own, it would copy the missing values.
_METHODS: Final = """
    __getitem__ get items values __eq__ __ne__ __repr__ __iter__ __or__ __ror__ __ior__ copy
    __setitem__ __delitem__ setdefault update pop popitem clear
""".split()


class LazyDict(dict[K, V]):
    """A dict whose keys are known. All values are made together when one is first needed.

    A copy of it is an ordinary dict, and so is the result of unpickling it.
    """

    _make: Callable[[], Mapping[K, V]] | None = None

    @classmethod
    def of(cls, keys: Iterable[K], make: Callable[[], Mapping[K, V]]) -> LazyDict[K, V]:
        """A dict with these keys. `make` is called once, and returns the values."""
        lazy = cls(cast("dict[K, V]", dict.fromkeys(keys)))
        lazy._make = make
        return lazy

    def made(self) -> LazyDict[K, V]:
        """The same dict, with its values made. If `make` raises, it is called again next time."""
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
