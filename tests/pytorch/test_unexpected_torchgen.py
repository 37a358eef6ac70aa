"""A torchgen that is not what derivload expects, and the dict of infos."""

from __future__ import annotations

import copy
import operator
import pickle
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from derivload.pytorch.lazy import LazyDict
from support.copied import copy_modules
from support.releases import Release
from support.with_torchgen import Run, Small, run, small

__all__ = ["run", "small"]  # fixtures


# Another torchgen


@pytest.fixture
def fork(newest: str, release: Release, tmp_path: Path) -> Callable[[str, str, str], Path]:
    """A copy of the newest release in which one file differs."""

    def edited(name: str, old: str, new: str) -> Path:
        folder = tmp_path / "fork"
        copy_modules(release(newest) / "torchgen", folder / "torchgen")
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


@pytest.mark.parametrize(
    "extension",
    [
        pytest.param(e, marks=() if e in ("a list", "a spelling") else pytest.mark.thorough)
        for e in EXTENSIONS
    ],
)
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


@pytest.mark.release
def test_rules_that_are_replaced_in_the_process_are_torchgens_own(
    newest: str, release: Release, run: Run, small: Small
) -> None:
    replaced = "import_module(LOADER).IDENT_REGEX = '(^|[^a-z_]){}($|[^a-z_])'"
    ended = run(release(newest), _as_code(replaced), *small.paths)
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
