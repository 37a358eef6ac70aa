"""What a script was seen to do, by name, and how it is told to the process that started it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any, Final

# The names of files in the folder of a run: what all of it was seen to do, and its parts.
SEEN: Final = "seen"
PART: Final = "part-"
# The file that says which remote cache the run uses.
REMOTE: Final = "remote"
# In the place of the cache's folder: the one that the user has without any option.
USERS_CACHE: Final = "-"


class ObservedRun:
    """What a run depends on and what it did.

    - `files` were opened to be read, `values` were read by a YAML parser alone;
    - `kinds` (what is at a path), `links` (where a link leads), `statuses` (of files, with size and
      times) and `listed` (folders) have the value that was seen first;
    - `modules` are names that were looked for, by folder;
    - `variables` are of the environment, "" for all of it, with the digest that was seen first,
      and `terminals` the standard streams of which it asked whether they are one;
    - `written` are the files that it wrote or left as they are because they held the same, `made`
      the folders that it made or needed;
    - `printed` is what it wrote to stdout (1) and stderr (2), in hex;
    - `reasons` say why the run cannot be kept.
    """

    def __init__(self) -> None:
        self.files: dict[str, None] = {}
        self.values: dict[str, None] = {}
        self.kinds: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.statuses: dict[str, str] = {}
        self.listed: dict[str, str] = {}
        self.modules: dict[str, set[str]] = {}
        self.variables: dict[str, str] = {}
        self.terminals: dict[str, str] = {}
        self.written: dict[str, None] = {}
        self.made: dict[str, None] = {}
        self.printed: list[tuple[int, str]] = []
        self.reasons: dict[str, None] = {}
        self.began = 0

    def render(self) -> bytes:
        """The bytes for `read_seen`."""
        told: dict[str, Any] = {
            name: sorted(value) if isinstance(value, set) else value
            for name, value in vars(self).items()
        }
        told["modules"] = {folder: sorted(names) for folder, names in self.modules.items()}
        return json.dumps(told).encode("ascii")

    def take(self, data: bytes) -> None:
        """Add what `render` of another one tells. What was seen first stays."""
        told = json.loads(data)
        for name, value in told.items():
            mine = vars(self)[name]
            if name == "modules":
                for folder, names in value.items():
                    mine.setdefault(folder, set()).update(names)
            elif isinstance(mine, dict):
                for key, first in value.items():
                    mine.setdefault(key, first)


def write_seen(path: str, seen: ObservedRun) -> None:
    """Write what a run saw for `read_seen`, or nothing, if the disk is full, say."""
    try:
        with open(path, "wb") as file:
            file.write(seen.render())
    except OSError:
        with suppress(OSError):
            os.unlink(path)


def read_seen(path: str) -> ObservedRun | None:
    """What a run saw; None if it did not end as scripts do, by `os._exit` for example."""
    try:
        with open(path, "rb") as file:
            told = json.loads(file.read())
    except (OSError, ValueError):
        return None
    seen = ObservedRun()
    vars(seen).update(told)
    return seen
