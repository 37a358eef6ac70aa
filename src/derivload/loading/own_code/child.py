"""Runs a tree's own torchgen, in a process of its own. This file imports nothing of derivload.

It reads lines of JSON, each a job, and answers each with a line of JSON: "", or the exception that
torchgen raised. The first job says where the torchgen is, and has it imported. Each job after that
names three YAML files and what is wanted of them: a file for the records of the documents (`out`),
or a folder for the files of the generators (`folder`). With the records stands what torchgen has
read so far besides these files (`read`).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

# A value of torchgen's, which no type checker sees here.
Torchgen = Any
Row = dict[str, object]
# A file that is opened with one of these flags is empty then.
_EMPTY = os.O_TRUNC | os.O_EXCL


class _TreeFinder:
    """Finds the packages of the tree, before any other of these names is found.

    Its torchgen may be in a folder of another name.
    """

    def __init__(self, root: str, torchgen: str) -> None:
        self._root = root
        self._torchgen = torchgen

    def find_spec(
        self, name: str, path: Sequence[str] | None, _: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Called by Python before a module is looked for."""
        if path is not None or name not in ("torchgen", "tools"):
            return None
        main = os.path.join(self._torchgen, "__init__.py")
        if name == "torchgen" and os.path.isfile(main):
            return importlib.util.spec_from_file_location(
                name, main, submodule_search_locations=[self._torchgen]
            )
        return importlib.machinery.PathFinder.find_spec(name, [self._root])


class Witness:
    """What torchgen reads: files that it opens or looks for, folders, and environment variables.

    The files of modules are among that. A file that it writes anew and then reads, in one job, is
    not. Which of all this counts, `process.py` decides.
    """

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._made: set[str] = set()
        self._folders: set[str] = set()
        self._variables: set[str] = set()
        self._passed: list[str] = []

    def pass_over(self, folder: str) -> None:
        """Count nothing that is in a folder."""
        self._passed.append(os.path.join(folder, ""))

    def begin_job(self) -> None:
        """Forget which files were written: somebody may edit them between two jobs."""
        self._made.clear()

    def begin(self) -> None:
        """Watch from now on, to the end of the process."""
        sys.addaudithook(self._see)
        self._see_stat(os.stat)
        self._see_variables(type(os.environ))

    def seen(self) -> list[list[str]]:
        """What was read so far: the paths of files and of folders, and the names of variables."""
        origins = [getattr(module, "__spec__", None) for module in [*sys.modules.values()]]
        modules = {str(origin.origin) for origin in origins if origin and origin.has_location}
        passed = tuple(self._passed)
        paths = (self._files | modules, self._folders)
        counted = ({path for path in some if not path.startswith(passed)} for some in paths)
        # What cannot be written as text is passed over.
        return [sorted(filter(_is_text, names)) for names in (*counted, self._variables)]

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("open", "os.listdir", "os.scandir"):
            return
        path = arguments[0]
        if not isinstance(path, str | bytes | os.PathLike):
            return
        if sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
            return
        if event != "open":
            self._folders.add(os.path.abspath(os.fsdecode(path)))
        elif arguments[2] & _EMPTY:
            self._made.add(os.path.abspath(os.fsdecode(path)))
        else:
            self._note(path)

    def _note(self, path: str | bytes | os.PathLike[Any]) -> None:
        name = os.path.abspath(os.fsdecode(path))
        if name not in self._made:
            self._files.add(name)

    def _see_stat(self, stat: Any) -> None:
        def told(path: Any, **how: Any) -> Any:
            if isinstance(path, str | bytes | os.PathLike) and how.get("dir_fd") is None:
                self._note(path)
            return stat(path, **how)

        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if stat in able:
                able.add(told)
        vars(os)["stat"] = told

    def _see_variables(self, environment: Any) -> None:
        variables = self._variables

        class Environment(environment):  # type: ignore[misc]
            def __getitem__(self, name: str) -> str:
                variables.add(name)
                return str(super().__getitem__(name))

        os.environ.__class__ = Environment


def _is_text(name: str) -> bool:
    return "\0" not in name and name.isprintable()


