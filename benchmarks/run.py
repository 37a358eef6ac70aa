"""Time derivload against upstream's load_derivatives, in one run, and print the ratios.

    script/bench [--release X.Y.Z] [--rounds N] [--only PART] [--json FILE]

Whole processes, one after the other (A B A B …), so that a machine whose speed drifts drifts
for both. Both run from compiled bytecode and from a warm file cache. Quote the ratios of
medians; single times say more of the machine than of the program.
"""

from __future__ import annotations

import argparse
import compileall
import json
import math
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import derivload
from benchmarks import codegen, diff, enlarge, jobs, lsp, scale, script, unknown, watch
from benchmarks.timing import Command, Comparison, SessionEdit, compare, load_upstream, three
from derivload.commands.fetch.command import fetch

_DERIVATIVES = "torchgen/packaged/autograd/derivatives.yaml"
_NATIVES = "torchgen/packaged/ATen/native/native_functions.yaml"


class Saving(NamedTuple):
    """Saves under derivwatch, against upstream."""

    title: str
    goal: str
    saves: int
    codegen: bool


_DOCUMENTS = Saving(
    "a formula saved under derivwatch",
    "median at least 100, 99th percentile at least 40; idle under 0.2 %",
    200,
    codegen=False,
)
_FILES = Saving("a formula saved under derivwatch --codegen", "at least 20", 60, codegen=True)


_UNKNOWN = Saving(
    "a formula saved under derivwatch, unknown torchgen",
    "at least 15",
    60,
    codegen=False,
)


def compare_watch(pytorch: Path, out: Path, upstream: Command, saving: Saving) -> dict[str, object]:
    """Time derivwatch from save to last write, with upstream in between, and print what came."""
    title, goal, count, codegen = saving
    print(f"\n{title}   (goal: {goal})")
    upstream.run()
    cold: list[float] = []
    watched = watch.measure(
        pytorch, out, count, lambda: cold.append(upstream.run().wall), codegen=codegen
    )
    saves = sorted(watched.seconds)
    late = saves[math.ceil(0.99 * len(saves)) - 1]
    middle, slow = statistics.median(saves), statistics.median(cold)
    shown = " / ".join(f"{s * 1e3:.0f}" for s in three(cold))
    print(f"  {upstream.name:<44} {shown:>20} ms")
    print(
        f"  {f'derivwatch, {count} saves':<44} {middle * 1e3:>9.1f} ms   99 % {late * 1e3:.1f} ms"
    )
    print(f"  ratio of medians {slow / middle:.2f}   to the 99th percentile {slow / late:.2f}")
    print(f"  idle {watched.idle:.2%} of a processor")
    return {
        "title": title,
        "goal": goal,
        upstream.name: {"wall_s": cold},
        "save_s": watched.seconds,
        "idle": watched.idle,
        "ratio": slow / middle,
    }


def prepare_release(version: str, cache: Path) -> Path:
    """A folder with the release's torchgen, compiled; fetched when it is not there yet."""
    folder = cache / version
    fetch(version, folder)
    compileall.compile_dir(folder / "torchgen", quiet=2)
    return folder


