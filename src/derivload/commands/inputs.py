"""INPUTS, the same for all commands: which files are meant, which release, and their texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from derivload.cpp.dialect import Dialect, UnknownVersionError, find_dialect
from derivload.diagnostics import Diagnostic
from derivload.engine.pipeline import Text, Texts

_CHECKOUT = (
    "tools/autograd/derivatives.yaml",
    "aten/src/ATen/native/native_functions.yaml",
    "aten/src/ATen/native/tags.yaml",
)
_PACKAGED = (
    "packaged/autograd/derivatives.yaml",
    "packaged/ATen/native/native_functions.yaml",
    "packaged/ATen/native/tags.yaml",
)
_VERSION_PY = re.compile(r"^__version__\s*=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)


class UsageError(Exception):
    """A combination of options that means nothing; the text says what to write instead."""


class InputError(Exception):
    """The input has errors. `diagnostics` holds all of them, sorted by place."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("\n".join(d.render() for d in diagnostics))
        self.diagnostics = tuple(diagnostics)


class Inputs(NamedTuple):
    """The files of a load and the release to follow; `note` is what the user should know of it."""

    derivatives: Path
    native_functions: tuple[Path, ...]
    tags: Path
    dialect: Dialect
    note: str = ""

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files, in the order derivatives, native functions, tags."""
        return (self.derivatives, *self.native_functions, self.tags)


def find_inputs(
    derivatives: Path | None = None,
    native_functions: Sequence[Path] = (),
    tags: Path | None = None,
    torch_version: str | None = None,
    pytorch: Path | None = None,
) -> Inputs:
    """The inputs that these options mean; with none, the catalogue that ships with derivload.

    With `pytorch`, a folder, its three files are taken: `native_functions` are then overlays
    over its own, and `derivatives` and `tags` take the place of its own. Without `tags`, the
    tags.yaml beside the first of `native_functions` is taken.

    Raises UsageError.
    """
    if pytorch is not None:
        return _of_pytorch(pytorch, derivatives, native_functions, tags, torch_version)
    if derivatives is None and not native_functions and tags is None:
        return _catalogue(torch_version)
    if derivatives is None or not native_functions:
        missing = "--derivatives" if derivatives is None else "--native-functions"
        raise UsageError(f"{missing} is missing: name the files together, or give --pytorch DIR")
    if tags is None:
        tags = native_functions[0].with_name("tags.yaml")
        if not tags.exists():
            raise UsageError(
                f"--tags is missing, and there is no tags.yaml beside {native_functions[0]}"
            )
    return _inputs(derivatives, native_functions, tags, torch_version)


def _inputs(
    derivatives: Path, native_functions: Sequence[Path], tags: Path, torch_version: str | None
) -> Inputs:
    try:
        dialect, newer = find_dialect(torch_version)
    except UnknownVersionError as error:
        raise UsageError(str(error)) from None
    note = ""
    if newer:
        note = f"torch {torch_version} is newer than derivload knows; following {dialect.version}"
    return Inputs(derivatives, tuple(native_functions), tags, dialect, note)


def _catalogue(torch_version: str | None) -> Inputs:
    folder = Path(__file__).parents[1] / "catalog"
    return _inputs(
        folder / "derivatives.yaml",
        [folder / "native_functions.yaml"],
        folder / "tags.yaml",
        torch_version,
    )


def _of_pytorch(
    folder: Path,
    derivatives: Path | None,
    overlays: Sequence[Path],
    tags: Path | None,
    torch_version: str | None,
) -> Inputs:
    found = _pytorch_files(folder)
    if found is None:
        raise UsageError(
            f"{folder} is no PyTorch: name a checkout, a folder with an installed or unpacked "
            "torchgen, or one that `derivload fetch` made"
        )
    root, own_derivatives, natives, own_tags = found
    version = torch_version or _version_of(root)
    if version is None:
        raise UsageError(f"{folder} does not say which PyTorch it is: give --torch-version X.Y")
    return _inputs(derivatives or own_derivatives, [natives, *overlays], tags or own_tags, version)


def _pytorch_files(folder: Path) -> tuple[Path, Path, Path, Path] | None:
    """The folder that tells the version, and the three files."""
    places = [
        # A checkout comes first: one that was built has copies under torchgen/packaged.
        (folder, folder, _CHECKOUT),
        (folder, folder / "torchgen", _PACKAGED),
        (folder.parent, folder, _PACKAGED),
        (folder.parent, folder.parent / "torchgen", _PACKAGED),
    ]
    for root, base, names in places:
        paths = [base / name for name in names]
        if all(path.is_file() for path in paths):
            return root, paths[0], paths[1], paths[2]
    return None


def _version_of(root: Path) -> str | None:
    """The version that a checkout's version.txt or an installed torch names."""
    try:
        return (root / "version.txt").read_text("utf-8").strip() or None
    except OSError:
        pass
    try:
        found = _VERSION_PY.search((root / "torch" / "version.py").read_text("utf-8"))
        if found is not None:
            return found[1]
    except OSError:
        pass
    for info in root.glob("torch-*.dist-info"):
        return info.name.removeprefix("torch-").removesuffix(".dist-info")
    return None


def read_inputs(inputs: Inputs) -> Texts:
    """The texts of the inputs. Raises InputError (DL001, DL002), for all files at once."""
    diagnostics: list[Diagnostic] = []
    texts = [_read(path, diagnostics) for path in inputs.paths]
    if diagnostics:
        raise InputError(sorted(diagnostics))
    return Texts(texts[0], tuple(texts[1:-1]), texts[-1])


def _read(path: Path, diagnostics: list[Diagnostic]) -> Text:
    name = str(path)
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        problem = f"cannot read this file: {error.strerror or error}"
        diagnostics.append(Diagnostic(name, 0, 0, "DL001", problem))
        return Text(name, "")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        problem = f"the byte 0x{data[error.start]:02x} is no UTF-8"
        diagnostics.append(Diagnostic(name, line, column, "DL002", problem))
        return Text(name, "")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Text(name, text)
