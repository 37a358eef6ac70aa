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
# Where the three files are in a checkout, and in what `derivload fetch` writes.
CHECKOUT = (
    "tools/autograd/derivatives.yaml",
    "aten/src/ATen/native/native_functions.yaml",
    "aten/src/ATen/native/tags.yaml",
)
PACKAGED = (
    "torchgen/packaged/autograd/derivatives.yaml",
    "torchgen/packaged/ATen/native/native_functions.yaml",
    "torchgen/packaged/ATen/native/tags.yaml",
)


def with_inputs(*options: str) -> list[str]:
    """Options that name inputs: the catalogue, where they name no others."""
    named = any(option in ("--derivatives", "--pytorch") for option in options)
    return [*options] if named else ["--catalogue", *options]
