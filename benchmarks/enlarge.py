"""A catalogue N times as large: each operator of a PyTorch release again under other names.

    python -m benchmarks.enlarge FACTOR PYTORCH_DIR OUT_DIR

Writes OUT_DIR/torchgen/packaged/… and version.txt, so that `--pytorch OUT_DIR` loads it. The
copies of `add` are `x1add`, `x2add`, …; variants stay variants of each other. Operators whose
names a rule knows by heart are not copied.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from derivload.cpp.dialect import find_dialect

_ENTRY = re.compile(r"(?m)^(?=- )")
_NAME = re.compile(r"(?m)^(- (?:func|name): )(\S+?)(?=[.(])")
_REFERENCES = re.compile(r"(?m)^(  (?:structured_delegate|autogen): )(.*)$")
# Rules that hold for these names alone would not hold for a copy.
_KNOWN_BY_HEART = frozenset(
    "resize_ resize_as_ set_ polygamma polygamma_ bernoulli random_ uniform_"
    " adaptive_avg_pool3d_backward _slow_conv2d_backward _cudnn_init_dropout_state"
    " _has_compatible_shallow_copy_type _foreach_zero_ zero_ zero _foreach_zero"
    " _foreach_add _foreach_add_ _foreach_sub _foreach_sub_ _foreach_mul _foreach_mul_"
    " _foreach_div _foreach_div_ narrow narrow_copy set".split()
)


def enlarge(text: str, factor: int, skipped: frozenset[str]) -> str:
    """A file's text with `factor - 1` renamed copies of each of its entries."""
    head, *entries = _ENTRY.split(text)
    copies = [head, *entries]
    for number in range(1, factor):
        for entry in entries:
            found = _NAME.search(entry)
            if found is not None and found[2] not in skipped:
                copies.append(_rename(entry, number))
    return "\n".join(copy.rstrip("\n") + "\n" for copy in copies)


def _rename(entry: str, number: int) -> str:
    entry = _NAME.sub(lambda m: m[1] + _other_name(m[2], number), entry)
    return _REFERENCES.sub(
        lambda m: m[1] + ", ".join(_other_name(name, number) for name in m[2].split(", ")), entry
    )


def _other_name(name: str, number: int) -> str:
    for prefix in ("_foreach_", "__i", "__"):
        if name.startswith(prefix) and (prefix == "_foreach_" or name.endswith("__")):
            # An augmented assignment is one of Python's, so `__iadd__` cannot be renamed.
            return name if prefix == "__i" else f"{prefix}x{number}{name[len(prefix) :]}"
    return f"x{number}{name}"


def main(factor: int, pytorch: Path, out_dir: Path) -> None:
    """Write the enlarged catalogue of the release in `pytorch` to `out_dir`."""
    version = (pytorch / "version.txt").read_text("utf-8")
    dialect, _ = find_dialect(version)
    without_variant = {name.partition(".")[0] for name in dialect.without_out_variant}
    packaged = Path("torchgen", "packaged")
    for name in ("autograd/derivatives.yaml", "ATen/native/native_functions.yaml"):
        source, target = pytorch / packaged / name, out_dir / packaged / name
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text("utf-8")
        dunders = frozenset(m[2] for m in _NAME.finditer(text) if m[2].startswith("__"))
        skipped = _KNOWN_BY_HEART | without_variant | dunders
        target.write_text(enlarge(text, factor, skipped), "utf-8")
    tags = packaged / "ATen/native/tags.yaml"
    shutil.copyfile(pytorch / tags, out_dir / tags)
    (out_dir / "version.txt").write_text(version, "utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
