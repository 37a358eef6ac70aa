"""What stands in for slow functions of torchgen while generators run, with the same results.

Most of the time of the generators goes into a few functions that they call again and again. What
stands in for one is put into torchgen's modules in memory, and taken out again. Its files are not
touched. It is used only if the function is the one that it was written for, by the digest of its
source. The releases have these functions. For any other torchgen, the source is looked at.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
import textwrap
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from derivload.pytorch.codegen.substituting import make_substitute
from derivload.pytorch.codegen.upstream import Upstream
from derivload.pytorch.errors import RAISED
from derivload.tree.digests import digest_of

_OF_GENERATORS: Final = "autograd."
# The modules whose decorators may be around a function.
_DECORATORS: Final = ("contextlib.py", "context.py")


class StandIn(NamedTuple):
    """What can stand in for a function or a method.

    - `name`: its module and name, "module:name". A module "autograd.…" is one of the generators.
    - `needs`: for each piece of source that `make` relies on, by such a name, its digests.
    - `make`: makes the stand-in from the pieces, in the order of `needs`. The first is the function
      itself or, for a method, its class.
    """

    name: str
    needs: dict[str, frozenset[str]]
    make: Callable[..., Any]


class _Manager:
    """Stands in for `native_function_manager`, which nests three context managers."""

    __slots__ = ("_function", "_group", "_locals", "_old", "_original")

    def __init__(self, original: Callable[[Any], Any], locals_: Any, group: Any, function: Any):
        self._original = original
        self._locals = locals_
        self._group = group
        self._function = function

    def __enter__(self) -> None:
        own, function = self._locals, self._function
        self._old = (own.use_const_ref_for_mutable_tensors, own.use_ilistref_for_tensor_lists)
        const_ref = function.use_const_ref_for_mutable_tensors
        own.use_const_ref_for_mutable_tensors = const_ref
        own.use_ilistref_for_tensor_lists = function.part_of_structured_group

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> Any:
        own = self._locals
        own.use_const_ref_for_mutable_tensors, own.use_ilistref_for_tensor_lists = self._old
        if error is None:
            return None
        # torchgen adds to the exception where it was raised.
        manager = self._original(self._group)
        manager.__enter__()
        return manager.__exit__(kind, error, traceback)


def _make_manager(original: Any, *_: object) -> Callable[[Any], _Manager]:
    names = inspect.unwrap(original).__globals__
    group_type, view_type = names["NativeFunctionsGroup"], names["NativeFunctionsViewGroup"]
    locals_ = names["local"]._locals

    def native_function_manager(group: Any) -> _Manager:
        function = group
        if isinstance(group, group_type):
            function = group.out
        elif isinstance(group, view_type):
            function = group.view
        return _Manager(original, locals_, group, function)

    return native_function_manager


def _make_argument_type(original: Callable[..., Any], *_: object) -> Callable[..., Any]:
    """`argument_type`, called once for each argument, what it is bound to, and what its result
    depends on besides.
    """
    locals_ = inspect.unwrap(original).__globals__["local"]._locals
    found: dict[tuple[object, ...], tuple[object, Any]] = {}

    def argument_type(argument: Any, *, binds: Any, symint: bool = False) -> Any:
        key = (
            id(argument),
            binds,
            symint,
            locals_.use_const_ref_for_mutable_tensors,
            locals_.use_ilistref_for_tensor_lists,
        )
        known = found.get(key)
        if known is None:
            made = original(argument, binds=binds, symint=symint)
            known = found[key] = (argument, made)
        return known[1]

    vars(argument_type)["forget"] = found.clear
    return argument_type


def _make_arguments(original: Callable[..., list[Any]], *_: object) -> Callable[..., list[Any]]:
    """`arguments`, called once for each schema and what its result depends on besides."""
    locals_ = original.__globals__["cpp"].local._locals
    found: dict[tuple[object, ...], tuple[object, list[Any]]] = {}

    def arguments(func: Any, *, symint: bool = True) -> list[Any]:
        const_ref = locals_.use_const_ref_for_mutable_tensors
        key = (id(func), symint, const_ref, locals_.use_ilistref_for_tensor_lists)
        known = found.get(key)
        if known is None:
            known = found[key] = (func, original(func, symint=symint))
        return [*known[1]]

    vars(arguments)["forget"] = found.clear
    return arguments


def _remembering(original: Callable[[Any], Any], *_: object) -> Callable[[Any], Any]:
    """The function, called once for each object that does not change."""
    found: dict[int, tuple[object, Any]] = {}

    def remembered(value: Any) -> Any:
        known = found.get(id(value))
        if known is None:
            # We keep the object too, so that no other object can get its id.
            known = found[id(value)] = (value, original(value))
        return known[1]

    vars(remembered)["forget"] = found.clear
    return remembered


# How the C++ type of an argument comes about.
_TYPES: Final = {
    "api.cpp:argumenttype_type": frozenset(
        {
            "757578f171251123",
            "22269e8ac3183851",
            "b7398366675aa6fa",
            "a4446a5c45b4c068",
            "8b7c198a4b1ae058",
        }
    ),
    "api.cpp:valuetype_type": frozenset(
        {"665c6ab18d86a908", "6b30c9c540d35022", "9724bab6618db0f2", "3c26fe531109f054"}
    ),
    "local:Locals": frozenset({"62f6651a9591913d"}),
}

STAND_INS: Final = (
    StandIn(
        "code_template:CodeTemplate.substitute",
        {"code_template:CodeTemplate": frozenset({"fc15cef9667144c9"})},
        lambda class_: make_substitute(class_, is_stripped=False),
    ),
    StandIn(
        "code_template:CodeTemplate.substitute",
        {"code_template:CodeTemplate": frozenset({"70d4cca39e3413ec", "32bf2016a806135e"})},
        lambda class_: make_substitute(class_, is_stripped=True),
    ),
    StandIn(
        "context:native_function_manager",
        {
            "context:native_function_manager": frozenset({"b0d486eb8addc98a"}),
            "local:parametrize": frozenset({"9e838e7b9940e740"}),
            "local:Locals": frozenset({"62f6651a9591913d"}),
        },
        _make_manager,
    ),
    StandIn(
        "autograd.gen_python_functions:should_generate_py_binding",
        {
            "autograd.gen_python_functions:should_generate_py_binding": frozenset(
                {"9992ac3288d39da2"}
            ),
            "api.cpp:name": frozenset({"51a68f845d72f5cd"}),
        },
        _remembering,
    ),
    StandIn(
        "model:FunctionSchema.__str__",
        {"model:FunctionSchema.__str__": frozenset({"eea38efb820207e7"})},
        _remembering,
    ),
    StandIn(
        "model:FunctionSchema.kind",
        {"model:FunctionSchema.kind": frozenset({"2b08dbf1f0a46f23", "20c5d96dc25cccf0"})},
        _remembering,
    ),
    StandIn(
        "api.cpp:argument_type",
        {
            "api.cpp:argument_type": frozenset({"75c60996004ee758"}),
            **_TYPES,
        },
        _make_argument_type,
    ),
    StandIn(
        "api.dispatcher:arguments",
        {
            "api.dispatcher:arguments": frozenset({"fb1b378473118e54"}),
            "api.dispatcher:argument": frozenset({"f7238311c924d70d"}),
            "api.dispatcher:argument_type": frozenset({"c33d4abb75f26964"}),
            "api.dispatcher:argumenttype_type": frozenset({"f46faca208a83fb1"}),
            "api.dispatcher:jit_arguments": frozenset({"1a4bc66f34f29613"}),
            **_TYPES,
        },
        _make_arguments,
    ),
)


class StandIns:
    """A context in which what can stand in for functions of the imported torchgen does."""

    def __init__(self, upstream: Upstream) -> None:
        """torchgen is imported. Find out what can stand in."""
        self._upstream = upstream
        # Where a function is found by which name, the function, and what stands in for it.
        self._places: list[tuple[Any, str, Any, Any]] = []
        self._digests: dict[str, str] = {}
        for stand_in in STAND_INS:
            self._add(stand_in)

    def __enter__(self) -> None:
        for holder, name, _, made in self._places:
            setattr(holder, name, made)

    def __exit__(self, *_: object) -> None:
        for holder, name, original, made in self._places:
            setattr(holder, name, original)
            getattr(made, "forget", _nothing)()

    @property
    def names(self) -> frozenset[str]:
        """The names of the functions that something stands in for."""
        return frozenset([name for _, name, _, _ in self._places])

    def _add(self, stand_in: StandIn) -> None:
        if any(self._digest(name) not in digests for name, digests in stand_in.needs.items()):
            return
        original = self._find(stand_in.name)
        if not inspect.isfunction(original):
            return
        made = stand_in.make(*[self._find(name) for name in stand_in.needs])
        for holder in self._holders(stand_in.name):
            for name, value in list(vars(holder).items()):
                if value is original:
                    self._places.append((holder, name, original, made))

    def _digest(self, name: str) -> str:
        """The digest of the piece of source with a name; "" if there is none."""
        if name not in self._digests:
            piece = self._find(name)
            self._digests[name] = "" if piece is None else digest_of_source(piece)
        return self._digests[name]

    def _holders(self, name: str) -> list[Any]:
        """Where a function may be called by its name: its class, or all modules of the tree."""
        owner, _, _ = name.rpartition(".")
        if ":" in owner:
            return [self._find(owner)]
        own = ("torchgen", self._upstream.package.partition(".")[0])
        names = [name for name in sys.modules if name.partition(".")[0] in own]
        return [sys.modules[name] for name in names]

    def _find(self, name: str) -> Any:
        """The object with a name; None if there is none."""
        module, _, path = name.partition(":")
        full = f"torchgen.{module}"
        if module.startswith(_OF_GENERATORS):
            full = f"{self._upstream.package}.{module.removeprefix(_OF_GENERATORS)}"
        found: Any = sys.modules.get(full)
        for part in path.split("."):
            found = vars(found).get(part) if found is not None else None
        return found


def digest_of_source(piece: Any) -> str:
    """The digest of the source that a function or class in memory is of; "" if that is uncertain.

    It is if somebody has put another function in its place, or around it.
    """
    try:
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(piece))).body
        is_own = _is_own_class(piece) if isinstance(piece, type) else _is_own(piece)
    except RAISED:
        return ""
    return digest_of([node]) if is_own else ""


def _is_own_class(class_: type) -> bool:
    """Whether the functions of a class are those in its source."""
    file = inspect.getfile(class_)
    functions = [getattr(f, "__func__", f) for f in vars(class_).values()]
    return all(
        function.__code__.co_filename == file
        and function.__qualname__ == f"{class_.__qualname__}.{function.__name__}"
        for function in functions
        if inspect.isfunction(function)
    )


def _is_own(function: Any) -> bool:
    """Whether only Python's and torchgen's own decorators are around a function."""
    while hasattr(function, "__wrapped__"):
        if os.path.basename(function.__code__.co_filename) not in _DECORATORS:
            return False
        function = function.__wrapped__
    return True


def _nothing() -> None:
    pass