class OwnTree:
    """The modules of one tree's torchgen, with dispatch keys that a backend adds."""

    def __init__(self, root: str, torchgen: str, loader: str, dispatch_keys: str) -> None:
        sys.path[:] = [folder for folder in sys.path if folder]
        sys.path.append(root)
        sys.meta_path.insert(0, _TreeFinder(root, torchgen))
        self._load = importlib.import_module(loader)
        self._cpp = importlib.import_module("torchgen.api.cpp")
        self._autograd = importlib.import_module("torchgen.api.autograd")
        self._gen = importlib.import_module("torchgen.gen")
        model = importlib.import_module("torchgen.model")
        for name in dispatch_keys.split():
            if name not in model.DispatchKey.__members__:
                raise LookupError(f"its DispatchKey has no {name}, which is to be added")
            if model.DispatchKey[name] not in model.dispatch_keys:
                model.dispatch_keys.append(model.DispatchKey[name])

    def run(self, derivatives: str, native: str, tags: str, backends: Sequence[str]) -> Row:
        """Everything that documents have, of these files. Checks the files of backends."""
        infos, keys = self._load.load_derivatives(derivatives, native, tags)
        own = list(infos.items())
        before = set(infos)
        records = [_record(schema, by_key) for schema, by_key in own]
        parsed = self._gen.parse_native_yaml(native, tags)
        functions = parsed.native_functions
        for path in backends:
            self._check_backend(path, parsed)
        named = sorted(((self._cpp.name(f.func), f) for f in functions), key=lambda pair: pair[0])
        matched = self._autograd.match_differentiability_info([f for _, f in named], infos)
        made = [
            _record(schema, by_key, is_sorted=True)
            for schema, by_key in infos.items()
            if schema not in before
        ]
        return {
            "used_dispatch_keys": sorted(keys),
            "records": records,
            "bases": [_base(schema) for schema, _ in own],
            "origins": _origins(own),
            "functions": [_function(m) for m in matched],
            "cpp_names": [self._cpp.name(m.func.func) for m in matched],
            "function_bases": [_base(m.func.func) for m in matched],
            "generated": made,
        }

    def generate(self, derivatives: str, native: str, tags: str, autograd: str, out: str) -> None:
        """Write the files of the generators, as PyTorch's generate_code.py has them written.

        They read the derivatives.yaml in `autograd`, unless `derivatives` names another one.
        """
        # They name the script of PyTorch's build in the files, and take its name from here.
        utils = importlib.import_module("torchgen.utils")
        root = os.path.dirname(os.path.dirname(os.path.abspath(utils.__file__ or "")))
        script = os.path.join(root, "tools", "setup_helpers", "generate_code.py")
        sys.modules["__main__"].__dict__["__file__"] = script
        package = self._load.__name__.rpartition(".")[0]
        main = importlib.import_module(f"{package}.gen_autograd")
        annotated = importlib.import_module(f"{package}.gen_annotated_fn_args")
        selector = importlib.import_module("torchgen.selective_build.selector")
        if derivatives != os.path.join(autograd, "derivatives.yaml"):
            load = main.load_derivatives
            main.__dict__["load_derivatives"] = lambda _, *others: load(derivatives, *others)
        arguments = (native, tags, out, autograd)
        main.gen_autograd_python(*arguments)
        everything = selector.SelectiveBuilder.get_nop_selector()
        main.gen_autograd(*arguments, disable_autograd=False, operator_selector=everything)
        annotated.gen_annotated(*arguments)

    def _check_backend(self, path: str, parsed: Torchgen) -> None:
        """Raise an exception, which names the file, for what torchgen refuses of it."""
        stubs = importlib.import_module("torchgen.gen_backend_stubs")
        grouped = self._gen.get_grouped_native_functions(parsed.native_functions)
        try:
            stubs.parse_backend_yaml(path, grouped, dict(parsed.backend_indices))
        except Exception as error:
            raise ValueError(f"{path}: {error}") from error


def _base(schema: Torchgen) -> str:
    return str(schema.name.name.base)


def _origins(own: Sequence[tuple[Torchgen, Torchgen]]) -> list[int]:
    """Of each record, which one it has its formulas from: itself, or what it is a copy of."""
    first: dict[int, int] = {}
    origins = []
    for i, (_, by_key) in enumerate(own):
        shared = [id(info.derivatives) for info in by_key.values()]
        origin = min([first.get(of, i) for of in shared], default=i)
        origins.append(origin)
        first.update((of, origin) for of in shared)
    return origins


def _saved(attributes: Iterable[Torchgen], *, is_sorted: bool = False) -> list[Row]:
    rows: list[Row] = []
    for attribute in attributes:
        name = attribute.nctype.name
        rows.append(
            {
                "name": name if isinstance(name, str) else name.name,
                "type": attribute.nctype.type.cpp_type(),
                "expr": attribute.expr,
            }
        )
    return sorted(rows, key=lambda row: (row["name"], row["expr"])) if is_sorted else rows


