"""An entry of derivatives.yaml as formulas by dispatch key; None if anything in it is wrong."""

from __future__ import annotations

from derivload.derivatives.definition import Definition, Formulas, read_definition
from derivload.sources.plain import Value

NAME = "f.x(Tensor self, Tensor b) -> Tensor"
XLA = frozenset({"AutogradXLA"})


def test_formulas_of_an_entry_are_those_for_default() -> None:
    entry: dict[Value, Value] = {"self": "grad", "name": NAME, "b": "grad * self"}
    formulas = Formulas("Default", (("b", "grad * self"), ("self", "grad")), (), True)
    assert read_definition(entry) == Definition(NAME, "f", (formulas,), None, None)


def test_formulas_of_a_table_are_those_for_its_keys() -> None:
    table: dict[Value, Value] = {"Default": {"self": "grad"}, "AutogradXLA": {}}
    entry: dict[Value, Value] = {"name": NAME, "dispatch": table, "output_differentiability": []}
    default = Formulas("Default", (("self", "grad"),), ("dispatch", "Default"), True)
    xla = Formulas("AutogradXLA", (), ("dispatch", "AutogradXLA"), True)
    expected = Definition(NAME, "f", (default, xla), (), None)
    assert read_definition(entry, XLA) == read_definition(entry) == expected
    assert read_definition(entry, frozenset()) is None


def test_an_entry_with_a_mistake_is_no_definition() -> None:
    assert read_definition({"name": NAME, "self": 1}) is None
    assert read_definition({"name": "f", "self": "grad"}) is None
    assert read_definition({"self": "grad"}) is None


def test_what_an_entry_says_of_outputs() -> None:
    def outputs(given: Value) -> tuple[object, object]:
        read = read_definition({"name": NAME, "output_differentiability": given})
        assert read is not None
        return read.output_differentiability, read.output_differentiability_conditions

    assert outputs([True, False]) == ((True, False), None)
    assert outputs(["self.x()"]) == ((True,), ("self.x()",))
    assert outputs([]) == outputs(None) == (None, None)
