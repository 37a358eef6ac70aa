"""What the tests of a file reach, kept from run to run.

It is measured again when the file of tests is edited. When functions come to a file of derivload,
or leave it, what was measured before does not tell who calls the new ones: then a test that
reaches the file, or a file that names its module, counts as one that reaches each of its functions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any

import platformdirs

from mutation.mutants import Mutant

ROOT = Path(__file__).parents[1]
_SOURCE = "src/derivload/"
_EACH = "*"  # in the place of a function's name

# From a test to its seconds and the functions that it reaches.
Reach = dict[str, tuple[float, frozenset[str]]]


def kept(file: str) -> Path:
    """Where the reach of a file of tests is kept, until it or the tracer is edited."""
    parts = [(ROOT / "mutation" / "tracer.py").read_bytes(), (ROOT / file).read_bytes()]
    digest = hashlib.sha256(b"".join(parts)).hexdigest()
    folder = platformdirs.user_cache_path("derivload-tests") / "reach"
    return folder / f"{Path(file).stem}-{digest[:16]}.json"


def write(file: Path, tests: Mapping[str, Any]) -> None:
    """Keep what was measured now."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"functions": functions(ROOT), "tests": tests}), "utf-8")


def read(file: Path) -> Reach:
    """What was measured, and what may be reached since then."""
    found = json.loads(file.read_text("utf-8"))
    before = found["functions"]
    others = {path for path, names in _functions_now().items() if before.get(path) != names}
    around = {path: {path, *importers().get(path, ())} for path in others}
    reach = {}
    for name, test in found["tests"].items():
        paths = {each.rpartition(":")[0] for each in test["reach"]}
        new = (f"{path}:{_EACH}" for path in others if not paths.isdisjoint(around[path]))
        reach[name] = (test["seconds"], frozenset([*test["reach"], *new]))
    return reach


def functions(root: Path) -> dict[str, str]:
    """From each file of derivload to a digest of the names of its functions."""
    found = {}
    for path in root.glob(f"{_SOURCE}**/*.py"):
        names = sorted(re.findall(r"\bdef (\w+)", path.read_text("utf-8")))
        digest = hashlib.sha256(" ".join(names).encode()).hexdigest()
        found[path.relative_to(root).as_posix()] = digest[:12]
    return found


@cache
def _functions_now() -> dict[str, str]:
    return functions(ROOT)


@cache
def importers() -> dict[str, set[str]]:
    """From each file of derivload to those that name its module."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "src").rglob("*.py"):
        for module in re.findall(r"derivload(?:\.\w+)+", path.read_text("utf-8")):
            named = f"src/{module.replace('.', '/')}.py"
            found.setdefault(named, set()).add(path.relative_to(ROOT).as_posix())
    return found


def met_by(mutant: Mutant, reach: Reach) -> Reach:
    """The tests that reach a mutant; at the level of a module, its users' tests too.

    A function that no test reaches is called when its module is imported, if at all. The tests come
    in the order in which they are likely to notice: first those that stand where the mirror of the
    module is, and of these the ones that reach the fewest functions.
    """
    wanted = {f"{mutant.path}:{mutant.function}", f"{mutant.path}:{_EACH}"}
    found = {name: test for name, test in reach.items() if not wanted.isdisjoint(test[1])}
    if not mutant.function or not found:
        files = {mutant.path, *importers().get(mutant.path, ())}
        found = {
            name: test
            for name, test in reach.items()
            if any(each.rpartition(":")[0] in files for each in test[1])
        }
    place = mutant.path.removeprefix(_SOURCE)
    return dict(sorted(found.items(), key=lambda test: (-_common(place, test[0]), len(test[1][1]))))


def _common(place: str, test: str) -> int:
    """How many letters the place of a module and that of a test's file begin with alike."""
    file = PurePosixPath(test.partition("::")[0]).relative_to("tests")
    mirror = file.with_name(file.name.removeprefix("test_"))
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(place, str(mirror), strict=False))
    return sum(1 for _ in alike)
