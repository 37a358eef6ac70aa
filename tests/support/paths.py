"""Where the parts of this checkout are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "derivload"
CATALOGUE = PACKAGE / "catalog"
REFERENCE = ROOT / "tests" / "reference"

# What each set of inputs consists of, the catalogue among them.
DERIVATIVES, NATIVES, TAGS = FILES = "derivatives.yaml", "native_functions.yaml", "tags.yaml"


def with_inputs(*options: str) -> list[str]:
    """Options that name inputs: the catalogue, where they name no others."""
    named = any(option in ("--derivatives", "--pytorch") for option in options)
    return [*options] if named else ["--catalogue", *options]
