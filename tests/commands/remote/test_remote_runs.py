"""`derivload run` in another container: what a script left is taken, if all is as it was there."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from derivload.store.remote.packs import make_pack
from support.cache_servers import Nginx
from support.containers import Container, nginx, place
from support.few_operators import EVERY, FOR_ATEN, make_small
from support.project import replace_in
from support.pytorch_tree import GENERATE_CODE, OPTIONS, PyTorchTree
from support.releases import Release
from support.sampling import one_in
from support.script_runs import contents

__all__ = ["nginx", "place"]

SCRIPT = """
    import colorsys, os, sys
    print("made", len(sys.argv))
    with open("in.txt") as source:
        text = source.read()
    os.makedirs("out/deep", exist_ok=True)
    with open("out/deep/a.txt", "w") as file:
        file.write(text.upper())
    with open("out/b.txt", "w") as file:
        file.write(os.environ.get("MODE", "none"))
"""
Make = Callable[..., Container]


@pytest.fixture
def make(tmp_path: Path, place: str) -> Make:
    """Makes a container with a script in its own folder, at `at` inside."""

    def make(name: str, script: str = SCRIPT, at: str = "work", **variables: str) -> Container:
        own = Container(tmp_path / name, place, **variables)
        own.folder /= at
        own.folder.mkdir(parents=True)
        (own.folder / "in.txt").write_text("text\n", "utf-8")
        tools = own.folder / "tools/setup_helpers"
        tools.mkdir(parents=True)
        (tools / "generate_code.py").write_text(textwrap.dedent(script), "utf-8")
        (own.folder / "script.py").write_text(textwrap.dedent(script), "utf-8")
        return own

    return make


PYTORCHS = ("run", "--stats=json", "tools/setup_helpers/generate_code.py")
OTHER = ("run", "--stats=json", "script.py")


def files_of(container: Container) -> dict[str, bytes]:
    return contents(container.folder / "out")


def test_another_container_takes_what_was_left(make: Make) -> None:
    first, second = make("first"), make("second", at="quite/another/place")
    ran = first.call(*PYTORCHS)
    assert '"exit": "ran"' in ran.out
    taken = second.call(*PYTORCHS)
    assert '"exit": "stored"' in taken.out
    assert files_of(second) == files_of(first)
    assert taken.out.splitlines()[0] == ran.out.splitlines()[0] == "made 1"
    assert second.exit_of(*PYTORCHS) == "up-to-date"


def test_what_was_taken_is_followed(make: Make) -> None:
    first, second = make("first"), make("second")
    first.call(*PYTORCHS)
    assert second.exit_of(*PYTORCHS) == "stored"
    (second.folder / "in.txt").write_text("other\n", "utf-8")
    assert second.exit_of(*PYTORCHS) == "ran"
    assert files_of(second)["deep/a.txt"] == b"OTHER\n"


@pytest.mark.parametrize(
    "change",
    one_in(
        2,
        [
            lambda own: (own.folder / "in.txt").write_text("other\n", "utf-8"),
            lambda own: own.variables.update(MODE="debug"),
            lambda own: own.variables.update(PYTHONHASHSEED="1"),
            lambda own: (own.folder / "tools/setup_helpers/colorsys.py").write_text(
                "raise OSError"
            ),
        ],
    ),
    ids=["input", "variable", "python", "module"],
)
def test_what_differs_is_run(make: Make, change: Callable[[Container], None]) -> None:
    make("first").call(*PYTORCHS)
    second = make("second")
    change(second)
    assert '"stored"' not in second.call(*PYTORCHS).out


def test_other_arguments_are_another_run(make: Make) -> None:
    make("first").call(*PYTORCHS)
    assert make("second").exit_of(*PYTORCHS, "--more") == "ran"


WRITES_ITS_PLACE = """
    import os
    with open("out.txt", "w") as file:
        file.write(os.path.basename(os.path.dirname(os.path.abspath(__file__))))
