"""Which generators run, and for which operators: the options of PyTorch's generate_code.py."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import NamedTuple

from derivload.loading.reading import read_path


class Selection(NamedTuple):
    """The options. The two paths are of files that select operators; only one may be given."""

    subset: str = "all"
    disable_autograd: bool = False
    selected_op_list_path: str | None = None
    operators_yaml_path: str | None = None

    @property
    def has_annotated(self) -> bool:
        """Whether gen_annotated runs."""
        return self.subset in ("python", "all")

    @property
    def paths(self) -> list[str]:
        """The files that select operators."""
        named = (self.selected_op_list_path, self.operators_yaml_path)
        return [path for path in named if path is not None]

    def digest(self) -> bytes:
        """A digest of the options and of the bytes of the files. Raises OSError."""
        digest = hashlib.sha256(f"{self.subset} {self.disable_autograd}".encode())
        digest.update(f"{self.operators_yaml_path is None}".encode())
        for path in self.paths:
            if os.path.exists(path) and not os.path.isfile(path):
                raise OSError(errno.EINVAL, "is not a file; it is read more than once", path)
            content = read_path(path)
            if isinstance(content, OSError):
                raise content
            digest.update(hashlib.sha256(content).digest())
        return digest.digest()
