"""A dict that makes its values when one is needed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping

import pytest

from derivload.pytorch.lazy import LazyDict

MADE = {"a": 1, "b": 2}


def _lazy(calls: list[int]) -> LazyDict[str, int]:
    def make() -> Mapping[str, int]:
        calls.append(1)
        return MADE

    return LazyDict.of("ab", make)


@pytest.mark.parametrize(
    ("use", "result"),
    [
        (lambda lazy: lazy["b"], 2),
        (lambda lazy: lazy.get("a"), 1),
        (lambda lazy: lazy.get("c", 3), 3),
        (lambda lazy: [*lazy.items()], [*MADE.items()]),
        (lambda lazy: [*lazy.values()], [1, 2]),
        (lambda lazy: [*lazy], ["a", "b"]),
        (lambda lazy: lazy == MADE, True),
        ([MADE].count, 1),
        (lambda lazy: lazy != MADE, False),
        (repr, repr(MADE)),
        (lambda lazy: lazy | {"c": 3}, {**MADE, "c": 3}),
        (lambda lazy: {"c": 3} | lazy, {"c": 3, **MADE}),
        (lambda lazy: {**lazy}, MADE),
        (dict, MADE),
        (lambda lazy: lazy.copy(), MADE),
        (lambda lazy: lazy.pop("a"), 1),
        (lambda lazy: lazy.popitem(), ("b", 2)),
        (lambda lazy: lazy.setdefault("a", 9), 1),
        (copy.copy, MADE),
        (lambda lazy: pickle.loads(pickle.dumps(lazy)), MADE),
    ],
)
def test_values_are_made_once_when_one_is_needed(
    use: Callable[[LazyDict[str, int]], object], result: object
) -> None:
    calls: list[int] = []
    lazy = _lazy(calls)
    assert use(lazy) == result
    assert calls == [1]
    assert lazy.get("c") is None
    assert calls == [1]


def test_keys_alone_make_nothing() -> None:
    calls: list[int] = []
    lazy = _lazy(calls)
    assert len(lazy) == 2
    assert "a" in lazy
    assert lazy.keys() == {"a", "b"}
    assert calls == []
    assert lazy.made() is lazy
    assert calls == [1]


def test_another_lazy_dict_that_is_given_is_made_too() -> None:
    calls: list[int] = []
    plain: LazyDict[str, int] = LazyDict({"a": 0})
    plain.update(_lazy(calls))
    assert (plain, calls) == (MADE, [1])


def test_what_is_changed_is_changed_behind_the_values() -> None:
    lazy = _lazy([])
    lazy["a"] = 5
    del lazy["b"]
    assert lazy == {"a": 5}
    lazy |= {"d": 1}
    assert lazy == {"a": 5, "d": 1}
    lazy.clear()
    assert lazy == {}


def test_a_copy_is_an_ordinary_dict() -> None:
    assert type(pickle.loads(pickle.dumps(_lazy([])))) is dict
    assert type(_lazy([]).copy()) is dict


def test_values_that_could_not_be_made_are_made_again() -> None:
    answers = [MADE]

    def make() -> Mapping[str, int]:
        if answers:
            return answers.pop()
        answers.append(MADE)
        raise KeyError("not yet")

    answers.clear()
    lazy = LazyDict.of("ab", make)
    with pytest.raises(KeyError, match="not yet"):
        lazy["a"]
    assert lazy["a"] == 1
