"""Our NamedTuple makes the classes that the one of typing makes."""

from __future__ import annotations

import pickle
import typing
from typing import Any

import msgspec
import pytest

from derivload import tuples


class Ours(tuples.NamedTuple):
    """A pair."""

    name: str
    numbers: tuple[int, ...] = ()

    @property
    def amount(self) -> int:
        """How many numbers there are."""
        return len(self.numbers)

    def with_name(self, name: str) -> Ours:
        return self._replace(name=name)


class Theirs(typing.NamedTuple):
    """A pair."""

    name: str
    numbers: tuple[int, ...] = ()

    @property
    def amount(self) -> int:
        """How many numbers there are."""
        return len(self.numbers)

    def with_name(self, name: str) -> Theirs:
        return self._replace(name=name)


class Further(Ours):
    """One that goes on from another."""


BOTH: list[Any] = [Ours, Theirs]


def test_a_class_is_that_of_typing_but_for_its_annotations() -> None:
    assert vars(Ours).keys() - vars(Theirs).keys() == set()
    # In some versions, typing notes its own base besides.
    assert vars(Theirs).keys() - vars(Ours).keys() <= {"__orig_bases__"}
    for attribute in ("_fields", "_field_defaults", "__doc__", "__slots__", "__module__"):
        assert getattr(Ours, attribute) == getattr(Theirs, attribute), attribute
    assert (Ours.__name__, Ours.__qualname__, Ours.__bases__) == ("Ours", "Ours", (tuple,))


@pytest.mark.parametrize("made", [*BOTH, Further])
def test_instances_behave_as_those_of_typing(made: Any) -> None:
    one = made("a", (1, 2))
    assert (one.name, one.numbers, one.amount) == ("a", (1, 2), 2)
    assert made("b").numbers == ()
    assert one == ("a", (1, 2))
    assert (one.with_name("b"), type(one.with_name("b"))) == (("b", (1, 2)), made)
    assert repr(one) == f"{made.__name__}(name='a', numbers=(1, 2))"
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(TypeError):
        made()
    with pytest.raises(AttributeError):
        one.name = "b"


@pytest.mark.parametrize("made", BOTH)
def test_what_is_decoded_is_checked_against_the_annotations(made: Any) -> None:
    decoder = msgspec.json.Decoder(made)
    assert decoder.decode(b'["a",[1]]') == made("a", (1,))
    assert decoder.decode(b'["a"]') == made("a")
    with pytest.raises(msgspec.ValidationError):
        decoder.decode(b'["a",["1"]]')
