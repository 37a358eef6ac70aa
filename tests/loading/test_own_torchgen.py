"""What is asked of the process of a tree's own torchgen, and what comes of each answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from derivload.loading.errors import TreeCodeError
from derivload.loading.own_code.process import OwnTorchgen, RefusedError, backend_name
from derivload.loading.own_code.starting import end_process, send, start_process
from derivload.loading.paths import Files, TreePlace
from derivload.loading.rules_of_tree import Rules
from derivload.sources.additions import Additions

# Answers the import, and then each job with what `answer` makes of it.
CHILD = """
import json, os, sys
jobs = iter(sys.stdin)
print(json.dumps(""), flush=True)
for line in jobs:
    job = json.loads(line)
    {answer}
    print(json.dumps(told), flush=True)
"""
TELL_JOB = """
    texts = {key: open(job[key], "rb").read().decode("utf-8", "surrogatepass")
             for key in ("derivatives", "native", "tags") if os.path.isfile(job[key])}
    backends = [open(path).read() for path in job.get("backends", "").split(os.pathsep) if path]
    told = json.dumps([job, texts, backends])
"""
EMPTY: dict[str, list[object]] = {
    **{key: [] for key in ("used_dispatch_keys", "records", "bases", "origins", "functions")},
    **{key: [] for key in ("cpp_names", "function_bases", "generated")},
}
Start = Callable[[str], OwnTorchgen]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process that runs some code."""
    started: list[OwnTorchgen] = []

    def begin(code: str) -> OwnTorchgen:
        process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        started.append(OwnTorchgen(process, str(Path.cwd())))
        return started[-1]

    yield begin
    for each in started:
        each.close()


def answering(answer: str) -> str:
    return CHILD.replace("{answer}", answer.strip())


def test_a_job_names_files_with_the_texts(start: Start) -> None:
    torchgen = start(answering(TELL_JOB))
    for texts, backends in ((("dé", "n\r\n", "\ud800"), ()), (("", "n", "t"), ("one", "two"))):
        with pytest.raises(RefusedError) as raised:
            torchgen.run(texts, backends)
        job, held, also = json.loads(str(raised.value))
        folder = raised.value.folder
        assert job.keys() == {"derivatives", "native", "tags", "out", "backends"}
        assert [Path(job[key]).name for key in ("derivatives", "native", "tags")] == [
            *("derivatives.yaml", "native_functions.yaml", "tags.yaml")
        ]
        assert {str(Path(job[key]).parent) for key in ("native", "tags", "out")} == {folder}
        assert [*held.values()] == [*texts]
        assert also == [*backends]
        assert [Path(path).name for path in job["backends"].split(os.pathsep) if path] == [
            backend_name(number) for number in range(len(backends))
        ]
        assert Path(folder).name.startswith("derivload-")
        assert not Path(folder).exists()
    assert backend_name(1) == "backend_1.yaml"


def test_files_are_generated_to_a_folder(start: Start) -> None:
    with pytest.raises(RefusedError) as raised:
        start(answering(TELL_JOB)).generate(("d", "n", "t"), "autograd", "out")
    job, _, _ = json.loads(str(raised.value))
    folders = {"autograd": "autograd", "folder": "out"}
    assert job == {"derivatives": "d", "native": "n", "tags": "t", **folders}
    assert raised.value.folder == "out"
    start(answering('told = ""')).generate(("d", "n", "t"), "autograd", "out")


def test_an_answer_is_what_documents_hold_or_an_error(start: Start) -> None:
    write = "told = ''; open(job['out'], 'w').write(TEXT)"
    found = start(answering(write.replace("TEXT", repr(json.dumps(EMPTY))))).run(("", "", ""))
    assert (found.records, found.used_dispatch_keys, found.generated) == ([], (), [])
    for text in ("{", "{}", json.dumps({**EMPTY, "bases": [3]})):
        with pytest.raises(TreeCodeError) as raised:
            start(answering(write.replace("TEXT", repr(text)))).run(("", "", ""))
        said = "the tree's own torchgen gives what documents cannot hold: "
        assert str(raised.value).startswith(said)


