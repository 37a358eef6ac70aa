"""The ends that `derivload codegen` takes one after the other, and what it says of each.

All runs are in one process: torchgen is imported once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.child import child_environment
from support.project import replace_in
from support.releases import Release
from support.small_pytorch import SmallPyTorch

pytestmark = pytest.mark.release

# Runs derivload with the arguments of each line of stdin, and says how that ended.
RUNS = """
import contextlib, io, json, sys
from derivload.cli import main
for line in sys.stdin:
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(json.loads(line))
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]
    print(json.dumps([status, *said]), flush=True)
"""
# The same for derivwatch's own way, from load to load.
LIVE = """
import json, sys
from derivload.commands.codegen.upstream import consult_generators
from derivload.commands.codegen.live import LiveCodegen
from derivload.loading.paths import find_files
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.errors import GeneratorError
from derivload.store.store import Store
tree, out, cache, formula, generator = sys.argv[1:]
selection = Selection("libtorch")
store = Store(cache)
live = LiveCodegen(out, selection, store)
told = []

def load():
    files = find_files(pytorch=tree)
    consult_generators(files, selection, live.sources)
    before = live.has_learned
    prepared = live.load(files, list(files.read()))
    done = prepared.write()
    live.settle()
    live.settle()
    after = live.has_learned
    read = [path for path, _ in files.consulted]
    told.append([done.exit, sorted(done.written.written), read, before, after])

load()
load()
with open(formula) as file:
    text = file.read()
with open(formula, "w") as file:
    file.write(text.replace("self: grad * luster", "self: luster * grad"))
load()
# Sources count as they are now, also for a load before which nobody asks for them.
with open(generator, "a") as file:
    file.write("raise ValueError('of the generator')")
files = find_files(pytorch=tree)
try:
    live.load(files, list(files.read()))
except GeneratorError as error:
    told.append(error.lines)
