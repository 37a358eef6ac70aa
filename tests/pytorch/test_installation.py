"""`derivload.pytorch.install`: in the place of the loader, while files change."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

import pytest

from derivload.pytorch.importable import FunctionReplacement, original
from support.copied import copy_modules
from support.releases import Release
from support.with_torchgen import Run, Small, overlaid, run, small

__all__ = ["overlaid", "run", "small"]  # fixtures


# In upstream's place


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


def test_without_a_torchgen_there_is_nothing_to_replace(run: Run) -> None:
    code = """
from derivload.pytorch.errors import UnexpectedTorchgenError
try:
    install()
except UnexpectedTorchgenError as error:
    print(error)
"""
    said = "torchgen.packaged.autograd.load_derivatives cannot be imported\n"
    assert run(None, code).stdout == said


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
def test_installing_twice_is_installing_once(newest: str, release: Release, run: Run) -> None:
    code = f"""{REPORT}
before = functions()
one = install()
once = functions()
assert install() is one and functions() == once
other = install(["ours.yaml"])
assert other is not one and not {{*functions()}} & {{*once, *before}}
one.uninstall()
assert install("ours.yaml") is other
other.uninstall()
assert functions() == before
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


@pytest.mark.thorough
@pytest.mark.release
def test_what_torchgen_parsed_with_overlays_does_not_stay_behind(
    newest: str, release: Release, run: Run, overlaid: Small
) -> None:
    code = """
    derivatives, native, tags, *overlays = arguments
    gen, loader = import_module("torchgen.gen"), import_module(LOADER)
    def count():
        return len(gen.parse_native_yaml(native, tags).native_functions)
    with install(overlays):
        more, with_overlays = count(), loader.load_derivatives(derivatives, native, tags)[0]
        assert len(with_overlays) == 5
    few = count()
    assert few < more
    with install(overlays):
        assert count() == more
        assert derivload.pytorch.load_derivatives.__module__ == "derivload.pytorch.drop_in"
    assert count() == few
    """
    run(release(newest), code, *overlaid.paths, *overlaid.overlays)


# While files change


@pytest.mark.release
def test_a_second_call_gives_the_same_dict_until_a_file_changes(
    newest: str, release: Release, run: Run, small: Small
) -> None:
    code = """
    derivatives, native, tags = map(Path, arguments)
    def formula():
        infos, _ = derivload.pytorch.load_derivatives(derivatives, native, tags)
        (info,) = [i["Default"] for schema, i in infos.items() if str(schema.name) == "polish"]
        return infos, info.derivatives[0].formula
    first, before = formula()
    assert formula()[0] is first
    text = derivatives.read_text("utf-8")
    derivatives.write_text(text.replace("grad * polish_slope", "grad / polish_slope"), "utf-8")
    second, after = formula()
    assert second is not first and before.startswith("grad *") and after.startswith("grad /")
    derivatives.write_text(text, "utf-8")
    assert formula()[1] == before
    """
    run(release(newest), code, *small.paths)


@pytest.mark.thorough
@pytest.mark.release
@pytest.mark.parametrize("installed", [True, False])
def test_an_edit_of_functions_or_tags_is_seen(
    newest: str, release: Release, run: Run, small: Small, installed: bool
) -> None:
    code = f"""
    derivatives, native, tags = arguments
    if {installed}:
        install()
    gen, loader = import_module("torchgen.gen"), import_module(LOADER)
    load = loader.load_derivatives if {installed} else derivload.pytorch.load_derivatives
    # Before derivload has seen the file at all.
    gen.parse_native_yaml(native, tags)
    with open(native, "a") as file:
        file.write("- func: late(Tensor self) -> Tensor\\n  tags: new\\n")
    with open(tags, "a") as file:
        file.write("- tag: new\\n  desc: New.\\n")
    with open(derivatives, "a") as file:
        file.write("\\n- name: late(Tensor self) -> Tensor\\n  self: grad\\n")
    infos, _ = load(derivatives, native, tags)
    (late,) = [i["Default"].func for schema, i in infos.items() if str(schema.name) == "late"]
    assert late.tags == {{"new"}}
    parsed = gen.parse_native_yaml(native, tags).native_functions
    assert any(function is late for function in parsed)
    """
    run(release(newest), code, *small.paths)


@pytest.mark.release
@pytest.mark.parametrize("installed", [True, pytest.param(False, marks=pytest.mark.thorough)])
def test_mistakes_are_told_with_their_place(
    newest: str, release: Release, run: Run, small: Small, installed: bool
) -> None:
    code = f"""
    if {installed}:
        install()
        load = import_module(LOADER).load_derivatives
    else:
        load = derivload.pytorch.load_derivatives
    for _ in range(2):
        try:
            load(*arguments)
        except derivload.InputError as error:
            print(*[(d.line, d.code) for d in error.diagnostics])
            assert f"{{arguments[0]}}:2:" in str(error)
    """
    text = small.derivatives.read_text("utf-8")
    small.derivatives.write_text(text.replace("grad * coat.pow", "grads[3] * coat.pow", 1), "utf-8")
    ended = run(release(newest), code, *small.paths)
    assert ended.stdout == "(2, 'DL410')\n" * 2
