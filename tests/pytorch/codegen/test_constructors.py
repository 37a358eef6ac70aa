"""Faster constructors of frozen dataclasses."""

from __future__ import annotations

import dataclasses

import pytest

from derivload.pytorch.codegen.constructors import has_generated, make_constructors


@dataclasses.dataclass(frozen=True)
class Plain:
    name: str
    sides: tuple[int, ...] = ()
    luster: float = 0.5


@dataclasses.dataclass(frozen=True)
class Checked(Plain):
    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("no name")


@dataclasses.dataclass(frozen=True)
class Own:
    name: str

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "name", name * 2)


@dataclasses.dataclass(frozen=True)
class Listed:
    names: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Named:
    name: str


@dataclasses.dataclass(frozen=True)
class Computed:
    name: str = dataclasses.field(init=False, default="a")


@dataclasses.dataclass
class Open:
    name: str


@dataclasses.dataclass(frozen=True)
class Slotted:
    __slots__ = ("name",)
    name: str


OTHERS = [Own, Listed, Named, Computed, Open, Slotted, int]


def test_those_of_frozen_dataclasses_are_made() -> None:
    made = make_constructors([Plain, *OTHERS, Checked])
    assert [class_ for class_, _ in made] == [Plain, Checked]


@pytest.mark.parametrize("class_", [Plain, Checked])
def test_objects_are_equal(class_: type[Plain]) -> None:
    ((_, constructor),) = make_constructors([class_])
    for arguments in (("a",), ("a", (1, 2)), ("a", (), 2.0)):
        made = object.__new__(class_)
        constructor(made, *arguments)
        assert made == class_(*arguments)
        assert (hash(made), repr(made)) == (hash(class_(*arguments)), repr(class_(*arguments)))
        with pytest.raises(dataclasses.FrozenInstanceError):
            made.name = "b"  # type: ignore[misc]
    made = object.__new__(class_)
    constructor(made, luster=1.0, name="a")
    assert made == class_("a", luster=1.0)
    with pytest.raises(TypeError):
        constructor(object.__new__(class_))


def test_what_is_checked_at_the_end_is_checked() -> None:
    ((_, constructor),) = make_constructors([Checked])
    with pytest.raises(ValueError, match="no name"):
        constructor(object.__new__(Checked), "")


def test_a_function_is_generated_or_somebodys_own() -> None:
    assert has_generated(Plain, "__hash__")
    assert not has_generated(Checked, "__post_init__")
    assert not has_generated(Own, "__init__")
    assert not has_generated(Open, "__init__")
    assert not has_generated(None, "__init__")