class Emit:
    """Runs of emit, and of check, on one release, with what is done before each of them."""

    def __init__(self, name: str, pytorch: Path, scratch: Path) -> None:
        self._name = name
        self._pytorch = pytorch
        self._out = scratch / f"{pytorch.name}-out"
        self._cache = scratch / "cache"
        self._edits = 0

    def _command(self, more: str, cache: list[str], prepare: Callable[[], object]) -> Command:
        argv = [sys.executable, "-m", "derivload", "emit", "--pytorch", str(self._pytorch)]
        return Command(
            f"{self._name}, {more}", [*argv, "--out-dir", str(self._out), *cache], prepare
        )

    def cold(self) -> Command:
        """Without a cache, and with no outputs there."""
        return self._command("cold", ["--no-cache"], self._remove_outputs)

    def check(self) -> Command:
        """Not emit but check, without a cache."""
        argv = [sys.executable, "-m", "derivload", "check", "--pytorch", str(self._pytorch)]
        return Command("derivload check", [*argv, "--no-cache"], lambda: None)

    def up_to_date(self) -> Command:
        """Once more, after a run that did everything."""
        return self._command("up to date", self._with_cache(), lambda: None)

    def stored(self) -> Command:
        """With the outputs gone and the documents in the cache."""
        return self._command("stored", self._with_cache(), self._remove_outputs)

    def comment(self) -> Command:
        """With another comment in derivatives.yaml each time."""
        return self._command("a comment edited", self._with_cache(), self._edit_comment)

    def formula(self) -> Command:
        """With another formula each time."""
        return self._command("a formula edited", self._with_cache(), self._edit_formula)

    def schema(self) -> Command:
        """With another schema each time: a default of three variants, and of their definitions."""
        return self._command("a schema edited", self._with_cache(), self._edit_schema)

    def session(self) -> SessionEdit:
        """With another formula each time, in one process."""
        return SessionEdit(f"{self._name}, in a session", self._pytorch, self._out)

    def _with_cache(self) -> list[str]:
        return ["--cache-dir", str(self._cache)]

    def _remove_outputs(self) -> None:
        shutil.rmtree(self._out, ignore_errors=True)

    def _edit_comment(self) -> None:
        self._edits += 1
        path = self._pytorch / _DERIVATIVES
        head, _, rest = path.read_text("utf-8").partition("\n")
        path.write_text(f"{head.partition('  (edit')[0]}  (edit {self._edits})\n{rest}", "utf-8")

    def _edit_formula(self) -> None:
        self._edit(r"(?m)^(  self: )(?:\d+ \* )?(index_select_backward_symint)", r"\g<1>{} * \2")

    def _edit_schema(self) -> None:
        self._edit(r"(hardtanh[._a-z]*\(Tensor\S* self, Scalar min_val=-)\d+", r"\g<1>{}")

    def _edit(self, pattern: str, replacement: str) -> None:
        self._edits += 1
        for name in (_DERIVATIVES, _NATIVES):
            path = self._pytorch / name
            text = path.read_text("utf-8")
            path.write_text(re.sub(pattern, replacement.format(self._edits), text), "utf-8")


def comparisons(release: Path, large: Path, scratch: Path) -> list[Comparison]:
    """What is measured."""
    # A copy, for what is edited must not be the release that all tests share.
    shutil.copytree(release, scratch / "release")
    emit = Emit("derivload emit", scratch / "release", scratch)
    upstream = load_upstream(release)
    python = Command("python -I -c pass", [sys.executable, "-I", "-c", "pass"])
    ten_times = Emit("derivload emit, 10 times", large, scratch)
    return [
        Comparison("everything to be done", upstream, emit.cold(), "at least 6"),
        Comparison("10 times the catalogue", ten_times.cold(), emit.cold(), "at most 11"),
        Comparison("every mistake told", emit.check(), emit.cold(), "at most 1.1"),
        Comparison("nothing to be done", emit.up_to_date(), python, "at most 3"),
        Comparison("outputs missing, documents stored", upstream, emit.stored(), "at least 30"),
        Comparison("a comment edited", upstream, emit.comment(), "at least 30"),
        Comparison("a formula edited", upstream, emit.formula(), "at least 15"),
        Comparison("a schema edited", upstream, emit.schema(), "at least 10"),
        Comparison("a formula edited, in a session", upstream, emit.session(), "at least 150"),
    ]


def codegen_comparisons(pytorch: Path, scratch: Path) -> list[Comparison]:
    """What is measured of PyTorch's generators. `pytorch` is edited."""
    runs = codegen.Codegen(pytorch, scratch)
    name = "upstream gen_autograd, gen_autograd_python"
    upstream, upstream_cold = (
        Command(name, *prepared) for prepared in (runs.upstream(), runs.upstream_cold())
    )

    def own(what: str, prepared: codegen.Prepared) -> Command:
        return Command(f"derivload codegen, {what}", *prepared)

    return [
        Comparison("cold", upstream_cold, own("cold", runs.cold()), "at least 1"),
        Comparison(
            "nothing changed", upstream, own("up to date", runs.up_to_date()), "at least 100"
        ),
        Comparison("a comment changed", upstream, own("a comment", runs.comment()), "at least 60"),
        Comparison("one formula", upstream, own("a formula", runs.formula()), "at least 8"),
        Comparison("a template", upstream, own("a template", runs.template()), "at least 2.2"),
        Comparison("a generator", upstream, own("a generator", runs.generator()), "at least 1.5"),
    ]


