"""Tell what a release's own loader and generators make of small sets of the three files.

    judge_generators.py RELEASE

Each line of stdin is JSON: a folder with the three files, and the entries of deprecated.yaml that
belong to them. Each line of stdout says which step raised an exception, "load" or "generate", and
which; both are "" when nothing did.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path

RELEASE = Path(sys.argv[1])
sys.path.insert(0, str(RELEASE))
gen = import_module("torchgen.gen")
autograd = import_module("torchgen.api.autograd")
selector = import_module("torchgen.selective_build.selector").SelectiveBuilder.get_nop_selector()
main = import_module("torchgen.packaged.autograd.gen_autograd")
annotated = import_module("torchgen.packaged.autograd.gen_annotated_fn_args")
loader = import_module("torchgen.packaged.autograd.load_derivatives")
AUTOGRAD = RELEASE / "torchgen" / "packaged" / "autograd"


def forget() -> None:
    """Make torchgen forget the files that it has read."""
    for name in ("_GLOBAL_PARSE_NATIVE_YAML_CACHE", "_GLOBAL_PARSE_TAGS_YAML_CACHE"):
        getattr(gen, name).clear()
    loader._GLOBAL_LOAD_DERIVATIVE_CACHE.clear()
    for function in (gen.parse_tags_yaml, gen.parse_native_yaml):
        getattr(function, "cache_clear", lambda: None)()


def load(derivatives: str, natives: str, tags: str) -> None:
    infos, _ = loader.load_derivatives(derivatives, natives, tags)
    functions = gen.parse_native_yaml(natives, tags).native_functions
    autograd.match_differentiability_info(functions, infos)


def generate(folder: str, out: str, natives: str, tags: str) -> None:
    main.gen_autograd_python(natives, tags, out, folder)
    main.gen_autograd(natives, tags, out, folder, operator_selector=selector)
    annotated.gen_annotated(natives, tags, out, folder)


def judge(folder: str, deprecated: list[dict[str, str]], out: str) -> tuple[str, str]:
    natives, tags = (f"{folder}/{name}" for name in ("native_functions.yaml", "tags.yaml"))
    Path(folder, "deprecated.yaml").write_text(json.dumps(deprecated))
    templates = Path(folder, "templates")
    if not templates.exists():
        templates.symlink_to(AUTOGRAD / "templates")
    step = "load"
    try:
        forget()
        with contextlib.redirect_stdout(io.StringIO()):
            load(f"{folder}/derivatives.yaml", natives, tags)
            forget()  # matching adds to what was loaded
            step = "generate"
            generate(folder, out, natives, tags)
    except Exception as error:
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        line = "" if where is None else f" ({where.tb_frame.f_code.co_name}:{where.tb_lineno})"
        return step, told + line
    return "", ""


with tempfile.TemporaryDirectory() as out:
    for line in sys.stdin:
        case_folder, deprecated = json.loads(line)
        print(json.dumps(judge(case_folder, deprecated, out)), flush=True)
