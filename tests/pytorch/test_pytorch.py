"""derivload's values as torchgen's own objects, and derivload in the place of its loader.

Each test runs code in a process of its own, with the torchgen of a release; that is the judge.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.codegen_project import assert_same, contents
from support.few_operators import make_small
from support.releases import Release
from support.with_torchgen import TAGS, Run, Small, overlaid, run, small

__all__ = ["overlaid", "run", "small"]  # fixtures


# Objects


@pytest.mark.release
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.thorough)])
def test_the_objects_equal_upstreams(
    each_release: str, release: Release, run: Run, seed: int, thinning: int, tmp_path: Path
) -> None:
    pytorch, least = release(each_release), 500
    if thinning > 1:
        pytorch, least = make_small(pytorch, tmp_path / "small").root, 50
    code = f"""
    upstream = import_module(LOADER).load_derivatives(*files(torchgen))
    infos, keys = derivload.pytorch.load_derivatives(*files(torchgen))
    assert type(keys) is set and keys == upstream[1]
    print(difference(infos, upstream[0]))
    assert infos == upstream[0] and upstream[0] == infos
    assert len(infos) > {least}
    """
    # torchgen makes tuples of sets, whose order the seed decides.
    ended = run(pytorch, code, seed=seed)
    assert ended.stdout == "None\n"
    assert ended.stderr == "", "torchgen's own loader ran"


# What no release has: tensor options and a memory format with derivatives, a condition, formulas
# that look like what upstream derives, and such a one for another dispatch key.
OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"


RARE_SCHEMAS = (
    f"etch(Tensor self, *, {OPTIONS}, MemoryFormat? memory_format=None) -> (Tensor a, Tensor b)",
    "cast(Tensor self, Tensor mould, str? mode=None, *, Tensor[] rest, Scalar[] alloys) -> Tensor",
    "weld.bead(Tensor self, Tensor rod) -> Tensor",
    "rivet(Tensor self, Tensor rod) -> Tensor",
)


RARE_DEFINITIONS = (
    """
  output_differentiability: [True]
  self: etch_back(grad_a, options, possibly_redundant_memory_format, b)
  memory_format: etch_format(grad_a, self.options(), a.sym_sizes())
  options: grad_a
""",
    """
  output_differentiability: ["self.is_hot()"]
  self: cast_back(grad, mode, rest, alloys, zeros_like(self), result)
  mould: cast_mould(to_args_sizes_symint(rest), TensorGeometry(mould))
  rest: non_differentiable
  result: cast_forward(self_t, mould_t)
""",
    """
  dispatch:
    Default:
      self: grad
      rod: grad
      result: auto_linear
    AutogradCUDA:
      self: grad
      rod: grad
      result: self_t.weld(
        rod_t)
""",
    """
  output_differentiability: []
  self, rod: rivet_back(grad, grad_input_mask)
  result: at::rivet(self_t, rod_t)
