"""The files of a backend: an operator of its own, some that take the place of PyTorch's."""

from __future__ import annotations

from pathlib import Path

from support.pytorch_entries import PyTorch

OWN = """\
- func: derivload_mine(Tensor self, int n=1) -> Tensor
  variants: function, method
  exposed: True
  dispatch:
    PrivateUse1: derivload_mine
"""
# The second argument of `hypot` is of no kind that PyTorch's own has.
REPLACED = """\
- func: hypot(Tensor self, Tensor other_side) -> Tensor
  structured_delegate: hypot.out
  variants: method, function
- func: hypot.out(Tensor self, Tensor other_side, *, Tensor(a!) out) -> Tensor(a!)
  structured: True
  structured_inherits: TensorIteratorBase
  dispatch:
    CPU, PrivateUse1: hypot_out
- func: hypot_(Tensor(a!) self, Tensor other_side) -> Tensor(a!)
  structured_delegate: hypot.out
  variants: method
"""
DERIVATIVE = """\
- name: derivload_mine(Tensor self, int n=1) -> Tensor
  self: grad * n
- name: hypot(Tensor self, Tensor other_side) -> Tensor
  self: grad * (self / result)
  other_side: grad * (other_side / result)
"""


class Backend:
    """The files of a backend in a folder, for a PyTorch."""

    def __init__(self, pytorch: PyTorch, folder: Path) -> None:
        self._pytorch = pytorch
        self.natives = folder / "mine.yaml"
        self.derivatives = folder / "derivatives.yaml"
        self.natives.write_text(OWN + REPLACED, "utf-8")
        self.derivatives.write_text(DERIVATIVE, "utf-8")

    @property
    def options(self) -> list[str]:
        return [
            *("--derivatives", str(self._pytorch.derivatives)),
            *("--derivatives", str(self.derivatives), "--native-functions", str(self.natives)),
            *("--override", "--dispatch-key", "PrivateUse1", "--entry-key", "exposed"),
        ]

    def tell_pytorch(self) -> None:
        """Change the tree's own files as the options change what is loaded."""
        pytorch = self._pytorch
        model = pytorch.root / "torchgen" / "model.py"
        appended = "\ndispatch_keys.append(DispatchKey.PrivateUse1)\n"
        model.write_text(model.read_text("utf-8") + appended, "utf-8")
        replace_entries(pytorch.natives, self.natives.read_text("utf-8"), "func")
        replace_entries(pytorch.derivatives, self.derivatives.read_text("utf-8"), "name")


def replace_entries(path: Path, overlay: str, key: str) -> None:
    entries = ["- " + part for part in ("\n" + path.read_text("utf-8")).split("\n- ")[1:]]
    for part in overlay.replace("  exposed: True\n", "").split("\n- "):
        entry = "- " + part.removeprefix("- ").rstrip("\n")
        start = f"- {key}: {entry.partition(': ')[2].partition('(')[0]}("
        at = [i for i, old in enumerate(entries) if old.startswith(start)]
        if at:
            entries[at[0]] = entry
        else:
            entries.append(entry)
    path.write_text("\n".join(entries) + "\n", "utf-8")
