"""Which generators are to run, and for which operators: options of PyTorch's generate_code.py."""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

from derivload.pytorch.generation import Parts
from derivload.pytorch.upstream import Modules

SUBSETS: Final = ("libtorch", "pybindings", "python", "all")


class Selection(NamedTuple):
    """The options. Of the two paths, which are of files that select operators, one may be named."""

    subset: str = "all"
    disable_autograd: bool = False
    selected_op_list_path: str | None = None
    operators_yaml_path: str | None = None

    def parts(self, modules: Modules) -> Parts:
        """The generators, and upstream's own selector."""
        return Parts(
            autograd=self.subset in ("libtorch", "all"),
            python=self.subset in ("pybindings", "all"),
            annotated=self.subset in ("python", "all"),
            selector=self._selector(modules),
            disable_autograd=self.disable_autograd,
        )

    @property
    def paths(self) -> list[str]:
        """The files that select operators."""
        named = (self.selected_op_list_path, self.operators_yaml_path)
        return [path for path in named if path is not None]

    def digest(self) -> bytes:
        """A digest of what is selected. Raises OSError."""
        digest = hashlib.sha256(f"{self.subset} {self.disable_autograd}".encode())
        digest.update(f"{self.operators_yaml_path is None}".encode())
        for path in self.paths:
            with open(path, "rb") as file:
                digest.update(hashlib.sha256(file.read()).digest())
        return digest.digest()

    def _selector(self, modules: Modules) -> Any:
        builder = modules.selector.SelectiveBuilder
        if self.operators_yaml_path is not None:
            return builder.from_yaml_path(self.operators_yaml_path)
        if self.selected_op_list_path is None:
            return builder.get_nop_selector()
        import yaml

        with open(self.selected_op_list_path, encoding="utf-8") as file:
            names = yaml.safe_load(file)
        # A format in which overloads do not count, and every operator is a root that is trained.
        operators = {name.partition(".")[0] for name in names}
        return builder.from_legacy_op_registration_allow_list(operators, True, True)
