"""What can stand in for functions of torchgen, and for which versions of them.

Each digest is of the source of a function or class in a release, as `digest_of_source` makes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from derivload.pytorch.codegen import makers
from derivload.pytorch.codegen.substituting import make_substitute


class StandIn(NamedTuple):
    """What can stand in for a function or a method.

    - `name`: its module and name, "module:name". A module "autograd.…" is one of the generators.
    - `needs`: for each piece of source that `make` relies on, by such a name, its digests.
    - `make`: makes the stand-in from the pieces, in the order of `needs`. The first is the function
      itself or, for a method, its class.
    - `is_of_some`: only some releases have these pieces of source.
    """

    name: str
    needs: dict[str, frozenset[str]]
    make: Callable[..., Any]
    is_of_some: bool = False


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
        is_of_some=True,
    ),
    StandIn(
        "code_template:CodeTemplate.substitute",
        {"code_template:CodeTemplate": frozenset({"70d4cca39e3413ec", "32bf2016a806135e"})},
        lambda class_: make_substitute(class_, is_stripped=True),
        is_of_some=True,
    ),
    StandIn(
        "context:native_function_manager",
        {
            "context:native_function_manager": frozenset({"b0d486eb8addc98a"}),
            "local:parametrize": frozenset({"9e838e7b9940e740"}),
            "local:Locals": frozenset({"62f6651a9591913d"}),
        },
        makers.make_manager,
    ),
    StandIn(
        "autograd.gen_python_functions:should_generate_py_binding",
        {
            "autograd.gen_python_functions:should_generate_py_binding": frozenset(
                {"9992ac3288d39da2"}
            ),
            "api.cpp:name": frozenset({"51a68f845d72f5cd"}),
        },
        makers.make_binding_test,
    ),
    StandIn(
        "autograd.gen_autograd_functions:process_function",
        {
            "autograd.gen_autograd_functions:process_function": frozenset(
                {
                    "b48f87ed5b060931",
                    "63fe6111c3f448be",
                    "974fe043766046ea",
                    "1c4be7eed355b12a",
                    "7775b8778e9bb77b",
                    "6545cd01f5499b0d",
                    "0070a9459d318fbc",
                }
            )
        },
        makers.make_process_function,
    ),
    StandIn(
        "api.cpp:name", {"api.cpp:name": frozenset({"51a68f845d72f5cd"})}, makers.remember_calls
    ),
    StandIn(
        "api.types.types_base:NamedCType.cpp_type",
        {"api.types.types_base:NamedCType.cpp_type": frozenset({"f864d657265732b7"})},
        makers.remember_calls,
    ),
    StandIn(
        "api.python:dispatch_lambda_args",
        {
            "api.python:dispatch_lambda_args": frozenset({"b249a0a0a5f0036a"}),
            "api.cpp:arguments": frozenset({"b8dbd2683373748c"}),
            "api.cpp:argument": frozenset({"9ec4e81064aa78df", "7b5f0502784b6198"}),
            **_TYPES,
        },
        makers.make_lambda_arguments,
    ),
    StandIn(
        "api.python:argument",
        {
            "api.python:argument": frozenset({"5c8373d8fc7424ed"}),
            "api.python:pythonify_default": frozenset({"f866ad3d74e6a386"}),
            "api.cpp:default_expr": frozenset({"95659f7a474f970a", "efe725a2feee5a5c"}),
        },
        makers.remember,
    ),
    StandIn(
        "api.python:argument_type_str",
        {
            "api.python:argument_type_str": frozenset(
                {
                    "32f79de9bb94c55e",
                    "a7dddc29ecba99f7",
                    "1cd0441386f7a20b",
                    "50898b365a34b881",
                    "7d0c38cd4ccbaedd",
                    "427d7501bc161b97",
                }
            )
        },
        makers.remember_calls,
    ),
    StandIn(
        "model:FunctionSchema.has_symint",
        {
            "model:FunctionSchema.has_symint": frozenset({"53f821470ee05049"}),
            "model:Arguments.has_symint_arg": frozenset({"89e645c24324e0e0"}),
        },
        makers.remember,
    ),
    StandIn(
        "autograd.gen_trace_type:should_trace",
        {
            "autograd.gen_trace_type:should_trace": frozenset(
                {"dfd94bb3847670df", "32f877f9d6774352"}
            ),
            "model:FunctionSchema.schema_order_arguments": frozenset({"a05a8be021067706"}),
        },
        makers.remember,
    ),
    StandIn(
        "model:DispatchKey.parse",
        {"model:DispatchKey.parse": frozenset({"bd74d0e25b8ed0ff"})},
        makers.remember_texts,
    ),
    StandIn(
        "model:Type.parse",
        {
            "model:Type.parse": frozenset({"e96a5b44e1fe20e6", "1281ba342527734e"}),
            "model:Type._parse": frozenset({"60c667674854dedc"}),
        },
        makers.remember_texts,
    ),
    StandIn(
        "model:Argument.parse",
        {
            "model:Argument.parse": frozenset(
                {"4ee693b300d40128", "4f749263a60f05b8", "1251003459847c13", "cc951bfa6ab2d173"}
            )
        },
        makers.remember_texts,
    ),
    StandIn(
        "model:Return.parse",
        {"model:Return.parse": frozenset({"c5654f523da19e05", "ec6fd01ec0d2e12c"})},
        makers.remember_texts,
    ),
    StandIn(
        "model:BaseOperatorName.parse",
        {
            "model:BaseOperatorName.parse": frozenset(
                {"b7dabf4b4822a8cc", "5fc2af7304837057", "507d2faceb3dcfa2"}
            )
        },
        makers.remember_texts,
    ),
    StandIn(
        "model:BaseType.__str__",
        {"model:BaseType.__str__": frozenset({"4e8e65a8f04f3407"})},
        makers.make_name_of_type,
    ),
    StandIn(
        "model:FunctionSchema.signature",
        {
            "model:FunctionSchema.signature": frozenset({"245f762ca75373b3", "4c1f1f70aadcb332"}),
            "model:Arguments.signature": frozenset({"6d8d9a63d9022817", "0e2645988e686f01"}),
        },
        makers.remember_calls,
    ),
    StandIn(
        "model:FunctionSchema.__str__",
        {"model:FunctionSchema.__str__": frozenset({"eea38efb820207e7"})},
        makers.remember,
    ),
    StandIn(
        "model:FunctionSchema.kind",
        {"model:FunctionSchema.kind": frozenset({"2b08dbf1f0a46f23", "20c5d96dc25cccf0"})},
        makers.remember,
    ),
    StandIn(
        "api.cpp:argument_type",
        {
            "api.cpp:argument_type": frozenset({"75c60996004ee758"}),
            **_TYPES,
        },
        makers.make_argument_type,
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
        makers.make_arguments,
    ),
)
