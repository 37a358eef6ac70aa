"""derivload's values as torchgen's own objects, and derivload in the place of its loader.

Each test runs code in a process of its own, with the torchgen of a release; that is the judge.
"""

from __future__ import annotations

import copy
import operator
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from derivload.pytorch.lazy import LazyDict
from support.paths import ROOT, SOURCE
from support.releases import Release

PRELUDE = """
import sys
from pathlib import Path
from support.torchgen_process import LOADER, difference, files, generate, join
import derivload
import derivload.pytorch
from derivload.pytorch import install
from importlib import import_module
torchgen, *arguments = sys.argv[1:]
"""


class Ended(NamedTuple):
    """What a process printed."""

    stdout: str
    stderr: str


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run code in a process of its own with the torchgen in a folder, and expect it to end well."""

    def run_code(torchgen: Path | None, code: str, *arguments: object, seed: int = 0) -> Ended:
        folders = [SOURCE, ROOT / "tests", *([torchgen] if torchgen else [])]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
            "PYTHONHASHSEED": str(seed),
        }
        done = subprocess.run(
            [
                *(sys.executable, "-X", "utf8", "-c", PRELUDE + textwrap.dedent(code)),
                *(str(torchgen), *map(str, arguments)),
            ],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Ended(done.stdout, done.stderr)

    return run_code


# Objects


@pytest.mark.release
@pytest.mark.parametrize("seed", [1, 2])
def test_the_objects_equal_upstreams(
    each_release: str, release: Release, run: Run, seed: int
) -> None:
    code = """
    upstream = import_module(LOADER).load_derivatives(*files(torchgen))
    infos, keys = derivload.pytorch.load_derivatives(*files(torchgen))
    assert type(keys) is set and keys == upstream[1]
    print(difference(infos, upstream[0]))
    assert infos == upstream[0] and upstream[0] == infos
    assert len(infos) > 500
    """
    # torchgen makes tuples of sets, whose order the seed decides.
    ended = run(release(each_release), code, seed=seed)
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
    each_release: str, release: Release, run: Run, tmp_path: Path
) -> None:
    code = """
    out, *installed = arguments
    if installed:
        install()
    derivatives, native, tags = files(torchgen)
    generate(out, native, tags, str(Path(derivatives).parent))
    """
    run(release(each_release), code, tmp_path / "theirs")
    ended = run(release(each_release), code, tmp_path / "ours", "installed")
    assert ended.stderr == ""
    assert_same_files(tmp_path / "ours", tmp_path / "theirs")


def assert_same_files(ours: Path, theirs: Path) -> None:
    ours_by_name, theirs_by_name = contents(ours), contents(theirs)
    assert ours_by_name.keys() == theirs_by_name.keys()
    assert len(theirs_by_name) > 30
    for name, data in theirs_by_name.items():
        assert ours_by_name[name] == data, name


def contents(folder: Path) -> dict[Path, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {file.relative_to(folder): file.read_bytes() for file in files}


# Overlays

BASE = """\
- func: glaze.Tensor(Tensor self, Tensor coat, *, float sheen=0.5) -> Tensor
  variants: function, method
  dispatch:
    CPU, CUDA: glaze

- func: fold_over(Tensor(a) self, SymInt width) -> Tensor(a)
  variants: function, method
  dispatch:
    CompositeExplicitAutograd: fold_over_symint

- func: fold_over_copy(Tensor self, SymInt width) -> Tensor
  dispatch:
    CompositeExplicitAutogradNonFunctional: fold_over_copy_symint
  tags: view_copy
  autogen: fold_over_copy.out

- func: polish(Tensor self, Scalar grit) -> Tensor
  variants: function, method
  dispatch:
    CPU, CUDA: polish
"""
LIST = """\
# Ours.
- func: glaze_.Tensor(Tensor(a!) self, Tensor coat, *, float sheen=0.5) -> Tensor(a!)
  variants: method
  dispatch:
    CPU, CUDA: glaze_
"""
MAPPING = """\
custom:
- func: crackle(Tensor self, SymInt[] net, Tensor? cover=None) -> (Tensor bits, Tensor dust)
  dispatch:
    CPU, CUDA: crackle
