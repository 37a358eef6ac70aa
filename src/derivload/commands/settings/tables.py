"""Settings that are no options: tables that have no form on a command line."""

from __future__ import annotations

from typing import Final

# By name, what each table says. Its keys are free, and each value is a text or a list of texts.
# A command finds them in `options.found_settings.tables`, by name: of each key, a list of texts.
TABLES: Final[dict[str, str]] = {
    "per-operator-ignore": "codes of warnings that are ignored for operators, by a pattern of "
    "their names, such as npu_*",
    "per-file-ignore": "codes of warnings that are ignored in files, by a pattern of their paths",
}
