"""What stands in for functions of torchgen: the same results, and only for known functions."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from derivload.pytorch.codegen.stand_in_table import STAND_INS
from derivload.pytorch.codegen.stand_ins import StandIns
from derivload.pytorch.codegen.upstream import Modules, forget, locate
from support.project import replace_in
from support.releases import Release
from support.small_pytorch import SmallPyTorch

pytestmark = pytest.mark.release

NAMES = {stand_in.name for stand_in in STAND_INS}
SUBSTITUTE = "code_template:CodeTemplate.substitute"


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


def test_the_same_stand_in_where_the_release_is_known(
    torchgen: SimpleNamespace, each_release: str, release: Release
) -> None:
    upstream = locate(natives(release(each_release)))._replace(is_known=True)
    assert StandIns(upstream).names == NAMES


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
    python, model = module("api.python"), module("model")
    generators = torchgen.modules.generators

    def of_arguments(schema: Any) -> Iterator[object]:
        for argument in schema.arguments.flat_all:
            yield python.argument(argument)
            for flag in (False, True):
                named = cpp.argument_type(argument, binds="x", symint=flag)
                yield from (named, named.cpp_type(), named.cpp_type(strip_ref=flag))
                yield python.argument_type_str(argument.type, simple_type=flag)
                yield python.argument_type_str(argument.type, symint=flag)

    def of(function: Any) -> Iterator[object]:
        schema = function.func
        yield from (str(schema), schema.kind(), schema.has_symint(), schema == made[0].func)
        yield schema.signature() in {other.func.signature(): other for other in made}
        yield schema.signature(strip_default=True, keep_return_names=True)
        yield generators["gen_python_functions"].should_generate_py_binding(function)
        yield generators["gen_trace_type"].should_trace(function)
        for flag in (False, True):
            yield cpp.name(schema)
            yield cpp.name(schema, faithful_name_for_out_overloads=flag)
            yield cpp.name(schema, symint_overload=flag)
            yield dispatcher.arguments(schema, symint=flag)
            signature = python.signature(function, method=flag)
            yield python.dispatch_lambda_args(signature, function)
            yield python.dispatch_lambda_args(signature, function, symint=flag)
        arguments = dispatcher.arguments(schema)
        yield [*arguments]
        arguments.pop()  # the list is the caller's own
        yield from of_arguments(schema)

    def said() -> list[object]:
        found: list[Any] = []
        for function in made:
            for const_ref in (False, True):
                with module("local").parametrize(
                    use_const_ref_for_mutable_tensors=const_ref,
                    use_ilistref_for_tensor_lists=const_ref,
                ):
                    found += [*of(function)]
            with context.native_function_manager(function):
                found += [*of(function)]
        return [*found, *[model.FunctionSchema.parse(str(each.func)) for each in made]]

    expected = said()
    with torchgen.stand_ins:
        assert said() == expected
        assert said() == expected
    assert said() == expected


TEXTS = {
    "Type": ["Tensor", "int", "Tensor?[]", "bool[4]", "SymInt[2]?", "Gem", "", "__torch__.x"],
    "Argument": ["Tensor self", "int[2]? sides=None", "Tensor(a!) out", "self", "int a=1=2"],
    "Return": ["Tensor", "Tensor(a!)", "Tensor(a!) out", "Tensor(a"],
    "BaseOperatorName": ["gild", "gild_", "__ixor__", "hoard_functional", "gild_out", ""],
    "DispatchKey": ["CPU", "CompositeImplicitAutograd", "Gem"],
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_read_alike(torchgen: SimpleNamespace, name: str) -> None:
    class_ = getattr(module("model"), name)

    def read() -> list[object]:
        found: list[object] = []
        for text in [*TEXTS[name], *TEXTS[name]]:
            try:
                found.append((class_.parse(text), str(class_.parse(text))))
            except Exception as error:
                found.append((type(error), str(error)))
        return found

    expected = read()
    with torchgen.stand_ins:
        assert read() == expected
    assert read() == expected


def test_objects_are_made_alike(torchgen: SimpleNamespace) -> None:
    model = module("model")

    def made() -> list[object]:
        found: list[object] = []
        makers: list[Callable[[], Any]] = [
            lambda: model.BaseOperatorName("gild", False, False),
            lambda: model.BaseOperatorName(base="gild", inplace=True, dunder_method=False),
            lambda: model.BaseOperatorName("gild"),
            lambda: model.Return("a", model.BaseType(model.BaseTy.Tensor), None),
            lambda: model.Return("a", None, None, None),
            lambda: model.FunctionSchema.parse("gild(Tensor self) -> Tensor(a!)"),
        ]
        for of in makers:
            try:
                found.append((of(), repr(of()), hash(of())))
                of().name = "other"
            except Exception as error:
                found.append((type(error), str(error).replace("new_", "")))
        return found

    expected = made()
    with torchgen.stand_ins:
        assert [str(each).split("()")[-1] for each in made()] == [
            str(each).split("()")[-1] for each in expected
        ]


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
    ("torchgen/code_template.py", "comma_before = ", "before = comma_before = ",
     {SUBSTITUTE}),
    ("torchgen/local.py", "    try:\n        _locals", "    try:\n        pass\n        _locals",
     {"context:native_function_manager"}),
    ("torchgen/api/cpp.py", "    if symint_overload:\n", "    if symint_overload and True:\n",
     {"autograd.gen_python_functions:should_generate_py_binding", "api.cpp:name"}),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "names"), EDITS, ids=[edit[0] for edit in EDITS])
def test_nothing_stands_in_for_what_was_edited(
    release: Release, newest: str, tmp_path: Path, file: str, old: str, new: str, names: set[str]
) -> None:
    small = SmallPyTorch(release(newest), tmp_path / "pytorch")
    replace_in(small.root / file, old, new)
    upstream = locate(natives(small.root))
    try:
        Modules(upstream)
        assert StandIns(upstream).names == NAMES - names
    finally:
        forget()


def test_nothing_stands_in_for_what_somebody_replaced(release: Release, newest: str) -> None:
    upstream = locate(natives(release(newest)))
    try:
        Modules(upstream)
        class_ = module("code_template").CodeTemplate
        original = class_.substitute
        class_.substitute = partialmethod(original)
        for is_known in (False, True):
            found = StandIns(upstream._replace(is_known=is_known)).names
            assert found == NAMES - {SUBSTITUTE}
    finally:
        forget()


def test_nothing_stands_in_where_all_that_an_object_has_is_looked_at(
    release: Release, newest: str, tmp_path: Path
) -> None:
    small = SmallPyTorch(release(newest), tmp_path / "pytorch")
    upstream = locate(natives(small.root))
    generator = Path(upstream.autograd) / "gen_trace_type.py"
    generator.write_text(f"{generator.read_text('utf-8')}\nEVERYTHING = vars\n", "utf-8")
    try:
        Modules(upstream)
        assert StandIns(upstream).names == NAMES
        generator.write_text(
            f"{generator.read_text('utf-8')}\nEVERYTHING = vars(CodeTemplate)\n", "utf-8"
        )
        Modules(upstream)
        assert StandIns(upstream).names == set()
    finally:
        forget()