store.close()
print(json.dumps(told))
"""


class Ended(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def stats(self) -> dict[str, Any]:
        return dict(json.loads(self.out))

    @property
    def said(self) -> list[str]:
        return self.err.splitlines()


class Codegen:
    """A tree, and runs of derivload on it in a process that goes on."""

    def __init__(self, release: Path, folder: Path) -> None:
        self.tree = SmallPyTorch(release, folder / "pytorch")
        self.folder = folder
        self.out = folder / "out"
        self._process = subprocess.Popen(
            [sys.executable, "-c", RUNS],
            env=child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __call__(self, *more: str, out: str = "out") -> Ended:
        assert self._process.stdin is not None and self._process.stdout is not None
        arguments = [
            *("codegen", "--subset", "libtorch", "--pytorch", str(self.tree.root)),
            *("--cache-dir", str(self.folder / "cache"), "--out-dir", str(self.folder / out)),
        ]
        self._process.stdin.write(f"{json.dumps([*arguments, *more])}\n")
        self._process.stdin.flush()
        return Ended(*json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def run(
    release: Release, newest: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Codegen]:
    made = Codegen(release(newest), tmp_path_factory.mktemp("codegen"))
    yield made
    made.close()


def test_each_end_is_told_with_its_steps(run: Codegen) -> None:
    begun = ["store", "inputs", "recall"]
    loaded = ["find", "import", "restore", "load", "render", "state", "keep", "generate", "write"]
    cold = run("--stats=json")
    assert (cold.status, cold.stats["exit"], cold.stats["rules"]) == (0, "cold", "2.15")
    assert [*cold.stats["seconds"]] == [*begun, *loaded]
    names = sorted(path.name for path in run.out.glob("[!.]*") if path.is_file())
    assert cold.stats["counts"]["functions"] == 2
    assert cold.stats["counts"]["written"] == len(list(run.out.rglob("*.*"))) - 1
    count = cold.stats["counts"]["written"]
    head = f"derivload: {run.out}: wrote {count} files: VariableType.h, "
    assert cold.said[0].startswith(head)
    assert cold.said[0].endswith(f" and {count - 3} more")
    assert run("--stats=json").stats["exit"] == "up-to-date"
    # What is gone is made of what is known.
    (run.out / "Functions.cpp").unlink()
    stored = run("--stats=json")
    assert stored.stats["exit"] == "stored"
    assert [*stored.stats["seconds"]] == [*begun, "find", "generate", "write", "keep"]
    assert (stored.stats["counts"]["written"], stored.said) == (
        1,
        [f"derivload: {run.out}: wrote Functions.cpp"],
    )
    # A comment moves nothing.
    run.tree.add_a_comment()
    recalled = run("--stats=json")
    assert recalled.stats["exit"] == "stored"
    assert [*recalled.stats["seconds"]] == [*begun, "write", "keep"]
    assert recalled.said == [f"derivload: {run.out}: up to date"]
    run.tree.edit_a_formula()
    edited = run("--stats=json", "--depfile", str(run.folder / "deps"))
    assert edited.stats["exit"] == "incremental"
    assert [*edited.stats["seconds"]] == [*begun, *loaded]
    assert edited.said == [f"derivload: {run.out}: wrote Functions.cpp"]
    replace_in(run.tree.derivatives, "luster * grad", "lustre * grad")
    warned = run().said
    assert "warning[DL602]: `lustre` is not an argument" in warned[0]
    assert warned[-2] == "derivload: 1 warning"
    replace_in(run.tree.derivatives, "lustre * grad", "luster * grad")
    assert len(run().said) == 1
    depends = (run.folder / "deps").read_text("utf-8")
    for name in ("derivatives.yaml", "deprecated.yaml", "gen_autograd.py", "Functions.cpp"):
        assert name in depends
    assert sorted(path.name for path in run.out.glob("[!.]*") if path.is_file()) == names


def test_files_can_be_listed_and_one_of_them_put_elsewhere(run: Codegen) -> None:
    listed = run("--list-outputs")
    assert (listed.status, listed.err) == (0, "")
    names = listed.out.splitlines()
    assert names == sorted(names)
    assert "Functions.cpp" in names
    python = run("--subset", "python", "--install-dir", str(run.folder / "site"), out="python")
    assert python.status == 0
    elsewhere = run.folder / "site" / "annotated_fn_args.py"
    assert python.err == f"derivload: {run.folder / 'python'}: wrote {elsewhere}\n"
    text = elsewhere.read_text("utf-8")
    options = ("--subset", "python", "--install-dir", str(run.folder / "site"))
    assert run(*options, out="python").err.endswith(": up to date\n")
    elsewhere.write_text("mine", "utf-8")
    assert run(*options, out="python").err.endswith(f": wrote {elsewhere}\n")
    assert elsewhere.read_text("utf-8") == text
    assert run("--list-outputs", *options, out="python").out == f"{elsewhere}\n"


def test_what_is_wrong_leaves_the_files_as_they_were(run: Codegen) -> None:
    assert run().status == 0
    before = {path: path.read_bytes() for path in run.out.rglob("*") if path.is_file()}
    text = run.tree.derivatives.read_text("utf-8")
    run.tree.derivatives.write_text(f"{text}- name: x\n", "utf-8")
    failed = run()
    assert failed.status == 1
    assert failed.said[-1] == "derivload: 1 error; nothing was written"
    run.tree.derivatives.write_text(text, "utf-8")
    selected = run.folder / "selected"
    selected.write_text("a: [", "utf-8")
    for more in ((), ("--list-outputs",)):
        failed = run("--selected-op-list-path", str(selected), *more)
        assert (failed.status, len(failed.said)) == (1, 1)
        assert failed.said[0].startswith(f"derivload: error: {selected} does not select operators")
        assert failed.said[0].endswith("; nothing was written")
    generator = run.tree.autograd / "gen_autograd.py"
    aside = generator.rename(run.folder / "aside.py")
    failed = run()
    assert failed.status == 2
    assert failed.said[-1].startswith("derivload: error: PyTorch's generators cannot be found: ")
    aside.rename(generator)
    assert run(out="pytorch/torchgen/packaged/autograd/templates").status == 2
    after = {path: path.read_bytes() for path in run.out.rglob("*") if path.is_file()}
    assert after == before


def test_from_load_to_load_only_what_changed_is_written(
    release: Release, newest: str, tmp_path: Path
) -> None:
    tree = SmallPyTorch(release(newest), tmp_path / "pytorch")
    generator = tree.autograd / "gen_trace_type.py"
    beside = generator.with_name("beside.txt")
    beside.write_text("TraceType", "utf-8")
    # A generator that reads a file which it names when it runs.
    replace_in(
        generator,
        'class_type="TraceType"',
        f"class_type=open({str(beside)!r}).read()",
    )
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-c", LIVE, str(tree.root), str(tmp_path / "out")),
            *(str(tmp_path / "cache"), str(tree.derivatives), str(generator)),
        ],
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second, third, refused = json.loads(done.stdout)
    known = {Path(path).name for path in first[2]}
    assert {"deprecated.yaml", "gen_autograd.py", "TraceType.cpp", "model.py"} <= known
    assert (str(beside) in first[2], str(beside) in second[2]) == (False, True)
    assert "Functions.cpp" in first[1]
    # It is known after the first load that there is more to look at.
    assert (first[3:], second[3:], third[3:]) == ([False, True], [False, False], [False, False])
    assert (second[1], third[:2]) == ([], ["incremental", ["Functions.cpp"]])
    assert "ValueError: of the generator" in refused
