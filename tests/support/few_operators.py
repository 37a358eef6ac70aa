"""A PyTorch with few operators: a release's own generators and templates, and some of its entries.

All kinds are among them: views and their copies, in-place, out and foreach functions, structured
ones, factories, functions that return a named tuple, of every Python module, deprecated ones.
Nothing is written by hand: the entries are the release's.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from support.copied import copy_modules
from support.pytorch_entries import PyTorch, base, entries

# Hardly more than one of each kind.
KINDS = """abs add sgn neg t view detach select unbind split empty zeros_like rand sort linalg_eigh
fft_fft special_erf avg_pool2d nested_size sparse_mask clone copy requires_grad_ set_ random_ conj
real hypot istft pow""".split()
_MORE = """mul exp transpose ones max linalg_norm sparse_coo_tensor fill relu baddbmm polygamma
addmm threshold_backward cumsum polar gelu allclose isclose cosine_similarity norm_except_dim
unsafe_chunk dequantize clamp_max atan2""".split()
EVERY = [*KINDS, *_MORE]
# torchgen.gen looks for kernels of these.
FOR_ATEN = """_nested_tensor_softmax_with_shape _index_put_impl_ count_nonzero log_sigmoid_backward
masked_fill _triton_multi_head_attention""".split()


def make_small(release: Path, folder: Path, operators: Iterable[str] = EVERY) -> PyTorch:
    """Make it in a new folder, with these operators and what they delegate to."""
    pytorch = PyTorch(folder)
    copy_modules(release / "torchgen", folder / "torchgen")
    shutil.copy(release / "version.txt", folder)
    stems = {_stem(name) for name in operators}
    natives = entries(pytorch.natives)[1:]
    before = -1
    while before < len(stems):
        before = len(stems)
        for entry in natives:
            delegate = re.search(r"structured_delegate: (\w+)", entry)
            if delegate and _stem(base(entry)) in stems:
                stems.add(_stem(delegate[1]))
    _keep(pytorch.natives, lambda entry: _stem(base(entry)) in stems)
    _keep(pytorch.derivatives, lambda entry: _stem(base(entry)) in stems)
    _keep(pytorch.deprecated, lambda entry: _stem(_called(entry)) in stems)
    return pytorch


def _keep(path: Path, is_wanted: Callable[[str], bool]) -> None:
    _, *pieces = entries(path)
    path.write_text("".join(piece for piece in pieces if is_wanted(piece)), "utf-8")


def _called(entry: str) -> str:
    found = re.search(r"aten: (\w+)", entry)
    assert found is not None
    return found[1].removesuffix("_out")


def _stem(name: str) -> str:
    name = name.strip("_").removeprefix("foreach_").replace("_", "")
    while name != (shorter := name.replace("copy", "").replace("scatter", "inverse")):
        name = shorter
    return name
