"""All JSON Schemas, made from types and from the parser of the command line.

`python -m derivload.commands.schema.made` makes those that ship again.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from derivload.commands.check.command import Statistic
from derivload.commands.diff.document import DiffDocument
from derivload.commands.listing import ListDocument
from derivload.commands.schema.texts import PRINTED
from derivload.commands.settings.command import InForce
from derivload.commands.settings.json_schema import settings_schema
from derivload.commands.show.document import OperatorsDocument
from derivload.commands.watch.report import Executed, LoadFailed, Reloaded, WatchStarted
from derivload.outputs.files import write_if_changed
from derivload.outputs.json_schema import (
    DOCUMENTS,
    FOLDER,
    file_name,
    render_schema,
    schema_of_type,
)


class Stats(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a run went: the object that --stats=json prints.

    "ran" is only for `run`, "plain" only for `codegen`.
    """

    exit: Literal["up-to-date", "stored", "incremental", "cold", "plain", "ran"]
    counts: dict[str, int]
    seconds: dict[str, float]
    rules: str = ""
    replaced: tuple[str, ...] = ()


# What commands print for programs, and what each is.
_PRINTED: Final[dict[str, tuple[Any, str]]] = {
    "diff": (DiffDocument, ""),
    "in-force": (InForce, ""),
    "list": (ListDocument, ""),
    "show": (OperatorsDocument, ""),
    "statistics": (
        list[Statistic],
        "What `check --statistics --format json` prints: a list of rules, the most frequent first.",
    ),
    "stats": (Stats, ""),
    "watch": (
        WatchStarted | Reloaded | LoadFailed | Executed,
        "A line of `derivwatch --json`: one report, of which `event` tells the type.",
    ),
}


def json_schemas() -> dict[str, bytes]:
    """The schemas by file name, as the bytes that ship."""
    made = {name: schema_of_type(type_) for name, type_ in DOCUMENTS.items()}
    made |= {name: schema_of_type(*printed, PRINTED) for name, printed in _PRINTED.items()}
    made["settings"] = settings_schema()
    return {file_name(name): render_schema(name, schema) for name, schema in sorted(made.items())}


if __name__ == "__main__":
    for name, data in json_schemas().items():
        write_if_changed(str(FOLDER / name), data)
