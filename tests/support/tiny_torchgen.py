"""A tree of generators that are a few lines each, with what derivload asks of a torchgen.

They write a file of each kind that PyTorch's write: one by info, one by function, one by name, one
with shards, and one for all functions at once. They run in a few milliseconds.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from derivload.engine.inputs import InputEntries
from derivload.engine.lines import DocumentLines
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.loading.rules_of_tree import OWN
from derivload.loading.run import load_inputs
from derivload.modules import CLEARLY
from derivload.pytorch.codegen.job import Job
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Sources, Upstream, locate

_MODEL: Final = """
class Name:
    def __init__(self, text):
        self.text, self.base = text, text.removesuffix("_")
    def __str__(self):
        return self.text
    def __eq__(self, other):
        return self.text == other.text
    def __hash__(self):
        return hash(self.text)

class Part:
    def __init__(self, **fields):
        vars(self).update(fields)

class Location:
    def __init__(self, file, line):
        self.file, self.line = file, line

class FunctionSchema:
    def __init__(self, text):
        self.text = text
        full = text.partition("(")[0]
        self.name = Part(name=Name(full.partition(".")[0]), text=full)
        names = [each.split()[-1] for each in text.partition("(")[2].partition(")")[0].split(", ")]
        listed = [Part(name=name) for name in names if name]
        self.arguments = Part(tensor_options=None, out=(), non_out=listed)
    def __str__(self):
        return self.text

class NativeFunction:
    def __init__(self, text, file, line):
        self.func = FunctionSchema(text)
        self.loc = Location(file, line)

class Type:
    parse = staticmethod(str)

class DispatchKey:
    parse = staticmethod(str)

dispatch_keys = []
"""
_GEN: Final = """
import yaml
from torchgen.model import NativeFunction, Part

class LineLoader(yaml.SafeLoader):
    def construct_mapping(self, node, deep=False):
        return {**super().construct_mapping(node, deep), "__line__": node.start_mark.line + 1}

def parse_native_yaml_struct(entries, tags, ignored, path, skip_native_fns_gen=False):
    made = [NativeFunction(e["func"], path, e["__line__"]) for e in entries]
    return Part(native_functions=made)

_GLOBAL_PARSE_NATIVE_YAML_CACHE = {}
_GLOBAL_PARSE_TAGS_YAML_CACHE = {}

def parse_tags_yaml(path):
    return set()

def parse_native_yaml(path, tags_path, ignored=None, *, skip_native_fns_gen=False,
                      loaded_yaml=None):
    parsed = _GLOBAL_PARSE_NATIVE_YAML_CACHE
    if path not in parsed:
        entries = loaded_yaml
        if entries is None:
            with open(path) as file:
                entries = yaml.load(file, Loader=LineLoader) or []
        parsed[path] = parse_native_yaml_struct(entries, (), None, path)
    return parsed[path]
"""
_GENERATION: Final = """
def pre_group_native_functions(functions):
    return {str(f.func): {"functional": f} for f in functions}

def add_generated_native_functions(functions, indices):
    pass
"""
_UTILS: Final = """
import os, re, sys

def string_stable_hash(text):
    return sum(map(ord, text))

class FileManager:
    def __init__(self, install_dir, template_dir, dry_run):
        self.install_dir, self.template_dir = install_dir, template_dir

    def substitute_with_template(self, template, env):
        values = env()
        with open(os.path.join(self.template_dir, template)) as file:
            text = file.read()
        def fill(match):
            value = values[match[1]]
            return "".join(value) if isinstance(value, list) else str(value)
        by = os.path.basename(sys.modules["__main__"].__file__)
        return f"// {by}\\n" + re.sub(r"\\$(\\w+)", fill, text)

    def _write(self, name, text):
        with open(os.path.join(self.install_dir, name), "w") as file:
            file.write(text)

    def write_with_template(self, name, template, env):
        self._write(name, self.substitute_with_template(template, env))

    def write_sharded(self, name, items, *, key_fn, env_callable, num_shards, sharded_keys,
                      base_env=None):
        every = {-1: []} | {shard: [] for shard in range(num_shards)}
        for item in items:
            pieces = env_callable(item)
            every[-1].append(pieces)
            every[string_stable_hash(key_fn(item)) % num_shards].append(pieces)
        stem, _, end = name.partition(".")
        for shard, own in every.items():
            id_ = "Everything" if shard < 0 else f"_{shard}"
            env = {key: [p for pieces in own for p in pieces.get(key, ())] for key in sharded_keys}
            env |= {**(base_env or {}), "shard_id": id_}
            text = self.substitute_with_template(name, lambda: env)
            self._write(f"{stem}{id_}.{end}", text)
"""
_SELECTOR: Final = """
class SelectiveBuilder:
    get_nop_selector = staticmethod(lambda: None)
    from_legacy_op_registration_allow_list = staticmethod(lambda *given: None)
"""
_AUTOGRAD: Final = """
from dataclasses import dataclass

