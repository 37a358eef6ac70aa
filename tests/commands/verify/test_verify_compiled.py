"""`derivload verify --compiled`: are these the files that a torch was built from?

Most tests have a torch of their own: a package whose classes have what a build makes of the
catalogue, so that one thing at a time can differ. With --long a real torch is compared.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from derivload.cli import main
from support.paths import CATALOGUE, with_inputs
from support.real_torch import REAL, real_torch
from support.releases import Release

# The C++ types that torch shows in Python, of those in the catalogue.
SHOWN = {
    *("bool", "int64_t", "double", "c10::SymInt", "at::Scalar", "c10::string_view", "at::Tensor"),
    *("at::IntArrayRef", "c10::SymIntArrayRef", "at::OptionalIntArrayRef"),
    *("::std::optional<c10::SymIntArrayRef>", "at::ArrayRef<at::Scalar>"),
    *("::std::optional<at::Tensor>", "::std::optional<int64_t>", "::std::optional<double>"),
    *("::std::optional<at::Scalar>", "::std::optional<c10::string_view>"),
    "::std::optional<c10::SymInt>",
}

Nodes = dict[str, list[str]]


@pytest.fixture
def nodes(tmp_path: Path) -> Nodes:
    """What a build makes of the catalogue: by node, the names of what it saves and shows."""
    assert (
        main(["emit", "--catalogue", "--quiet", "--no-cache", "--out-dir", str(tmp_path / "out")])
        == 0
    )
    document = json.loads((tmp_path / "out" / "differentiability.json").read_bytes())
    infos = [info for record in document["functions"] for info in record["dispatch"].values()]
    return {
        info["op"]: [
            saved["name"]
            for saved in (*info["all_saved_inputs"], *info["all_saved_outputs"])
            if saved["type"] in SHOWN
        ]
        for info in infos
        if info["op"] and info["derivatives"]
    }


class Built:
    """A torch whose classes are put where Python finds them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = folder / "torch" / "__init__.py"
        self._file.parent.mkdir(parents=True)
        monkeypatch.setenv("PYTHONPATH", str(folder))

    def __call__(self, nodes: Nodes, version: str = "2.15.1+cpu") -> None:
        lines = [f"__version__ = {version!r}", "class _functions: pass", "class _C: pass"]
        lines.append("_C._functions = _functions")
        for name, saved in {"AccumulateGrad": [], **nodes}.items():
            attributes = dict.fromkeys((f"_saved_{each}" for each in saved), 0)
            lines.append(f"_functions.{name} = type({name!r}, (), {attributes!r})")
        lines += ["_functions.variable = 0", "print('torch says something')"]
        self._file.write_text("\n".join(lines), "utf-8")

    def breaks(self) -> None:
        self._file.write_text("raise ImportError('libtorch.so: no such file')", "utf-8")


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Built:
    return Built(tmp_path / "site", monkeypatch)


class Said:
    """A run of the command: its exit status, and what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *more: str) -> None:
        self.status = main(["verify", "--compiled", sys.executable, *with_inputs(*more)])
        self.out, self.err = capsys.readouterr()


def test_a_build_of_these_files(
    nodes: Nodes, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    built(nodes)
    said = Said(capsys)
    count = sum(map(len, nodes.values()))
    assert count > 20
    assert (said.status, said.err) == (0, "")
    assert said.out == (
        f"torch 2.15.1+cpu was built from {CATALOGUE / 'derivatives.yaml'}:"
        f" all {len(nodes)} backward nodes and {count} saved values agree\n"
    )


def test_verbose_says_which_files_were_compared(
    nodes: Nodes, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    built(nodes)
    assert f"derivload: input      {CATALOGUE / 'tags.yaml'}\n" in Said(capsys, "--verbose").err


def line_of(text: str) -> int:
    lines = (CATALOGUE / "derivatives.yaml").read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(text))


def test_what_differs_is_told_with_its_line(
    nodes: Nodes, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    node = "GleamBackward0"
    name = nodes[node][0]
    built({**nodes, node: ["extra", *nodes[node][1:]]})
    said = Said(capsys)
    place = f"{CATALOGUE / 'derivatives.yaml'}:{line_of('- name: gleam(')}"
    problem = f"torch does not save {name}; torch also saves extra"
    assert said.out == f"{place}: {node} (gleam): {problem}\n"
    assert (said.status, said.err) == (
        1,
        "derivload: torch 2.15.1+cpu was not built from these files: 1 of its nodes differs\n",
    )


def test_nodes_that_one_side_lacks(
    nodes: Nodes, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    del nodes["GleamBackward0"]
    built({**nodes, "OtherBackward0": []})
    said = Said(capsys)
    assert "GleamBackward0 (gleam): torch has no such node\n" in said.out
    assert said.out.endswith("\nOtherBackward0: no definition has this node\n")
    assert "2 of its nodes differ\n" in said.err


def test_the_first_differences_are_told(
    nodes: Nodes, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    built({**nodes, **{f"Other{number}Backward0": [] for number in range(25)}})
    said = Said(capsys)
    assert len(said.out.splitlines()) == 21
    assert said.out.endswith("… and 5 more\n")


def test_another_release_is_noted(
    nodes: Nodes, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    built(nodes, "2.14.0a0+git1234")
    said = Said(capsys)
    assert said.err == (
        "derivload: note: these files are of torch 2.15, and this is torch 2.14.0a0+git1234\n"
    )


def test_a_release_that_is_not_known_yet_is_noted(
    nodes: Nodes,
    built: Built,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(tmp_path))
    built(nodes)
    newer = "torch 2.99 is newer than derivload knows; following 2.15"
    assert Said(capsys, "--torch-version", "2.99").err == f"derivload: note: {newer}\n"


def test_a_torch_that_cannot_be_imported(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    built.breaks()
    said = Said(capsys)
    why = "ImportError: libtorch.so: no such file"
    assert (said.status, said.out) == (3, "")
    assert said.err == f"derivload: error: {sys.executable} cannot import torch: {why}\n"


@pytest.mark.parametrize(
    ("python", "why"),
    [
        ("no/python", "cannot run no/python: No such file or directory"),
        ("/bin/true", "/bin/true is not a Python: it does not answer as one"),
    ],
)
def test_what_is_no_python(python: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--catalogue", "--compiled", python]) == 2
    assert capsys.readouterr().err == f"derivload: error: {why}\n"


def test_mistakes_in_the_files_come_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "derivatives.yaml"
    broken.write_text("- name: 3\n", "utf-8")
    natives = CATALOGUE / "native_functions.yaml"
    inputs = ["--derivatives", str(broken), "--native-functions", str(natives)]
    assert main(["verify", "--compiled", "no/python", *inputs]) == 1
    assert capsys.readouterr().err.endswith("derivload: 1 error; nothing was compared\n")


@pytest.mark.release
def test_a_real_torch(
    release: Release,
    request: pytest.FixtureRequest,
    release_cache: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if not request.config.getoption("--long"):
        pytest.skip("a real torch is compared with --long")
    python = real_torch(release_cache)
    inputs = ["--pytorch", str(release(REAL))]
    assert main(["verify", "--compiled", str(python), *inputs]) == 0
    assert "all 649 backward nodes and 1811 saved values agree\n" in capsys.readouterr().out
    other = ["--pytorch", str(release("2.12.0"))]
    assert main(["verify", "--compiled", str(python), *other]) == 1