- func: _foreach_polish(Tensor[] self, Scalar grit) -> Tensor[]
  device_check: NoCheck
  dispatch:
    CompositeExplicitAutograd: foreach_polish_slow
"""
DERIVATIVES = """\
- name: glaze.Tensor(Tensor self, Tensor coat, *, float sheen=0.5) -> Tensor
  self: grad * coat.pow(sheen)
  coat: glaze_coat(grad, self, coat.sym_sizes(), sheen, result)
  result: self_t * coat_p.pow(sheen) + result * coat_t

- name: fold_over(Tensor(a) self, SymInt width) -> Tensor(a)
  self: fold_back(grad, self.sym_size(-1), width)
  result: auto_linear

- name: polish(Tensor self, Scalar grit) -> Tensor
  self: grad * polish_slope(self, grit)
  result: auto_element_wise
"""
OF_OVERLAYS = """
- name: crackle(Tensor self, SymInt[] net, Tensor? cover=None) -> (Tensor bits, Tensor dust)
  output_differentiability: [True, False]
  dispatch:
    Default:
      self: crackle_backward(grad, self.sym_sizes(), net, dust)
      cover: non_differentiable
    AutogradPrivateUse1:
      self, cover: crackle_fused_backward(grad, cover, net, grad_input_mask)
"""
TAGS = """\
- tag: view_copy
  desc: A view's copy.
- tag: generated
  desc: Made by autogen.
"""


class Small(NamedTuple):
    """A small catalogue of its own: for load_derivatives, and for the generators."""

    autograd: Path
    derivatives: Path
    native: Path
    tags: Path
    overlays: list[Path]

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        return self.derivatives, self.native, self.tags


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """The catalogue above, without its overlays, which are beside it."""
    folder = tmp_path / "small"
    (folder / "autograd").mkdir(parents=True)
    texts = {
        "autograd/derivatives.yaml": DERIVATIVES,
        "autograd/deprecated.yaml": "[]\n",
        "native_functions.yaml": BASE,
        "tags.yaml": TAGS,
        "list.yaml": LIST,
        "mapping.yaml": MAPPING,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return Small(
        folder / "autograd",
        folder / "autograd" / "derivatives.yaml",
        folder / "native_functions.yaml",
        folder / "tags.yaml",
        [folder / "list.yaml", folder / "mapping.yaml"],
    )


@pytest.fixture
def overlaid(small: Small) -> Small:
    """The same catalogue, with definitions of what the overlays declare."""
    small.derivatives.write_text(DERIVATIVES + OF_OVERLAYS, "utf-8")
    return small


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


# In upstream's place

REPORT = """
def functions():
    package = "torchgen.packaged.autograd"
    modules = [import_module(name) for name in (LOADER, f"{package}.gen_autograd", "torchgen.gen")]
    names = "load_derivatives", "parse_native_yaml"
    return [getattr(module, name) for module in modules for name in names if hasattr(module, name)]
"""


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
    shutil.copytree(release(newest) / "torchgen", checkout / "torchgen")
    shutil.rmtree(checkout / "torchgen" / "packaged")
    shutil.copytree(packaged / "autograd", checkout / "tools" / "autograd")
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
@pytest.mark.parametrize("installed", [True, False])
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


# Another torchgen


@pytest.fixture
def fork(newest: str, release: Release, tmp_path: Path) -> Callable[[str, str, str], Path]:
    """A copy of the newest release in which one file differs."""

    def edited(name: str, old: str, new: str) -> Path:
        folder = tmp_path / "fork"
        shutil.copytree(release(newest) / "torchgen", folder / "torchgen")
        file = folder / "torchgen" / name
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")
        return folder

    return edited


Fork = Callable[[str, str, str], Path]
LOADED = """
load = derivload.pytorch.load_derivatives
first, _ = load(*arguments{options})
assert load(*arguments{options})[0] is first
saved = {{s.nctype.name for i in first.values() for s in i["Default"].all_saved_inputs}}
print(*sorted(saved))
derivatives = Path(arguments[0])
text = derivatives.read_text("utf-8").replace("coat.pow(sheen)", "coat.exp()")
derivatives.write_text(text, "utf-8")
print(any("coat.exp()" in d.formula
          for i in load(*arguments{options})[0].values() for d in i["Default"].derivatives))
