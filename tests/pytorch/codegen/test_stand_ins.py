"""What stands in for functions of torchgen: the same results, and only for known functions."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from functools import partialmethod
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from derivload.pytorch.codegen.stand_ins import STAND_INS, StandIns
from derivload.pytorch.codegen.upstream import Modules, forget, locate
from support.project import replace_in
from support.releases import Release
from support.small_pytorch import SmallPyTorch

pytestmark = pytest.mark.release

NAMES = {stand_in.name.rpartition(":")[2].rpartition(".")[2] for stand_in in STAND_INS}


def natives(root: Path) -> str:
    return str(root / "torchgen" / "packaged" / "ATen" / "native" / "native_functions.yaml")


@pytest.fixture
def torchgen(each_release: str, release: Release) -> Iterator[SimpleNamespace]:
    """A release's torchgen, imported, and what stands in."""
    upstream = locate(natives(release(each_release)))
    try:
        modules = Modules(upstream)
        yield SimpleNamespace(modules=modules, stand_ins=StandIns(upstream))
    finally:
        forget()


def module(name: str) -> Any:
    return sys.modules[f"torchgen.{name}"]


def test_all_stand_in_for_those_of_each_release(torchgen: SimpleNamespace) -> None:
    assert torchgen.stand_ins.names == NAMES


def test_everything_is_put_back(torchgen: SimpleNamespace) -> None:
    def found() -> list[object]:
        names = ("code_template", "context", "model", "api.cpp")
        classes = (module("code_template").CodeTemplate, module("model").FunctionSchema)
        return [dict(vars(holder)) for holder in (*map(module, names), *classes)]

    before = found()
    with torchgen.stand_ins:
        assert found() != before
    assert found() == before


INDENTS = ["", "  ", "    ", "\t", " \t ", "\x0c"]
KEYS = ["$a", "${b}", "${,c}", "${d,}", "${,e,}", "$$a", "${", "$1", "$a_b"]
PIECES = ["x", "y;", " ", "", "\n", "(", "${a}", "\t", "\\n", "é", "\r"]
WORDS = ["one", "", " ", "\n", "\n\n", "a\nb", "a \n\tb", "  c\n", "é\n d", "x\r\ny", "\x0b"]
WORDS += ["\x1f", "\x85", "\u2028z", "e\x0c\n", "\n    \n", "    f\n\n\n  g  ", "${a}", "\\1"]
VALUES = [*WORDS, 7, None]


def template(random_: random.Random) -> str:
    lines = []
    for _ in range(random_.randrange(4)):
        parts = [random_.choice(PIECES + KEYS) for _ in range(random_.randrange(4))]
        lines.append(random_.choice(INDENTS) + random_.choice(KEYS) + "".join(parts))
    return "\n".join(lines)


def value(random_: random.Random) -> object:
    values = [random_.choice(VALUES) for _ in range(random_.randrange(5))]
    return values if random_.random() < 0.7 else random_.choice(VALUES)


def outcome(template: Any, env: dict[str, object] | None, more: dict[str, object]) -> object:
    try:
        return template.substitute(env, **more)
    except Exception as error:
        return type(error), str(error)