def _forward(derivative: Torchgen) -> Row:
    def names(value: Iterable[str] | None) -> list[str] | None:
        return None if value is None else sorted(value)

    return {
        "formula": derivative.formula,
        "var_names": list(derivative.var_names),
        "var_types": [str(type_) for type_ in derivative.var_types],
        "required_inputs_fw_grad": names(derivative.required_inputs_fw_grad),
        "required_inputs_primal": names(derivative.required_inputs_primal),
        "required_original_self_value": bool(derivative.required_original_self_value),
        "is_reusing_outplace_formula": bool(derivative.is_reusing_outplace_formula),
    }


def _backward(derivative: Torchgen) -> Row:
    return {
        "formula": derivative.formula,
        "original_formula": derivative.original_formula,
        "var_names": list(derivative.var_names),
        "saved_inputs": _saved(derivative.saved_inputs),
        "saved_outputs": _saved(derivative.saved_outputs),
        "named_gradients": sorted(derivative.named_gradients),
    }


def _info(info: Torchgen, *, is_sorted: bool) -> Row:
    return {
        "name": info.name,
        "op": info.op,
        "derivatives": [_backward(derivative) for derivative in info.derivatives],
        "forward_derivatives": [_forward(derivative) for derivative in info.forward_derivatives],
        "all_saved_inputs": _saved(info.all_saved_inputs, is_sorted=is_sorted),
        "all_saved_outputs": _saved(info.all_saved_outputs, is_sorted=is_sorted),
        "available_named_gradients": list(info.available_named_gradients),
        "used_named_gradients": sorted(info.used_named_gradients),
        "args_with_derivatives": [
            {"name": binding.name, "type": binding.type, "default": binding.default}
            for binding in info.args_with_derivatives
        ],
        "non_differentiable_arg_names": list(info.non_differentiable_arg_names),
        "output_differentiability": info.output_differentiability,
        "output_differentiability_conditions": info.output_differentiability_conditions,
    }


def _record(schema: Torchgen, by_key: Torchgen, *, is_sorted: bool = False) -> Row:
    dispatch = {key: _info(info, is_sorted=is_sorted) for key, info in by_key.items()}
    return {"schema": str(schema), "dispatch": dispatch}


def _function(matched: Torchgen) -> Row:
    function = matched.func
    return {
        "schema": str(function.func),
        "kind": function.func.kind().name,
        "variants": sorted(variant.name for variant in function.variants),
        "python_module": function.python_module,
        "tags": sorted(function.tags),
        "structured": bool(function.structured),
        "is_abstract": bool(function.is_abstract),
        "has_composite_implicit_autograd_kernel": (function.has_composite_implicit_autograd_kernel),
        "has_composite_explicit_autograd_kernel": (function.has_composite_explicit_autograd_kernel),
        "differentiability": matched.info
        and {
            key: {"schema": str(info.func.func), "op": info.op}
            for key, info in matched.info.items()
        },
        "forward_derivatives": matched.fw_derivatives
        and {key: [_forward(d) for d in forms] for key, forms in matched.fw_derivatives.items()},
    }


def _answer(
    job: dict[str, str], tree: OwnTree | None, witness: Witness
) -> tuple[str, OwnTree | None]:
    try:
        if tree is None:
            return "", OwnTree(job["root"], job["torchgen"], job["loader"], job["dispatch_keys"])
        witness.begin_job()
        files = (job["derivatives"], job["native"], job["tags"])
        if "folder" in job:
            tree.generate(*files, job["autograd"], job["folder"])
            return "", tree
        witness.pass_over(os.path.dirname(job["out"]))
        backends = [path for path in job["backends"].split(os.pathsep) if path]
        made = tree.run(*files, backends)
        made["read"] = witness.seen()
        with open(job["out"], "w", encoding="utf-8") as file:
            json.dump(made, file)
    except (Exception, SystemExit) as error:
        return _shown(error), tree
    return "", tree


def _shown(error: BaseException) -> str:
    """The traceback as Python shows it: without our own frames, and those that import for us."""
    import traceback

    frames = error.__traceback__
    while frames is not None and _is_hidden(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))


def _is_hidden(path: str) -> bool:
    return path.startswith("<") or path in (importlib.__file__, __file__)


def main() -> None:
    """Answer each line of stdin, which torchgen is not to read, on what was stdout."""
    gc.disable()
    jobs = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    witness = Witness()
    witness.begin()
    tree: OwnTree | None = None
    for line in jobs:
        answer, tree = _answer(json.loads(line), tree, witness)
        try:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
        except BrokenPipeError:  # who asked has ended
            break
    with contextlib.suppress(OSError):  # what torchgen printed
        sys.stdout.flush()
    os._exit(0)  # to take torchgen's objects apart takes longer than an edit