def made(name, *fields):
    class Made:
        def __init__(self, **values):
            vars(self).update(values)
    Made.__name__ = name
    Made.__annotations__ = dict.fromkeys(fields, object)
    return dataclass(init=False)(Made)

Derivative = made("Derivative", "formula")
ForwardDerivative = made("ForwardDerivative", "formula")
DifferentiabilityInfo = made("DifferentiabilityInfo", "name", "func", "derivatives")
SavedAttribute = made("SavedAttribute", "nctype", "expr")
"""
_TYPES: Final = """
from dataclasses import dataclass
from enum import Enum
from torchgen.api.autograd import made

class CType:
    pass

@dataclass(frozen=True)
class BaseCppType:
    ns: str
    name: str
    def __str__(self):
        return f"{self.ns}::{self.name}" if self.ns else self.name

@dataclass(frozen=True)
class BaseCType(CType):
    type: BaseCppType
    def cpp_type(self):
        return str(self.type)

@dataclass(frozen=True)
class ConstRefCType(CType):
    elem: CType
    def cpp_type(self):
        return f"const {self.elem.cpp_type()} &"

tensorT = BaseCppType("at", "Tensor")
NamedCType = made("NamedCType", "name", "type")
Binding = made("Binding", "name", "nctype", "argument", "default")
SpecialArgName = Enum("SpecialArgName", "possibly_redundant_memory_format")
"""
_MAIN: Final = """
import os
from .load_derivatives import load_derivatives
from .gen_autograd_functions import gen_autograd_functions_lib
from .gen_variable_factories import gen_variable_factories
from . import gen_python_functions
from torchgen.gen import parse_native_yaml
from torchgen.utils import FileManager

def gen_autograd(natives, tags, out, autograd, operator_selector, disable_autograd):
    infos, keys = load_derivatives(os.path.join(autograd, "derivatives.yaml"), natives, tags)
    templates = os.path.join(autograd, "templates")
    gen_autograd_functions_lib(out, infos, templates)
    functions = parse_native_yaml(natives, tags).native_functions
    files = FileManager(install_dir=out, template_dir=templates, dry_run=False)
    if not disable_autograd:
        files.write_sharded(
            "VariableType.cpp", sorted(functions, key=lambda f: f.func.name.name.base),
            key_fn=lambda f: f.func.name.text,
            env_callable=lambda f: {"ops": [f"type {f.func.name.text};\\n"]},
            num_shards=2, sharded_keys={"ops"}, base_env={"keys": ", ".join(sorted(keys))},
        )
    gen_variable_factories(out, natives, tags, templates)

def gen_autograd_python(natives, tags, out, autograd):
    gen_python_functions.gen(natives, tags, out, os.path.join(autograd, "templates"))
"""
_LOADER: Final = """
import yaml
from torchgen.model import FunctionSchema, Part

_GLOBAL_LOAD_DERIVATIVE_CACHE = {}

def load_derivatives(path, natives, tags):
    with open(path) as file:
        entries = yaml.safe_load(file) or []
    infos = {}
    for entry in entries:
        name = entry["name"].partition("(")[0]
        formulas = [Part(formula=v) for k, v in entry.items() if k not in ("name", "result")]
        info = Part(name=name, derivatives=formulas)
        infos[FunctionSchema(entry["name"])] = {"Default": info}
    return infos, {"Default"}
"""
_FUNCTIONS: Final = """
from torchgen.utils import FileManager

def gen_autograd_functions_lib(out, infos, templates):
    files = FileManager(install_dir=out, template_dir=templates, dry_run=False)
    ops = [
        f"{info.name} by {'; '.join(d.formula for d in info.derivatives)}\\n"
        for by_key in infos.values() for info in by_key.values()
    ]
    for name in ("Functions.h", "Functions.cpp"):
        files.write_with_template(name, name, lambda: {"ops": ops, "same": "s"})
"""
_FACTORIES: Final = """
from torchgen.gen import parse_native_yaml
from torchgen.utils import FileManager

def gen_variable_factories(out, natives, tags, templates):
    files = FileManager(install_dir=out, template_dir=templates, dry_run=False)
    functions = parse_native_yaml(natives, tags).native_functions
    files.write_with_template(
        "factories.h", "factories.h", lambda: {"ops": [f"make {f.func};\\n" for f in functions]}
    )
"""
_PYTHON: Final = """
import yaml
from torchgen.gen import parse_native_yaml
from torchgen.model import Part
from torchgen.utils import FileManager

def load_deprecated_signatures(pairs, path, *, method):
    with open(path) as file:
        return [entry["name"] for entry in yaml.safe_load(file)]

def create_python_bindings(files, pairs, is_meant, name, *, method):
    path = f"{files.template_dir}/../deprecated.yaml"
    old = load_deprecated_signatures(pairs, path, method=method)
    by_name = {}
    for pair in pairs:
        if is_meant(pair.function):
            by_name.setdefault(str(pair.function.func.name.name), []).append(pair)
    ops = [
        f"def {name}: {len(by_name[name])} and {[o for o in old if o.startswith(name + '(')]}\\n"
        for name in sorted(by_name)
    ]
    files.write_with_template(name, name, lambda: {"ops": ops})