"""


def test_a_script_of_somebody_is_taken_at_the_same_place_alone(make: Make, tmp_path: Path) -> None:
    make("first", WRITES_ITS_PLACE, at="one").call(*OTHER)
    second = make("second", WRITES_ITS_PLACE, at="two")
    assert second.exit_of(*OTHER) == "ran"
    assert (second.folder / "out.txt").read_text("utf-8") == "two"
    same = Container(tmp_path / "third", second.url)
    (second.folder / "out.txt").unlink()
    same.folder = second.folder
    assert same.exit_of(*OTHER) == "stored"
    assert (second.folder / "out.txt").read_text("utf-8") == "two"


WRITES_ITS_PATH = """
    import os
    with open("out.txt", "w") as file:
        file.write(os.getcwd())
"""


def test_a_file_with_a_place_in_it_is_taken_at_that_place_alone(make: Make) -> None:
    make("first", WRITES_ITS_PATH).call(*PYTORCHS)
    second = make("second", WRITES_ITS_PATH)
    assert second.exit_of(*PYTORCHS) == "ran"
    assert (second.folder / "out.txt").read_text("utf-8") == str(second.folder)


REMOVES = """
    import os
    try:
        os.remove("old.txt")
        print("removed")
    except FileNotFoundError:
        pass
    open("out.txt", "w").close()
"""
WRITES_ELSEWHERE = """
    import os
    open("../elsewhere.txt", "w").close()
"""
IS_A_PROGRAM = """
    import os
    open("out.txt", "w").close()
    os.chmod("out.txt", 0o755)
"""


@pytest.mark.parametrize("script", [REMOVES, WRITES_ELSEWHERE, IS_A_PROGRAM])
def test_what_cannot_be_taken_is_not_shared(make: Make, nginx: Nginx, script: str) -> None:
    first = make("first", script)
    (first.folder / "old.txt").touch()
    before = nginx.packs()
    assert first.call(*PYTORCHS).status == 0
    assert nginx.packs() == before


def test_a_failed_run_is_not_shared(make: Make, nginx: Nginx) -> None:
    before = nginx.packs()
    assert make("first", "raise SystemExit(7)").call(*PYTORCHS).status == 7
    assert nginx.packs() == before


def test_packs_of_another_form_are_no_reason_to_fail(make: Make, nginx: Nginx) -> None:
    before = nginx.packs()
    make("first").call(*PYTORCHS)
    for path in nginx.packs():
        if path not in before:
            name = bytes.fromhex("".join(path.parts[-2:]))
            path.write_bytes(make_pack(name, {b"names": b"[" * 100_000}, 1.0, b""))
    assert make("second").exit_of(*PYTORCHS) == "ran"


@pytest.mark.release
@pytest.mark.thorough
def test_torchgen_runs_once_for_all(tmp_path: Path, release: Release, place: str) -> None:
    left = []
    for name, exit_ in (("first", "ran"), ("at/another/place", "stored")):
        own = Container(tmp_path / name, place)
        tree = make_small(release("2.15.0"), own.folder / "tree", [*EVERY, *FOR_ATEN]).root
        options = ["--source-path", "torchgen/packaged/ATen", "--install-dir", "gen"]
        command = ["run", "--stats=json", "-m", "torchgen.gen", *options]
        assert own.exit_of(*command, cwd=tree) == exit_
        left.append(contents(tree / "gen"))
    assert left[0] == left[1]


@pytest.mark.release
@pytest.mark.thorough
def test_a_script_with_an_edit_has_the_pieces_of_others(
    tmp_path: Path, release: Release, place: str, nginx: Nginx
) -> None:
    begun = make_small(release("2.15.0"), tmp_path / "release", [*EVERY, *FOR_ATEN]).root
    command = ["run", "--stats=json", GENERATE_CODE, *OPTIONS, "--gen-dir", "gen"]
    first, second = Container(tmp_path / "first", place), Container(tmp_path / "second", place)
    one = PyTorchTree(begun, first.folder / "tree")
    other = PyTorchTree(begun, second.folder / "tree")
    assert first.exit_of(*command, cwd=one.root) == "ran"
    for tree in (one, other):
        replace_in(tree.autograd / "derivatives.yaml", "grad * self.sgn()", "self.sgn() * grad")
    before = len(nginx.requests())
    assert second.exit_of(*command, cwd=other.root) == "ran"
    assert nginx.requests()[before:].count("GET 200") >= 3
    first.call(command[0], "--no-cache", *command[1:], cwd=one.root)
    assert contents(other.root / "gen") == contents(one.root / "gen")
