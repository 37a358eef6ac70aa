"""Files of tests/reference: texts as Python strings behind a `#`, each with what is told of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path


def read_recorded(file: Path) -> dict[str, str]:
    """What a file has, by text."""
    _, *parts = re.split(r"(?m)^# (.*)\n", file.read_text("utf-8"))
    return {
        ast.literal_eval(text): said.strip("\n")
        for text, said in zip(parts[::2], parts[1::2], strict=True)
    }


def write_recorded(file: Path, told: Mapping[str, str]) -> None:
    """Write a file anew."""
    parts = [f"# {text!r}\n{said}" for text, said in told.items()]
    file.write_text("\n\n".join(parts) + "\n", "utf-8")
