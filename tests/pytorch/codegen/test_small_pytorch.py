"""`derivload codegen` on a PyTorch of two operators: all that it does but for the kinds of
operators, in this process.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from derivload.cpp.dialect import DIALECTS
from derivload.pytorch.codegen.known import KNOWN
from derivload.pytorch.codegen.source import Source
from derivload.pytorch.codegen.upstream import locate
from derivload.pytorch.errors import UnexpectedTorchgenError
from support.codegen_project import CodegenProject, assert_same, contents
from support.copied import copy_modules
from support.parsing import parse_once
from support.project import replace_in
from support.releases import Release
from support.small_pytorch import OVERLAY, OVERLAY_DERIVATIVE, SmallPyTorch

pytestmark = pytest.mark.release


class Small(CodegenProject):
    def __init__(self, release: Path, folder: Path) -> None:
        self.small = SmallPyTorch(release, folder / "pytorch", is_checkout=True)
        super().__init__(self.small, folder)  # type: ignore[arg-type]

    def exit(self, *options: str) -> str:
        return str(self.run(*options)["exit"])


@pytest.fixture(scope="module")
def made(
    release: Release, newest: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Small]:
    """Generated once, with its cache."""
    small = Small(release(newest), tmp_path_factory.mktemp("made") / "now")
    with pytest.MonkeyPatch.context() as patched:
        parse_once(patched)
        assert small.exit() == "cold"
        shutil.copytree(small.folder, small.folder.with_name("kept"), symlinks=True)
        yield small


@pytest.fixture
def small(made: Small) -> Iterator[Small]:
    """As it was then."""
    yield made
    shutil.rmtree(made.folder)
    copy_modules(made.folder.with_name("kept"), made.folder)


@pytest.fixture(scope="module")
def upstreams(made: Small) -> dict[str, bytes]:
    return made.upstream()


def test_files_are_upstreams(small: Small, upstreams: dict[str, bytes]) -> None:
    assert_same(contents(small.out), upstreams)
    assert small.exit() == "up-to-date"


@pytest.mark.parametrize(
    ("subset", "is_of"),
    [
        ("python", lambda name: name == "annotated_fn_args.py"),
        ("pybindings", lambda name: name.startswith("python_")),
        (
            "libtorch",
            lambda name: name != "annotated_fn_args.py" and not name.startswith("python_"),
        ),
        ("all", lambda _: True),
    ],
)
def test_a_subset_has_its_files(
    subset: str, is_of: object, small: Small, upstreams: dict[str, bytes]
) -> None:
    assert callable(is_of)
    expected = {name: data for name, data in upstreams.items() if is_of(name)}
    listed = small.try_run("--subset", subset, "--list-outputs").stdout.splitlines()
    assert listed == sorted(expected)
    shutil.rmtree(small.out)
    small.run("--subset", subset)
    assert_same(contents(small.out), expected)


def test_an_edit_costs_what_it_touches(small: Small) -> None:
    before = contents(small.out)
    small.small.add_a_comment()
    assert small.exit() == "stored"
    small.small.edit_a_formula()
    stats = json.loads(small.try_run("--stats=json").stdout)
    assert (stats["exit"], stats["counts"]["functions"]) == ("incremental", 1)
    after = contents(small.out)
    assert [name for name in after if after[name] != before[name]] == ["Functions.cpp"]
    assert b"luster * grad" in after["Functions.cpp"]
    small.small.edit_a_template()
    assert small.exit() == "incremental"
    assert contents(small.out)["ViewFuncs.cpp"].endswith(b"// Edited.\n")
    replace_in(small.small.native / "tags.yaml", "core", "mine")
    assert small.exit() == "incremental"
    assert b'"mine"' in contents(small.out)["python_enum_tag.cpp"]


def test_pieces_that_were_lost_are_made_again(small: Small, upstreams: dict[str, bytes]) -> None:
    for path in small.cache.rglob("*.val"):
        path.unlink()
    (small.out / "Functions.cpp").unlink()
    small.run()
    assert_same(contents(small.out), upstreams)
    shutil.rmtree(small.out)
    assert small.exit("--no-cache") == "cold"
    assert_same(contents(small.out), upstreams)


def test_generators_that_are_not_known_are_compared(
    small: Small, upstreams: dict[str, bytes]
) -> None:
    source = small.small.autograd / "gen_trace_type.py"
    replace_in(source, "\nimport itertools\n", "\nimport itertools\n# edited\n")
    assert small.exit() == "cold"
    assert_same(contents(small.out), upstreams)
    small.small.edit_a_formula()
    assert small.exit() == "incremental"
    # Each item has a number, which depends on those before it.
    replace_in(source, "\n# edited\n", "\nCOUNT = itertools.count()\n")
    made = "[method_definition(fn)]"
    replace_in(source, made, f"[f'// {{next(COUNT)}}' + method for method in {made}]")
    done = small.try_run("--stats=json")
    assert json.loads(done.stdout)["exit"] == "plain"
    assert note(done.stderr).endswith("item by item gives other files: TraceTypeEverything.cpp")
    assert small.exit() == "up-to-date"


def note(stderr: str) -> str:
    """What is said of generators that ran in their own way."""
    (said,) = (line for line in stderr.splitlines() if "ran in their own way" in line)
    return said.partition("for everything: ")[2]


@pytest.mark.thorough
def test_why_upstreams_own_way_was_taken(small: Small, upstreams: dict[str, bytes]) -> None:
    done = small.try_run("--torch-version", "2.10")
    assert note(done.stderr) == (
        "the rules of 2.10 were asked for, but its source has those of 2.15"
    )
    assert_same(contents(small.out), upstreams)
    natives = small.small.native / "native_functions.yaml"
    natives.write_text(json.dumps(yaml.safe_load(natives.read_bytes())), "utf-8")
    done = small.try_run()
    assert note(done.stderr) == "the inputs are not plain lists of entries"
    assert_same(contents(small.out), upstreams)


@pytest.mark.thorough
def test_items_in_another_order_are_not_put_together(small: Small) -> None:
    natives = small.small.native / "native_functions.yaml"
    more = natives.read_text("utf-8").split("\n\n")[0].replace("gild", "gilt")
    natives.write_text(f"{natives.read_text('utf-8')}\n{more}\n", "utf-8")
    functions = "[fn for fn in native_functions if cpp.name(fn.func) not in MANUAL_TRACER]"
    replace_in(small.small.autograd / "gen_trace_type.py", functions, f"{functions}[::-1]")
    assert note(small.try_run().stderr) == "TraceType.cpp is in an unknown order"


@pytest.mark.thorough
def test_functions_that_moved_move_in_the_files_of_generators_that_are_not_known(
    small: Small,
) -> None:
    replace_in(
        small.small.autograd / "gen_trace_type.py",
        "\nimport itertools\n",
        "\nimport itertools\n#\n",
    )
    natives = small.small.native / "native_functions.yaml"
    first, second = natives.read_text("utf-8").strip().split("\n\n")
    small.run()
    natives.write_text(f"{second}\n\n{first}\n", "utf-8")
    assert small.exit() == "incremental"
    moved = contents(small.out)
    assert moved["TraceTypeEverything.cpp"].index(b"smelt") < moved[
        "TraceTypeEverything.cpp"
    ].index(b"gild")
    shutil.rmtree(small.out)
    assert small.exit("--no-cache") == "cold"
    assert contents(small.out) == moved


def test_both_ways_lay_overlays_over(small: Small) -> None:
    overlay, more = small.folder / "overlay.yaml", small.folder / "more.yaml"
    overlay.write_text(f"{OVERLAY}  dispatch:\n    CPU: quench\n", "utf-8")
    more.write_text(OVERLAY_DERIVATIVE, "utf-8")
    options = (
        *("--derivatives", str(small.small.derivatives), "--derivatives", str(more)),
        *("--native-functions", str(overlay)),
    )
    small.run(*options)
    made = contents(small.out)
    assert b"QuenchBackward0" in made["Functions.h"]
    natives = small.small.native / "native_functions.yaml"
    natives.write_text(json.dumps(yaml.safe_load(natives.read_bytes())), "utf-8")
    assert note(small.try_run(*options).stderr) == "the inputs are not plain lists of entries"
    assert_same(contents(small.out), made)


def test_operators_are_selected(small: Small) -> None:
    listed = small.folder / "listed.yaml"
    listed.write_text("a: [")
    said = small.try_run("--selected-op-list-path", str(listed)).stderr
    assert f"{listed} does not select operators: while parsing a flow node expected the" in said
    for text in ("- aten::smelt\n", "- aten::gild.out\n"):
        listed.write_text(text)
        small.run("--selected-op-list-path", str(listed))
    assert_same(contents(small.out), small.upstream("--legacy-operators", "aten::gild"))
    model = small.folder / "model.yaml"
    model.write_text(
        "operators:\n  aten::gild:\n    is_used_for_training: false\n    is_root_operator: true\n"
        "    include_all_overloads: true\n"
    )
    options = ("--operators-yaml-path", str(model), "--disable-autograd")
    small.run(*options)
    assert_same(contents(small.out), small.upstream(*options))


@pytest.mark.thorough
def test_what_a_generator_raises_is_shown(small: Small) -> None:
    before = contents(small.out)
    small.small.break_a_generator()
    done = small.try_run()
    assert done.returncode == 1
    *_, raised, said = done.stderr.splitlines()
    assert raised == "ZeroDivisionError: division by zero"
    assert said == "derivload: a generator of PyTorch failed; nothing was written"
    assert "src/derivload" not in done.stderr
    assert contents(small.out) == before
    listed = small.try_run("--list-outputs")
    assert (listed.returncode, listed.stdout) == (2, "")
    assert "division by zero" in listed.stderr


def test_each_release_is_known() -> None:
    assert [*KNOWN.values()] == [*DIALECTS]


def test_where_generators_are(made: Small) -> None:
    natives = made.small.native / "native_functions.yaml"
    found = locate(str(natives))
    assert (found.root, found.package) == (str(made.small.root), "tools.autograd")
    assert found.templates == str(made.small.autograd / "templates")
    assert found.deprecated == str(made.small.autograd / "deprecated.yaml")
    with pytest.raises(UnexpectedTorchgenError) as raised:
        locate("x/native_functions.yaml")
    assert str(raised.value) == "x/native_functions.yaml is not at its place in a PyTorch tree"


@pytest.mark.parametrize(
    "name",
    [
        "tools/autograd/gen_autograd.py",
        "torchgen/gen.py",
        "tools/autograd/templates",
        "tools/autograd/deprecated.yaml",
    ],
)
def test_generators_that_are_not_whole(name: str, made: Small, tmp_path: Path) -> None:
    root = shutil.copytree(made.small.root, tmp_path / "pytorch")
    (root / name).rename(tmp_path / "gone")
    with pytest.raises(UnexpectedTorchgenError) as raised:
        locate(str(root / "aten/src/ATen/native/native_functions.yaml"))
    assert str(raised.value) == f"{root / name} does not exist"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- name: a(x)\n  aten: b(x)\n  c: 1\n", "deprecated.yaml has unknown keys"),
        ("- name: a(x)\n", "deprecated.yaml has an unknown form: 'aten'"),
        ("- 3\n", "deprecated.yaml has an unknown form: "),
        ("3\n", "deprecated.yaml has an unknown form: "),
        ("- name: a(x)\n  aten: 3\n", "deprecated.yaml has an unknown form: "),
        ("[", "deprecated.yaml has an unknown form: "),
    ],
)
def test_deprecated_functions_of_another_form(text: str, said: str) -> None:
    source = Source(None, None, text.encode())  # type: ignore[arg-type]
    with pytest.raises(UnexpectedTorchgenError) as raised:
        source.deprecated(None)
    assert str(raised.value).startswith(said)


def test_deprecated_functions_are_of_what_they_call() -> None:
    called = ("a(x)", "b_out(out, x)"), ("c(x)", "b(x)"), ("d()", "e_(x)")
    text = "".join(f"- name: {name}\n  aten: {aten}\n" for name, aten in called)
    source = Source(None, None, text.encode())  # type: ignore[arg-type]
    found = source.deprecated(None)
    assert found.entries == {
        "b": [("a(x)", "b_out(out, x)"), ("c(x)", "b(x)")],
        "e": [("d()", "e_(x)")],
    }
    assert len(found.digest) == 32
