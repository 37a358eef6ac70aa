"""What a PyTorch release's own torchgen makes of many files of backends.

    judge_backends.py TORCHGEN_PARENT < CASES > ANSWER

CASES is JSON: `natives` and `tags` are the texts of native_functions.yaml and tags.yaml, `files`
the texts of backends' files, by name. ANSWER is JSON: by name, for each operator that
`parse_backend_yaml` registers, the dispatch keys, or null where it raises an exception.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> int:
    cases = json.load(sys.stdin)
    sys.path.insert(0, sys.argv[1])
    gen = import_module("torchgen.gen")
    with tempfile.TemporaryDirectory() as folder:
        natives, tags, file = (Path(folder, name) for name in ("natives", "tags", "backend"))
        natives.write_text(cases["natives"], "utf-8")
        tags.write_text(cases["tags"], "utf-8")
        parsed = gen.parse_native_yaml(str(natives), str(tags))
        grouped = gen.get_grouped_native_functions(parsed.native_functions)
        answer = {}
        for name, text in cases["files"].items():
            file.write_text(text, "utf-8")
            answer[name] = _registered(str(file), grouped, parsed.backend_indices)
    json.dump(answer, sys.stdout)
    return 0


def _registered(path: str, grouped: Any, indices: Any) -> dict[str, list[str]] | None:
    before = dict(indices)
    stubs = import_module("torchgen.gen_backend_stubs")
    try:
        after = stubs.parse_backend_yaml(path, grouped, {**before}).backend_indices
    except Exception:
        return None
    made: dict[str, list[str]] = {}
    for key, index in after.items():
        for operator in () if key in before else index.index:
            made.setdefault(str(operator), []).append(key.name)
    return {operator: sorted(keys) for operator, keys in made.items()}


if __name__ == "__main__":
    sys.exit(main())