""",
)


@pytest.mark.thorough
@pytest.mark.release
@pytest.mark.parametrize("seed", [1, 2])
def test_the_objects_of_rare_definitions_equal_upstreams(
    each_release: str, release: Release, run: Run, tmp_path: Path, seed: int
) -> None:
    functions = [
        f"- func: {schema}\n  variants: method\n  dispatch:\n    CPU: forge\n"
        for schema in RARE_SCHEMAS
    ]
    definitions = [
        f"- name: {schema}{definition}"
        for schema, definition in zip(RARE_SCHEMAS, RARE_DEFINITIONS, strict=True)
    ]
    texts = {"derivatives": "".join(definitions), "native": "".join(functions), "tags": TAGS}
    files = [tmp_path / name for name in texts]
    for file in files:
        file.write_text(texts[file.name], "utf-8")
    code = """
    upstream, _ = import_module(LOADER).load_derivatives(*arguments)
    infos, _ = derivload.pytorch.load_derivatives(*arguments)
    print(difference(infos, upstream), len(infos))
    """
    ended = run(release(each_release), code, *files, seed=seed)
    assert ended == ("None 4\n", "")


@pytest.mark.thorough
@pytest.mark.release
def test_objects_are_made_as_far_as_they_are_asked_for(
    newest: str, release: Release, run: Run
) -> None:
    code = """
    from derivload.pytorch import objects
    made = []
    class Maker(objects._Maker):
        def make(self, function):
            made.append(str(function.func))
            return super().make(function)
    objects._Maker = Maker
    infos, _ = derivload.pytorch.load_derivatives(*files(torchgen))
    one, *_ = infos
    assert made == []
    assert infos[one]["Default"] is infos[one]["Default"]
    assert made == [str(one)], made
    """
    run(release(newest), code)


@pytest.mark.thorough
@pytest.mark.release
def test_a_view_copy_has_the_arguments_of_its_view(newest: str, release: Release, run: Run) -> None:
    code = """
    infos, _ = derivload.pytorch.load_derivatives(*files(torchgen))
    (copy,) = [infos[schema]["Default"] for schema in infos if str(schema.name) == "t_copy"]
    (view,) = [infos[schema]["Default"] for schema in infos if str(schema.name) == "t"]
    assert (copy.name, copy.op) == ("t_copy.", "TBackward0_copy")
    assert str(copy.func.func.name) == "t_copy"
    assert copy.args_with_derivatives == view.args_with_derivatives
    """
    run(release(newest), code)


@pytest.mark.thorough
@pytest.mark.release
def test_upstreams_generators_write_the_same_files_with_it_installed(
    outer_release: str, release: Release, run: Run, tmp_path: Path
) -> None:
    code = """
    out, *installed = arguments
    if installed:
        install()
    derivatives, native, tags = files(torchgen)
    generate(out, native, tags, str(Path(derivatives).parent))
    """
    run(release(outer_release), code, tmp_path / "theirs")
    ended = run(release(outer_release), code, tmp_path / "ours", "installed")
    assert ended.stderr == ""
    assert_same_files(tmp_path / "ours", tmp_path / "theirs")


def assert_same_files(ours: Path, theirs: Path) -> None:
    made = contents(theirs)
    assert len(made) > 30
    assert_same(contents(ours), made)


# Overlays


@pytest.mark.release
def test_overlays_give_what_one_file_with_all_entries_gives_upstream(
    each_release: str, release: Release, run: Run, overlaid: Small, tmp_path: Path
) -> None:
    code = """
    import os
    autograd, native, tags, *overlays = arguments
    # The same path in another folder: functions tell in which file they are.
    for folder in ("merged", "base"):
        Path(folder).mkdir()
    merged = Path("merged", "native_functions.yaml")
    join(merged, [native, *overlays])
    merged.write_text(merged.read_text("utf-8").replace("custom:", "#"), "utf-8")
    join("base/native_functions.yaml", [native])
    derivatives, relative = f"{autograd}/derivatives.yaml", "native_functions.yaml"

    os.chdir("merged")
    loader, gen = import_module(LOADER), import_module("torchgen.gen")
    upstream = loader.load_derivatives(derivatives, relative, tags)
    parsed = gen.parse_native_yaml(relative, tags)
    generate("../theirs", relative, tags, autograd)
    loader._GLOBAL_LOAD_DERIVATIVE_CACHE.clear()
    gen._GLOBAL_PARSE_NATIVE_YAML_CACHE.clear()

    os.chdir("../base")
    with install(overlays):
        infos, keys = loader.load_derivatives(derivatives, relative, tags)
        functions = gen.parse_native_yaml(relative, tags).native_functions
        assert keys == upstream[1] == {"Default", "AutogradPrivateUse1"}
        print(difference(functions, parsed.native_functions))
        generate("../ours", relative, tags, autograd)
        # With the infos that the generators add.
        print(difference(infos, upstream[0]), len(infos))
    """
    shutil.copytree(
        release(each_release) / "torchgen" / "packaged" / "autograd" / "templates",
        overlaid.autograd / "templates",
    )
    ended = run(
        release(each_release),
        code,
        overlaid.autograd,
        overlaid.native,
        overlaid.tags,
        *overlaid.overlays,
    )
    assert ended.stdout == "None\nNone 6\n"
    assert ended.stderr == ""
    assert_same_files(tmp_path / "ours", tmp_path / "theirs")


@pytest.mark.thorough
@pytest.mark.release
def test_an_overlay_that_is_no_list_is_a_mistake_of_its_file(
    newest: str, release: Release, run: Run, small: Small
) -> None:
    code = """
    native, tags, overlay = arguments
    gen = import_module("torchgen.gen")
    with install(overlay):
        try:
            gen.parse_native_yaml(native, tags)
        except derivload.InputError as error:
            (d,) = error.diagnostics
            print(d.file, d.line, d.column, d.code)
    """
    overlay = small.overlays[0]
    overlay.write_text("- func: a() -> ()\nb: 1\n", "utf-8")
    ended = run(release(newest), code, small.native, small.tags, overlay)
    assert ended.stdout == f"{overlay} 2 1 DL003\n"
