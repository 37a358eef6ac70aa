"""Some of the entries of inputs, as a set of entries of its own."""

from __future__ import annotations

from collections.abc import Sequence

from derivload.engine.inputs import InputEntries
from derivload.sources.entries import EntryValue


class PickedEntries:
    """Some of the entries of inputs, in their order."""

    def __init__(
        self, inputs: InputEntries, natives: Sequence[int], definitions: Sequence[int]
    ) -> None:
        self._inputs = inputs
        self._natives = natives
        self._definitions = definitions
        self.natives = [*map(inputs.natives.__getitem__, natives)]
        self.definitions = [*map(inputs.definitions.__getitem__, definitions)]

    def native(self, index: int) -> EntryValue:
        """As that of `InputEntries`."""
        return self._inputs.native(self._natives[index])

    def read_native(self, index: int) -> EntryValue | None:
        """As that of `InputEntries`."""
        return self._inputs.read_native(self._natives[index])

    def definition(self, index: int) -> EntryValue:
        """As that of `InputEntries`."""
        return self._inputs.definition(self._definitions[index])

    def read_definition(self, index: int) -> EntryValue | None:
        """As that of `InputEntries`."""
        return self._inputs.read_definition(self._definitions[index])