def test_templates_are_filled_in_alike(torchgen: SimpleNamespace, thinning: int) -> None:
    class_ = module("code_template").CodeTemplate
    random_ = random.Random(15)
    for _ in range(6000 // thinning):
        made = class_(template(random_))
        env = {name: value(random_) for name in "abcde" if random_.random() < 0.95}
        more = {"a": value(random_)} if random_.random() < 0.2 else {}
        given = env if random_.random() < 0.95 else None
        expected = outcome(made, given, more)
        with torchgen.stand_ins:
            assert outcome(made, given, more) == expected, (made.pattern, env, more)


FUNCTION = """
- func: gild(Tensor self, float luster, *, int[2]? sides=None) -> Tensor
- func: gild_(Tensor(a!) self, float luster) -> Tensor(a!)
- func: gild.out(Tensor self, float luster, *, Tensor(a!) out) -> Tensor(a!)
- func: hoard(Tensor[] ores, SymInt[] sizes, Scalar? worth=None) -> (Tensor, Tensor[])
"""


def functions(torchgen: SimpleNamespace, folder: Path) -> list[Any]:
    path, tags = folder / "native_functions.yaml", folder / "tags.yaml"
    path.write_text(FUNCTION, "utf-8")
    tags.write_text("[]", "utf-8")
    made = torchgen.modules.torchgen["gen"].parse_native_yaml(str(path), str(tags))
    return list(made.native_functions)


def test_what_is_said_of_functions_is_the_same(torchgen: SimpleNamespace, tmp_path: Path) -> None:
    made = functions(torchgen, tmp_path)
    cpp, context, dispatcher = module("api.cpp"), module("context"), module("api.dispatcher")
    binding = torchgen.modules.generators["gen_python_functions"]

    def said() -> list[object]:
        found: list[Any] = []
        for function in made:
            found += [str(function.func), function.func.kind()]
            found.append(binding.should_generate_py_binding(function))
            with context.native_function_manager(function):
                for symint in (False, True):
                    found.append(dispatcher.arguments(function.func, symint=symint))
                found.append(dispatcher.arguments(function.func))
                found[-1].pop()  # the list is the caller's own
                for argument in function.func.arguments.flat_all:
                    for symint in (False, True):
                        found.append(cpp.argument_type(argument, binds="x", symint=symint))
        return found

    expected = said()
    with torchgen.stand_ins:
        assert said() == expected
        assert said() == expected
    assert said() == expected


def test_manager_sets_and_tells_the_same(torchgen: SimpleNamespace, tmp_path: Path) -> None:
    made = functions(torchgen, tmp_path)
    context, local = module("context"), module("local")

    def state() -> tuple[object, object]:
        own = local._locals
        return own.use_const_ref_for_mutable_tensors, own.use_ilistref_for_tensor_lists

    def told() -> list[object]:
        found: list[object] = []
        for function in made:
            with context.native_function_manager(function):
                found.append(state())
                with context.native_function_manager(made[0]):
                    found.append(state())
                found.append(state())
            for error in (ValueError("no"), KeyError(), StopIteration("end"), KeyboardInterrupt()):
                try:
                    with context.native_function_manager(function):
                        raise error
                except BaseException as raised:
                    assert raised is error
                    found.append((type(raised), raised.args))
                    raised.args = ("no",)
            found.append(state())
        return found

    expected = told()
    with torchgen.stand_ins:
        assert told() == expected


EDITS = [
    ("torchgen/code_template.py", "comma_before = ", "before = comma_before = ", "substitute"),
    ("torchgen/local.py", "    try:\n        _locals", "    try:\n        pass\n        _locals",
     "native_function_manager"),
    ("torchgen/api/cpp.py", "    if symint_overload:\n", "    if symint_overload and True:\n",
     "should_generate_py_binding"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "name"), EDITS, ids=[edit[3] for edit in EDITS])
def test_nothing_stands_in_for_what_was_edited(
    release: Release, newest: str, tmp_path: Path, file: str, old: str, new: str, name: str
) -> None:
    small = SmallPyTorch(release(newest), tmp_path / "pytorch")
    replace_in(small.root / file, old, new)
    upstream = locate(natives(small.root))
    try:
        Modules(upstream)
        assert StandIns(upstream).names == NAMES - {name}
    finally:
        forget()


def test_nothing_stands_in_for_what_somebody_replaced(release: Release, newest: str) -> None:
    upstream = locate(natives(release(newest)))
    try:
        Modules(upstream)
        class_ = module("code_template").CodeTemplate
        original = class_.substitute
        class_.substitute = partialmethod(original)
        assert StandIns(upstream).names == NAMES - {"substitute"}
    finally:
        forget()