def test_a_torchgen_that_cannot_be_imported_is_told_each_time_it_is_asked(start: Start) -> None:
    # The process says so once, and waits for the next job.
    code = "import json; print(json.dumps('Traceback\\n  no\\n'), flush=True); input()"
    torchgen = start(f"try:\n    {code}\nexcept EOFError:\n    pass")
    for _ in range(2):
        with pytest.raises(TreeCodeError) as raised:
            torchgen.run(("", "", ""))
        assert str(raised.value) == "the tree's own torchgen cannot be imported:\nTraceback\n  no"


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "print('no JSON'); raise SystemExit(3)"])
def test_a_process_that_ends_is_told_with_its_status(code: str, start: Start) -> None:
    with pytest.raises(TreeCodeError) as raised:
        start(code).run(("", "", ""))
    assert str(raised.value) == "the process of the tree's own torchgen ended: 3"


def test_what_is_sent_to_a_process_that_ended_is_lost(start: Start) -> None:
    process = start("pass")._process
    process.wait()
    for _ in range(2):
        send(process, {"a": "b"})
    end_process(process)
    assert process.stdin is not None and process.stdin.closed


def child_of(files: Files, rules: Rules) -> Any:
    """What the process was told first, and how it was started."""
    process = start_process(files, rules)
    try:
        assert process.stdout is not None
        return json.loads(process.stdout.readline()), process.args
    finally:
        end_process(process)
        assert process.returncode == 0


LOADER = """
import os, sys
raise ValueError(repr((__name__, os.environ["PYTHONHASHSEED"], sys.flags.utf8_mode, __file__)))
"""


@pytest.mark.parametrize(
    ("autograd", "name"),
    [
        ("tools/autograd", "tools.autograd.load_derivatives"),
        ("torchgen/packaged/autograd", "torchgen.packaged.autograd.load_derivatives"),
    ],
)
def test_the_loader_of_the_tree_is_imported(autograd: str, name: str, tmp_path: Path) -> None:
    for module in (f"{autograd}/load_derivatives.py", "torchgen/__init__.py"):
        (tmp_path / module).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / module).write_text(LOADER if "load" in module else "", "utf-8")
    loader = tmp_path / autograd / "load_derivatives.py"
    files = Files("d", ["n"], "t", None)
    files.tree = TreePlace(str(tmp_path), str(tmp_path / "torchgen"), str(tmp_path / autograd))
    rules = Rules("source x", "2.15", "the test says so")
    rules.paths = [str(loader)]
    answer, command = child_of(files, rules)
    said = (name, "0", 1, str(loader))
    # Without our own frames: a person is to look at the tree.
    assert answer.startswith("Traceback (most recent call last):\n")
    assert answer.splitlines()[1] == f'  File "{loader}", line 3, in <module>'
    assert answer.splitlines()[-1] == f"ValueError: {said!r}"
    assert command[1:3] == ["-X", "utf8"] and "pycache_prefix" not in " ".join(command[:-1])


def test_a_key_that_a_backend_adds_has_to_be_there(tmp_path: Path) -> None:
    modules = {
        "__init__": "",
        "gen": "",
        "api/__init__": "",
        "api/cpp": "",
        "api/autograd": "",
        "model": "import enum\nDispatchKey = enum.Enum('DispatchKey', 'CPU XLA')\n"
        "dispatch_keys = [DispatchKey.CPU]\n",
        "packaged/autograd/load_derivatives": "",
    }
    for module, text in modules.items():
        path = tmp_path / "torchgen" / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    autograd = tmp_path / "torchgen" / "packaged" / "autograd"
    for keys, said in (
        (("CPU", "XLA"), ""),
        (("Mine",), "LookupError: its DispatchKey has no Mine, which is to be added"),
    ):
        files = Files("d", ["n"], "t", None)
        files.tree = TreePlace(str(tmp_path), str(tmp_path / "torchgen"), str(autograd))
        files.additions = Additions(dispatch_keys=keys)
        answer, _ = child_of(files, Rules("source x", "2.15", "the test says so"))
        assert answer.strip().rpartition("\n")[2] == said


def test_where_a_stale_compiled_file_stays_none_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derivload.loading.own_code.starting.forget_compiled", lambda paths: False)
    files = Files("d", ["n"], "t", None)
    files.tree = TreePlace(str(tmp_path), str(tmp_path), str(tmp_path / "autograd"))
    _, command = child_of(files, Rules("source x", "2.15", "the test says so"))
    assert command[3:5] == ["-X", f"pycache_prefix={os.devnull}"]
