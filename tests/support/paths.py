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
