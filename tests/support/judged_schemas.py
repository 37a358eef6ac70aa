"""What torchgen and derivload say of a schema, and parts of schemas to put together."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from derivload.schema.arguments import Annotation, Argument, Return
from derivload.schema.function_schema import FunctionSchema, spell

OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"

PARTS = [
    *(
        "Tensor",
        "Tensor(a!)",
        "Tensor(b!)",
        "Tensor(a)",
        "Tensor(a -> *)",
        "Tensor(a|b)",
        "Tensor?",
    ),
    *(
        "int",
        "int[2]?",
        "(a!)",
        "(b)",
        "!",
        "?",
        "[]",
        "[3]",
        "[0]",
        "*, ",
        ", ",
        "=",
        "=1",
        "='a b'",
    ),
    *(" self", " out", "_", "__", ".", ".out", "_out", "_copy", "_functional", ".functional", "::"),
    *(
        "-> ",
        ") -> ",
        "()",
        "(",
        ")",
        " ",
        "  ",
        ",",
        "melt",
        "__imul__",
        "__int__",
        "__mul__",
        "|c",
    ),
    *(
        OPTIONS,
        f"*, {OPTIONS}",
        "Tensor x",
        "int x, ",
        "Tensor(c!) x",
        "_scratch_x",
        "-> (Tensor, Tensor)",
    ),
    *(
        "Dimname",
        "SymBool",
        "__torch__.torch.classes.a.B",
        "1",
        "é",
        "\t",
        "'",
        '"',
        "#",
        "Tensor, ",
    ),
]


JUDGE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from torchgen.model import FunctionSchema

def argument(a):
    return [a.name, str(a.type), a.default, None if a.annotation is None else str(a.annotation)]

def judge(text):
    schema = FunctionSchema.parse(text)
    name, arguments, options = schema.name.name, schema.arguments, schema.arguments.tensor_options
    own = arguments.self_arg
    return {
        "text": str(schema),
        "kind": schema.kind().name,
        "name": [name.base, name.inplace, name.dunder_method, name.functional_overload,
                 schema.name.overload_name],
        "positional": [argument(a) for a in arguments.flat_positional],
        "self": None if own is None else argument(own.argument),
        "keywords": [argument(a) for a in arguments.flat_kwarg_only],
        "options": None if options is None else len(arguments.pre_tensor_options_kwarg_only),
        "out": [argument(a) for a in arguments.out],
        "returns": [[r.name, str(r.type), None if r.annotation is None else str(r.annotation)]
                    for r in schema.returns],
        "symint": any(a.type.is_symint_like() for a in arguments.flat_non_out),
        "signatures": signatures(schema),
    }

def signatures(schema):
    try:
        return [str(schema.signature()), str(schema.signature(strip_default=True)),
                str(schema.view_signature())]
    except AssertionError:
        # It gives bernoulli.p a default, and one that has its own cannot take it.
        assert str(schema.name) == "bernoulli.p"
        return None

for line in sys.stdin:
    try:
        answer = judge(json.loads(line))
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
"""


Judge = Callable[[str], dict[str, Any]]


@contextmanager
def torchgen(folder: Path) -> Iterator[Judge]:
    """A process of a release's torchgen that answers what a schema says, or its error."""
    command = [sys.executable, "-X", "utf8", "-c", JUDGE, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None and stdout is not None

        def ask(text: str) -> dict[str, Any]:
            stdin.write(json.dumps(text) + "\n")
            stdin.flush()
            answer: dict[str, Any] = json.loads(stdout.readline())
            return answer

        yield ask
        stdin.close()


def said(schema: FunctionSchema) -> dict[str, object]:
    """What a schema says, as the judge puts it."""

    def text(annotation: Annotation | None) -> str | None:
        return None if annotation is None else annotation.text

    def argument(a: Argument) -> list[str | None]:
        return [a.name, a.type.text, a.default, text(a.annotation)]

    def returned(r: Return) -> list[str | None]:
        return [r.name, r.type.text, text(r.annotation)]

    name, arguments = schema.name, schema.arguments
    own = arguments.self_argument
    return {
        "text": spell(name.text, arguments, schema.returns),
        "kind": schema.kind,
        "name": [name.base, name.inplace, name.dunder, name.functional_overload, name.overload],
        "positional": [argument(a) for a in arguments.positional],
        "self": None if own is None else argument(own),
        "keywords": [argument(a) for a in arguments.kwarg_only],
        "options": arguments.options_index,
        "out": [argument(a) for a in arguments.out],
        "returns": [returned(r) for r in schema.returns],
        "symint": arguments.has_symint,
    }
