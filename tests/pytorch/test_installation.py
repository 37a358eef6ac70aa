"""`derivload.pytorch.install`: in the place of the functions of a real torchgen."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

import pytest

from derivload.pytorch.importable import FunctionReplacement, original
from support.copied import copy_modules
from support.releases import Release
from support.with_torchgen import Run, Small, run, small

__all__ = ["run", "small"]  # fixtures


REPORT = """
def functions():
    package = "torchgen.packaged.autograd"
    modules = [import_module(name) for name in (LOADER, f"{package}.gen_autograd", "torchgen.gen")]
    names = "load_derivatives", "parse_native_yaml"
    return [getattr(module, name) for module in modules for name in names if hasattr(module, name)]
"""


def test_a_replacement_looks_like_what_it_replaces() -> None:
    replacement = FunctionReplacement("original", original, original)
    assert replacement.__doc__ == original.__doc__
    assert vars(replacement)["__name__"] == "original"
    assert inspect.signature(replacement) == inspect.signature(original)


@pytest.mark.release
def test_modules_imported_before_and_after_get_it_and_lose_it(
    newest: str, release: Release, run: Run
) -> None:
    code = f"""{REPORT}
upstream = import_module(LOADER).load_derivatives
from torchgen.packaged.autograd.load_derivatives import load_derivatives
with install() as installation:
    assert load_derivatives is not upstream
    late = import_module("torchgen.gen_backend_stubs").parse_native_yaml
    assert len({{*functions()}}) == 2
    assert upstream not in functions() and late in functions()
assert load_derivatives is upstream and upstream in functions()
assert late not in functions()
assert import_module("torchgen.gen_backend_stubs").parse_native_yaml in functions()
installation.uninstall()
assert load_derivatives is upstream
"""
    run(release(newest), code)


@pytest.mark.thorough
@pytest.mark.release
def test_a_checkouts_own_loader_is_replaced_too(
    newest: str, release: Release, run: Run, small: Small, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    packaged = release(newest) / "torchgen" / "packaged"
    copy_modules(release(newest) / "torchgen", checkout / "torchgen")
    shutil.rmtree(checkout / "torchgen" / "packaged")
    copy_modules(packaged / "autograd", checkout / "tools" / "autograd")
    code = """
    from tools.autograd.gen_autograd import load_derivatives as upstream
    ours, _ = derivload.pytorch.load_derivatives(*arguments)
    assert upstream(*arguments)[0] is not ours and upstream(*arguments)[0] == ours
    with install():
        from tools.autograd.gen_autograd import load_derivatives
        assert load_derivatives is not upstream and load_derivatives(*arguments)[0] == ours
        assert not any(name.startswith("torchgen.packaged") for name in sys.modules)
    """
    assert run(checkout, code, *small.paths).stderr == ""