def gen(natives, tags, out, templates):
    files = FileManager(install_dir=out, template_dir=templates, dry_run=False)
    pairs = [Part(function=f) for f in parse_native_yaml(natives, tags).native_functions]
    create_python_bindings(files, pairs, lambda f: True, "python_methods.cpp", method=True)
"""
_ANNOTATED: Final = """
from torchgen.gen import parse_native_yaml
from torchgen.utils import FileManager

def gen_annotated(natives, tags, out, autograd):
    functions = parse_native_yaml(natives, tags).native_functions
    files = FileManager(install_dir=out, template_dir=f"{autograd}/templates", dry_run=False)
    env = {"names": " ".join(f.func.name.text for f in functions)}
    files.write_with_template("annotated_fn_args.py", "annotated_fn_args.py", lambda: env)
"""
_TORCHGEN: Final = {
    "__init__": "", "gen": _GEN, "model": _MODEL, "native_function_generation": _GENERATION,
    "utils": _UTILS, "selective_build/__init__": "", "selective_build/selector": _SELECTOR,
    "api/__init__": "", "api/autograd": _AUTOGRAD, "api/types": _TYPES,
}  # fmt: skip
_GENERATORS: Final = {
    "__init__": "", "gen_autograd": _MAIN, "load_derivatives": _LOADER,
    "gen_autograd_functions": _FUNCTIONS, "gen_variable_factories": _FACTORIES,
    "gen_python_functions": _PYTHON, "gen_annotated_fn_args": _ANNOTATED,
    "gen_inplace_or_view_type": "", "gen_trace_type": "", "gen_variable_type": "",
}  # fmt: skip
_TEMPLATES: Final = {
    "Functions.h": "#pragma once\n$ops",
    "Functions.cpp": "$ops// $same\n",
    "VariableType.cpp": "// $shard_id of $keys\n$ops",
    "factories.h": "$ops",
    "python_methods.cpp": "$ops",
    "annotated_fn_args.py": "$names\n",
}
NAMES: Final = ["gild", "smelt", "quench"]


def native(name: str, *more: str) -> str:
    """An entry of native_functions.yaml."""
    lines = [f"- func: {name}(Tensor self) -> Tensor", "  dispatch:", f"    CPU: {name}", *more]
    return "".join(f"{line}\n" for line in lines)


def definition(name: str, formula: str) -> str:
    """An entry of derivatives.yaml."""
    return f"- name: {name}(Tensor self) -> Tensor\n  self: {formula}\n"


class TinyTorchgen:
    """A checkout with these generators, whose inputs are three operators."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.autograd = root / "tools" / "autograd"
        self.templates = self.autograd / "templates"
        self.natives = root / "aten" / "src" / "ATen" / "native" / "native_functions.yaml"
        self.tags = self.natives.with_name("tags.yaml")
        self.derivatives = self.autograd / "derivatives.yaml"
        texts = {
            **{f"torchgen/{name}.py": text for name, text in _TORCHGEN.items()},
            **{f"tools/autograd/{name}.py": text for name, text in _GENERATORS.items()},
            **{f"tools/autograd/templates/{name}": text for name, text in _TEMPLATES.items()},
            "tools/__init__.py": "",
            "tools/autograd/deprecated.yaml": "[]\n",
            "aten/src/ATen/native/tags.yaml": "- tag: core\n  desc: None.\n",
            "aten/src/ATen/native/native_functions.yaml": "\n".join(map(native, NAMES)),
            "tools/autograd/derivatives.yaml": "\n".join(
                definition(name, f"grad_of_{name}(grad)") for name in NAMES
            ),
        }
        for name, text in texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, "utf-8")
        time.sleep(2 * CLEARLY / 1e9)  # what was edited just before a run is not certain
        self.upstream: Upstream = locate(str(self.natives))

    def files(self) -> Files:
        """The inputs."""
        return Files(str(self.derivatives), [str(self.natives)], str(self.tags), "2.15")

    def job(self, selection: Selection | None = None, **changed: Any) -> Job:
        """The job to generate into a folder beside the tree."""
        out = str(self.root.with_name("out"))
        made = Job(
            self.upstream, Sources(self.upstream), selection or Selection(), OWN, out, b"tool"
        )
        return made._replace(**changed)

    def load(self, files: Files | None = None) -> tuple[InputEntries, DocumentLines, bytes]:
        """The entries of the inputs, what they load to, and deprecated.yaml."""
        request = Request(files or self.files())
        lines = load_inputs(request).lines
        entries = InputEntries(request.inputs.texts, splits=request.keys.splits())
        return entries, lines, (self.autograd / "deprecated.yaml").read_bytes()