"""


@pytest.mark.release
def test_a_fork_loads_for_itself_and_one_line_says_so(run: Run, small: Small, fork: Fork) -> None:
    forked = fork("packaged/autograd/load_derivatives.py", '"_sym_argsize_', '"_forked_')
    ended = run(forked, LOADED.format(options=""), *small.paths)
    assert "self_forked_minus_1" in ended.stdout.split()
    assert ended.stdout.endswith("True\n"), "stale after an edit"
    first, second = ended.stderr.splitlines()
    assert first == second
    assert first.startswith("derivload: using torchgen's own load_derivatives: the rules in")


# A torchgen that is extended in the running process. Each is what some backend does.
EXTENSIONS = {
    "a dispatch key": (
        "import torchgen.model as m; m.dispatch_keys.append(m.DispatchKey.PrivateUse1)",
        "- func: etch_mine(Tensor self) -> Tensor\n  dispatch:\n    PrivateUse1: etch_mine\n",
    ),
    "a list": (
        (
            "import torchgen.native_function_generation as g\n"
            "g.OUT_OPS_THAT_DONT_GET_GROUPED_PROPERLY.append('etch_mine.out')"
        ),
        (
            "- func: etch_mine.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n"
            "  dispatch:\n    CPU: etch_mine\n"
        ),
    ),
    "a list that is replaced": (
        (
            "import torchgen.native_function_generation as g\n"
            "g.FUNCTIONAL_OPS_THAT_CANNOT_GET_AN_OUT_VARIANT = ['etch_mine']"
        ),
        "- func: etch_mine(Tensor self) -> int\n  dispatch:\n    CPU: etch_mine\n",
    ),
    "a spelling": (
        (
            "import torchgen.api.types as t, torchgen.api.cpp as c\n"
            "from torchgen.model import BaseTy\n"
            "c.BaseTypeToCppMapping[BaseTy.Stream] = t.BaseCppType('etched', 'Stream')"
        ),
        (
            "- func: etch_mine(Tensor self, Stream stream) -> Tensor\n"
            "  dispatch:\n    CPU: etch_mine\n"
        ),
    ),
}
# What changes a rule: torchgen's own loader goes on.
REPLACED = {
    "a function": (
        "load = import_module(LOADER)\nbefore = load.saved_variables\n"
        "load.saved_variables = lambda *a, **k: before(*a, **k)"
    ),
    "a function behind the same name": (
        "import functools\nload = import_module(LOADER)\nbefore = load.saved_variables\n"
        "load.saved_variables = functools.wraps(before)(lambda *a, **k: before(*a, **k))"
    ),
    "a method": (
        "import torchgen.model as m\nbefore = m.Argument.parse\n"
        "m.Argument.parse = staticmethod(lambda text: before(text))"
    ),
    "a constant": "import_module(LOADER).IDENT_REGEX = '(^|[^a-z_]){}($|[^a-z_])'",
}
COMPARED = """
{extension}
upstream = import_module(LOADER).load_derivatives(*arguments)
import torchgen.gen
for name in ("_GLOBAL_PARSE_NATIVE_YAML_CACHE", "_GLOBAL_PARSE_TAGS_YAML_CACHE"):
    getattr(torchgen.gen, name).clear()
infos, keys = derivload.pytorch.load_derivatives(*arguments)
assert keys == upstream[1]
print(difference(infos, upstream[0]))
"""


def _as_code(extension: str, more: str = COMPARED) -> str:
    return textwrap.indent(more.format(extension=extension), "    ")


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_tables_that_are_extended_in_the_process_are_followed(
    newest: str, release: Release, run: Run, small: Small, extension: str
) -> None:
    code, entry = EXTENSIONS[extension]
    _append(small.native, f"\n{entry}")
    if "Stream" in entry:
        schema = "etch_mine(Tensor self, Stream stream) -> Tensor"
        _append(small.derivatives, f"\n- name: {schema}\n  self: etch_back(grad, stream)\n")
    ended = run(release(newest), _as_code(code), *small.paths)
    assert ended.stdout == "None\n"
    assert ended.stderr == "", "torchgen's own loader ran"


@pytest.mark.parametrize("replaced", REPLACED)
def test_rules_that_are_replaced_in_the_process_are_torchgens_own(
    newest: str, release: Release, run: Run, small: Small, replaced: str
) -> None:
    ended = run(release(newest), _as_code(REPLACED[replaced]), *small.paths)
    assert ended.stdout == "None\n"
    assert "using torchgen's own load_derivatives: its " in ended.stderr
    assert ended.stderr.endswith(" was replaced\n")


PATCHED = """
import torchgen.gen
own = torchgen.gen.parse_native_yaml
calls = []
def patched(path, tags_path, ignore_keys=None, *, skip_native_fns_gen=False):
    calls.append(path)
    return own(path, tags_path, ignore_keys, skip_native_fns_gen=skip_native_fns_gen)
