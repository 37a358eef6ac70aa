"""What a PyTorch release's own torchgen makes of many small inputs.

    judge_cases.py TORCHGEN_PARENT < CASES > ANSWER

CASES is JSON: by name, the texts of native_functions.yaml, derivatives.yaml and tags.yaml.
ANSWER is JSON too. `verdicts` has, by name, the two documents as dump_torchgen.py writes them,
or null where torchgen turns the input away; `names` the names that this torchgen has of each
kind that releases differ in. One process judges all cases.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import dump_torchgen

FILES = ("native_functions.yaml", "derivatives.yaml", "tags.yaml")
DOCUMENTS = ("differentiability.json", "functions.json")


def main() -> int:
    cases = json.load(sys.stdin)
    sys.path.insert(0, sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        verdicts = {name: _verdict(Path(folder), texts) for name, texts in cases.items()}
    json.dump({"verdicts": verdicts, "names": _names()}, sys.stdout)
    return 0


def _verdict(folder: Path, texts: Sequence[str]) -> list[Any] | None:
    _forget()
    for name, text in zip(FILES, texts, strict=True):
        (folder / name).write_text(text, "utf-8")
    natives, derivatives, tags = (str(folder / name) for name in FILES)
    try:
        # It prints before it fails.
        with contextlib.redirect_stdout(io.StringIO()):
            loaded = dump_torchgen._load(derivatives, natives, tags)
    except Exception:
        return None
    dump_torchgen._write(folder, loaded)
    return [json.loads((folder / name).read_text("utf-8")) for name in DOCUMENTS]


def _forget() -> None:
    """Empty what torchgen keeps by the names of the files."""
    gen = import_module("torchgen.gen")
    loader = import_module("torchgen.packaged.autograd.load_derivatives")
    gen._GLOBAL_PARSE_NATIVE_YAML_CACHE.clear()
    gen._GLOBAL_PARSE_TAGS_YAML_CACHE.clear()
    loader._GLOBAL_LOAD_DERIVATIVE_CACHE.clear()
    for function in (gen.parse_tags_yaml, gen.parse_native_yaml):
        getattr(function, "cache_clear", lambda: None)()


def _names() -> dict[str, list[str]]:
    model = import_module("torchgen.model")
    generation = import_module("torchgen.native_function_generation")
    return {
        "base types": [type_.name for type_ in model.BaseTy],
        "scalar types": [type_.name for type_ in model.ScalarType],
        "dispatch keys": [key.name for key in model.DispatchKey],
        "without out variant": list(generation.FUNCTIONAL_OPS_THAT_CANNOT_GET_AN_OUT_VARIANT),
        "mutable without": list(generation.MUTABLE_OPS_THAT_CANNOT_GET_AN_OUT_VARIANT),
    }


if __name__ == "__main__":
    sys.exit(main())
