"""What derivload puts in the place of torchgen's functions in a script's process.

Each is put there when the script has imported the module, so nothing is imported for a script that
never touches torchgen, and the torchgen is the one that the script finds.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from derivload.pytorch.script.generators import (
    ScriptGenerators,
    answer,
    autograd_selection,
    python_selection,
)
from derivload.pytorch.script.values import watch_yaml

if TYPE_CHECKING:
    from derivload.pytorch.script.dividing import Dividing
    from derivload.pytorch.script.imports import Change
    from derivload.pytorch.script.parts import Parts
    from derivload.pytorch.script.watching import Watch

_LOADERS: Final = frozenset(
    ("tools.autograd.load_derivatives", "torchgen.packaged.autograd.load_derivatives")
)
_GENERATORS: Final = frozenset(
    ("tools.autograd.gen_autograd", "torchgen.packaged.autograd.gen_autograd")
)
# Functions that are answered whole, by module.
_WHOLE: Final = {
    "torchgen.gen_functionalization_type": "gen_functionalization_view_meta_classes",
    "torchgen.gen_lazy_tensor": "run_gen_lazy_tensor",
    "tools.autograd.gen_annotated_fn_args": "gen_annotated",
    "torchgen.packaged.autograd.gen_annotated_fn_args": "gen_annotated",
}


class Inside:
    """Changes modules of a script when they have been imported.

    `record` is the path of the record of the last run, "" for none. `parts` answers calls whole,
    and `dividing` divides a run of torchgen.gen.
    """

    def __init__(self, watch: Watch, record: str) -> None:
        self._watch = watch
        self.parts: Parts | None = None
        self.dividing: Dividing | None = None
        self._is_drop_in_told = False
        self._generators = ScriptGenerators(watch, record)

    def find_change(self, name: str) -> Change | None:
        """What to do with a module when it has been imported."""
        if name == "yaml":
            return self._change_yaml
        if name == "torchgen.utils":
            return self._change_file_manager
        if name in _WHOLE and self.parts is not None:
            return self.parts.answer(_WHOLE[name])
        if name in _GENERATORS:
            return self._change_generators
        return self._install if name in _LOADERS else None

    def _change_yaml(self, module: ModuleType) -> None:
        watch_yaml(self._watch, module)

    def _change_file_manager(self, module: ModuleType) -> None:
        """Have torchgen's FileManager tell which files it would write."""
        manager = getattr(module, "FileManager", None)
        original = getattr(manager, "_write_if_changed", None)
        if manager is None or original is None:
            return
        watch = self._watch

        def write_if_changed(self: Any, filename: Any, contents: str) -> None:
            with watch.comparing(os.fspath(filename)):
                original(self, filename, contents)

        manager._write_if_changed = write_if_changed
        if self.dividing is not None:
            self.dividing.begin_with(manager, original)

    def _change_generators(self, module: ModuleType) -> None:
        """Have the generators run for what changed."""
        answer(self._generators, module, "gen_autograd", autograd_selection)
        answer(self._generators, module, "gen_autograd_python", python_selection)

    def _install(self, _: ModuleType) -> None:
        """Have derivload's engine load the definitions."""
        from derivload.pytorch.drop_in import DropIn
        from derivload.pytorch.errors import UnexpectedTorchgenError
        from derivload.pytorch.installation import install

        if not self._is_drop_in_told:
            self._is_drop_in_told = True
            self._tell_of(DropIn)
        try:
            install()
        except UnexpectedTorchgenError:  # a torchgen that is not whole: its own code runs
            return

    def _tell_of(self, drop_in: Any) -> None:
        """Have the drop-in tell which files it reads."""
        watch = self._watch
        load, parse = drop_in.load_derivatives, drop_in.parse_native_yaml

        def load_derivatives(
            self: Any, torchgen: Any, derivatives: str, native: str, tags: str
        ) -> Any:
            with watch.reading_values(native, tags, derivatives):
                return load(self, torchgen, derivatives, native, tags)

        def parse_native_yaml(
            self: Any, torchgen: Any, path: str, tags: str, *more: Any, **named: Any
        ) -> Any:
            if named.get("loaded_yaml") is not None:
                return parse(self, torchgen, path, tags, *more, **named)
            with watch.reading_values(path, tags):
                return parse(self, torchgen, path, tags, *more, **named)

        drop_in.load_derivatives = load_derivatives
        drop_in.parse_native_yaml = parse_native_yaml