torchgen.gen.parse_native_yaml = patched
load = import_module(LOADER)
upstream = load.load_derivatives(*arguments)
load._GLOBAL_LOAD_DERIVATIVE_CACHE.clear()
with install():
    infos, keys = import_module(LOADER).load_derivatives(*arguments)
    print(difference(infos, upstream[0]))
    assert torchgen.gen.parse_native_yaml(*arguments[1:]).native_functions
assert torchgen.gen.parse_native_yaml is patched
assert calls
"""


def test_a_parser_that_somebody_else_patched_is_called_as_it_is(
    newest: str, release: Release, run: Run, small: Small
) -> None:
    ended = run(release(newest), textwrap.indent(PATCHED, "    "), *small.paths)
    assert ended.stdout == "None\n"
    assert "parse_native_yaml was replaced" in ended.stderr


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text("utf-8") + text, "utf-8")


@pytest.mark.thorough
@pytest.mark.release
def test_a_dataclass_with_an_unknown_field_has_upstream_load(
    run: Run, small: Small, fork: Fork
) -> None:
    field = "    def has_derivatives(self) -> bool:"
    forked = fork(
        "api/autograd.py",
        f"    @property\n{field}",
        f"    novel: int = 3\n\n    @property\n{field}",
    )
    options = ', torch_version="2.15"'
    ended = run(forked, LOADED.format(options=options), *small.paths)
    assert ended.stdout.endswith("True\n")
    assert ended.stderr.splitlines()[0].endswith("its DifferentiabilityInfo has novel")


@pytest.mark.thorough
@pytest.mark.release
def test_a_field_that_a_dataclass_lacks_is_left_out(run: Run, small: Small, fork: Fork) -> None:
    field = "is_reusing_outplace_formula"
    forked = fork("api/autograd.py", f"    {field}: bool\n", "")
    code = f"""
    infos, _ = derivload.pytorch.load_derivatives(*arguments, torch_version="2.15")
    forward = [f for by_key in infos.values() for f in by_key["Default"].forward_derivatives]
    assert len(forward) == 4 and not any(hasattr(f, "{field}") for f in forward)
    """
    assert run(forked, code, *small.paths).stderr == ""


@pytest.mark.thorough
@pytest.mark.release
def test_a_comment_makes_no_fork(run: Run, small: Small, fork: Fork) -> None:
    forked = fork("model.py", "class Argument:", "# Ours.\n\nclass Argument:")
    code = "derivload.pytorch.load_derivatives(*arguments)"
    assert run(forked, code, *small.paths).stderr == ""


@pytest.mark.thorough
def test_without_a_torchgen_there_is_nothing_to_go_on_with(run: Run, small: Small) -> None:
    code = """
    assert not any(name.partition(".")[0] == "torchgen" for name in sys.modules)
    for call in (install, lambda: derivload.pytorch.load_derivatives(*arguments)):
        try:
            call()
        except derivload.pytorch.UnexpectedTorchgenError as error:
            print(error)
    """
    ended = run(None, code, *small.paths)
    assert ended.stdout == "torchgen.packaged.autograd.load_derivatives cannot be imported\n" * 2


@pytest.mark.thorough
@pytest.mark.release
def test_a_version_that_cannot_be_followed_is_wrong_usage(
    newest: str, release: Release, run: Run, small: Small
) -> None:
    code = """
    load = derivload.pytorch.load_derivatives
    for call in (install, lambda **options: load(*arguments, **options)):
        for version in ("1.13", "newest"):
            try:
                call(torch_version=version)
            except derivload.UsageError as error:
                print(error)
    """
    assert len(run(release(newest), code, *small.paths).stdout.splitlines()) == 4


@pytest.mark.thorough
@pytest.mark.release
def test_a_broken_cache_is_no_error(
    newest: str, release: Release, run: Run, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "print(len(derivload.pytorch.load_derivatives(*arguments)[0]))"
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(small.tags))
    assert run(release(newest), code, *small.paths).stdout == "4\n"


@pytest.mark.release
def test_the_cache_is_used_unless_it_is_not_to_be(
    newest: str,
    release: Release,
    run: Run,
    small: Small,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(tmp_path / "cache"))
    code = """
    import os
    cache = os.environ["DERIVLOAD_CACHE_DIR"]
    load = derivload.pytorch.load_derivatives
    without = load(*arguments, use_cache=False)
    with install(use_cache=False):
        from torchgen.packaged.autograd import load_derivatives
        load_derivatives.load_derivatives(*arguments)
    print(os.path.exists(cache))
    print(load(*arguments) == without, os.path.exists(cache))
    """
    assert run(release(newest), code, *small.paths).stdout == "False\nTrue True\n"


# The dict of infos


def lazy(made: list[str]) -> LazyDict[str, int]:
    def make() -> dict[str, int]:
        made.append("made")
        return {"one": 1, "two": 2}

    return LazyDict.of(["one", "two"], make)


@pytest.mark.parametrize(
    "look",
    [
        len,
        bool,
        lambda d: "one" in d,
        lambda d: list(d.keys()),
        lambda d: isinstance(d, dict),
    ],
)
def test_keys_are_there_before_the_values_are_made(
    look: Callable[[dict[str, int]], object],
) -> None:
    made: list[str] = []
    assert look(lazy(made))
    assert made == []


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        (lambda d: d["two"], 2),
        (lambda d: d.get("two"), 2),
        (lambda d: d.get("six", 6), 6),
        (lambda d: list(d.items()), [("one", 1), ("two", 2)]),
        (lambda d: list(d.values()), [1, 2]),
        (dict, {"one": 1, "two": 2}),
        (lambda d: {**d}, {"one": 1, "two": 2}),
        (lambda d: {"six": 6} | d, {"six": 6, "one": 1, "two": 2}),
        (lambda d: d | {"six": 6}, {"one": 1, "two": 2, "six": 6}),
        (lambda d: d == {"one": 1, "two": 2}, True),
        (lambda d: operator.eq({"one": 1, "two": 2}, d), True),
        (lambda d: d != {"one": 1}, True),
        (lambda d: d == lazy([]), True),
        (lambda d: d.copy(), {"one": 1, "two": 2}),
        (copy.copy, {"one": 1, "two": 2}),
        (copy.deepcopy, {"one": 1, "two": 2}),
        (lambda d: pickle.loads(pickle.dumps(d)), {"one": 1, "two": 2}),
        (lambda d: d.pop("one"), 1),
        (lambda d: d.setdefault("two", 5), 2),
        (repr, "{'one': 1, 'two': 2}"),
        (str, "{'one': 1, 'two': 2}"),
        (lambda d: d.update(one=5) or dict(d), {"one": 5, "two": 2}),
        (lambda d: d.__setitem__("one", 5) or dict(d), {"one": 5, "two": 2}),
        (lambda d: dict(sorted(d.items(), reverse=True)), {"two": 2, "one": 1}),
    ],
)
def test_values_are_made_at_the_first_need(
    read: Callable[[dict[str, int]], object], wanted: object
) -> None:
    made: list[str] = []
    dict_ = lazy(made)
    assert read(dict_) == wanted
    len(dict_.values())
    assert made == ["made"] or isinstance(wanted, bool)
    if type(wanted) is dict:
        assert type(read(lazy([]))) is dict


def test_what_making_the_values_raises_is_raised_each_time() -> None:
    def fail() -> dict[str, int]:
        raise ValueError("no")

    dict_ = LazyDict.of(["one"], fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            dict_["one"]
