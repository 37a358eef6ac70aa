"""What the reference says of the classes: one table of their fields, with what each means.

The sentences are those that describe them in the JSON Schemas. A class that is in no schema has
them in its docstring.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import griffe

from derivload.commands.schema.texts import PRINTED
from derivload.outputs.property_texts import TEXTS

_TEXTS = {**PRINTED, **TEXTS}


class Fields(griffe.Extension):
    """Puts the table into the docstring of a class, in the place of a heading for each field.

    Nobody makes an instance or calls a method with underscores: these are left out.
    """

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        """Change one class, whose members are known by now."""
        fields = [
            member
            for member in cls.members.values()
            if isinstance(member, griffe.Attribute) and "property" not in member.labels
        ]
        if cls.docstring is not None:
            shown = [field for field in fields if not field.name.startswith("_")]
            cls.docstring.value = _with_table(cls.docstring.value, cls.name, shown)
        special = {name for name in cls.members if name.startswith("__")}
        for name in special | {field.name for field in fields}:
            cls.del_member(name)


def _with_table(docstring: str, record: str, fields: Sequence[griffe.Attribute]) -> str:
    if "\nAttributes:\n" in docstring:
        for field in fields:
            if field.annotation is not None:
                row = f"    {field.name} ({field.annotation}):"
                docstring = docstring.replace(f"    {field.name}:", row)
        return docstring
    rows = [f"    {field.name} ({field.annotation}): {_text(record, field)}" for field in fields]
    return "\n".join([docstring, "", "Attributes:", *rows]) if rows else docstring


def _text(record: str, field: griffe.Attribute) -> str:
    text = _TEXTS.get(record, {}).get(field.name, "")
    return text if isinstance(text, str) else text[0]
