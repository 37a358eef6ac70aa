"""Inputs of two functions, one definition of which has a warning, and the right one."""

NATIVES = """\
- func: gild(Tensor self, Tensor leaf) -> Tensor
  dispatch:
    CPU: gild
- func: plain(Tensor self) -> Tensor
"""
WARNED = "- name: gild(Tensor self, Tensor leaf) -> Tensor\n  self: grad * slef\n  leaf: grad\n"
RIGHT = WARNED.replace("slef", "self")
TAGS = "- tag: core\n  desc: Some tag.\n"
DOCUMENTS = ["differentiability.json", "functions.json", "manifest.json"]