def main() -> None:
    """Run the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--release", default="2.15.0", metavar="X.Y.Z")
    parser.add_argument("--rounds", type=int, default=9, metavar="N")
    parser.add_argument(
        "--only",
        choices=_PARTS,
        help="not everything",
    )
    parser.add_argument(
        "--jobs", dest="only", action="store_const", const="jobs", help="only these"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    # Both sides run from compiled bytecode, also where an edit to a source has made it stale.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

    import platformdirs

    cache = Path(
        os.environ.get("DERIVLOAD_TEST_CACHE") or platformdirs.user_cache_path("derivload-tests")
    )
    release = prepare_release(options.release, cache / "releases")
    compileall.compile_dir(Path(derivload.__file__).parent, quiet=2)
    print(
        f"derivload {derivload.__version__} and torchgen {options.release}, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores; "
        f"min / median / max of {options.rounds}"
    )
    results = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for part, measure in _PARTS.items():
            if options.only in (None, part):
                (scratch / part).mkdir()
                results += measure(release, scratch / part, options.rounds)
    if options.json is not None:
        options.json.write_text(json.dumps({"results": results}, indent=2) + "\n", "utf-8")


def _emit(release: Path, scratch: Path, rounds: int) -> list[dict[str, object]]:
    large = scratch / "large"
    enlarge.main(10, release, large)
    return [compare(c, rounds) for c in comparisons(release, large, scratch)]


def _scale(release: Path, scratch: Path, rounds: int) -> list[dict[str, object]]:
    # An edit takes milliseconds, so there can be more of them.
    return [compare(c, 5 * rounds) for c in scale.scale_comparisons(release, scratch)]


def _watch(release: Path, scratch: Path, _: int) -> list[dict[str, object]]:
    shutil.copytree(release, scratch / "release")
    out = scratch / "out"
    return [compare_watch(scratch / "release", out, load_upstream(release), _DOCUMENTS)]


def _codegen(release: Path, scratch: Path, rounds: int) -> list[dict[str, object]]:
    shutil.copytree(release, scratch / "release")
    results = [compare(c, rounds) for c in codegen_comparisons(scratch / "release", scratch)]
    shutil.copytree(release, scratch / "watched")
    upstream = Command(
        "upstream gen_autograd, gen_autograd_python",
        *codegen.Codegen(release, scratch).upstream(),
    )
    return [*results, compare_watch(scratch / "watched", scratch / "out", upstream, _FILES)]


def _script(release: Path, scratch: Path, rounds: int) -> list[dict[str, object]]:
    return [compare(c, rounds) for c in script.script_comparisons(release, scratch)]


def _diff(release: Path, scratch: Path, rounds: int) -> list[dict[str, object]]:
    before = prepare_release(diff.BEFORE, release.parent)
    found = diff.diff_comparisons(before, release, scratch, load_upstream(release))
    return [compare(c, rounds) for c in found]


def _lsp(release: Path, scratch: Path, _: int) -> list[dict[str, object]]:
    upstream, large = load_upstream(release), scratch / "large"
    enlarge.main(10, release, large)
    return [
        lsp.compare_lsp("lsp", release, scratch / "cache", upstream, 1000),
        lsp.compare_lsp("lsp at 10 times the catalogue", large, scratch / "more", upstream, 200),
    ]


def _unknown(release: Path, scratch: Path, rounds: int) -> list[dict[str, object]]:
    """A torchgen with a rule that derivload does not know."""
    tree = unknown.make_unknown(release, scratch / "tree")
    load = load_upstream(tree, "its load_derivatives")
    runs = codegen.Codegen(tree, scratch)
    generate = Command("its gen_autograd, gen_autograd_python", *runs.upstream())
    emit = Emit("derivload emit", tree, scratch).formula()
    own = Command("derivload codegen, a formula", *runs.formula())
    results = [
        compare(Comparison("unknown torchgen, one formula", load, emit, "at least 6"), rounds),
        compare(
            Comparison("unknown torchgen, one formula, codegen", generate, own, "at least 6"),
            rounds,
        ),
    ]
    return [*results, compare_watch(tree, scratch / "watched", load, _UNKNOWN)]


_PARTS = {
    "emit": _emit,
    "scale": _scale,
    "watch": _watch,
    "codegen": _codegen,
    "jobs": jobs.measure,
    "script": _script,
    "unknown": _unknown,
    "lsp": _lsp,
    "diff": _diff,
}

if __name__ == "__main__":
    main()
