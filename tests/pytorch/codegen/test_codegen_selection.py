"""Which files and operators are generated, and what goes wrong."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.codegen_files import done, generated, project, small_release, tiny, tiny_done
from support.codegen_project import ABS, CodegenProject, assert_same, contents
from support.paths import ROOT

__all__ = ["done", "generated", "project", "small_release", "tiny", "tiny_done"]  # fixtures


pytestmark = pytest.mark.release


THOROUGH = pytest.mark.thorough


# The selection


@pytest.mark.thorough
@pytest.mark.parametrize("subset", ["libtorch", "pybindings", "python"])
def test_subset_is_upstreams(project: CodegenProject, subset: str) -> None:
    project.run("--subset", subset)
    project.assert_same("--subset", subset)


@pytest.mark.thorough
def test_subsets_can_share_a_folder(project: CodegenProject) -> None:
    for _ in range(2):
        exits = [project.run("--subset", name)["exit"] for name in ("libtorch", "pybindings")]
    assert exits == ["up-to-date", "up-to-date"]
    assert_same(
        contents(project.out),
        project.upstream("--subset", "libtorch") | project.upstream("--subset", "pybindings"),
    )


@pytest.mark.thorough
def test_autograd_can_be_disabled(project: CodegenProject) -> None:
    project.run("--disable-autograd", "--force-schema-registration")
    project.assert_same("--disable-autograd")


def test_the_file_for_python_can_go_elsewhere(tiny_done: CodegenProject) -> None:
    annotated = "annotated_fn_args.py"
    elsewhere = tiny_done.folder / "torch" / annotated
    options = ("--install_dir", str(elsewhere.parent))
    tiny_done.run(*options)
    expected = tiny_done.upstream()
    assert elsewhere.read_bytes() == expected[annotated]
    assert_same({**contents(tiny_done.out), annotated: elsewhere.read_bytes()}, expected)
    assert not (tiny_done.out / annotated).exists()
    assert tiny_done.run(*options)["exit"] == "up-to-date"
    elsewhere.unlink()
    tiny_done.run(*options)
    assert elsewhere.read_bytes() == expected[annotated]
    listed = tiny_done.try_run("--list-outputs", *options).stdout.splitlines()
    assert str(elsewhere) in listed
    assert annotated not in listed


@pytest.mark.thorough
def test_operators_can_be_selected(project: CodegenProject) -> None:
    model = project.folder / "model.yaml"
    model.write_text(
        "operators:\n  aten::abs:\n    is_used_for_training: true\n    is_root_operator: true\n"
        "    include_all_overloads: true\n"
    )
    project.run("--operators-yaml-path", str(model))
    project.assert_same("--operators-yaml-path", str(model))
    # With underscores, as PyTorch's script takes it too.
    assert project.run("--operators_yaml_path", str(model))["exit"] == "up-to-date"
    listed = project.folder / "listed.yaml"
    listed.write_text("- aten::abs\n- aten::add.Tensor\n")
    project.run("--selected-op-list-path", str(listed))
    project.assert_same("--legacy-operators", "aten::abs", "aten::add")
    listed.write_text("- aten::abs\n")
    project.run("--selected-op-list-path", str(listed))
    project.assert_same("--legacy-operators", "aten::abs")


@pytest.mark.thorough
@pytest.mark.parametrize("options", [[], ["--subset", "libtorch"], ["--disable-autograd"]])
def test_outputs_can_be_listed(project: CodegenProject, options: Sequence[str]) -> None:
    listed = project.try_run("--list-outputs", *options).stdout.splitlines()
    assert listed == sorted(project.upstream(*options))
    assert not project.out.exists()


# What goes wrong


@pytest.mark.thorough
def test_exception_in_a_generator_is_upstreams(tiny_done: CodegenProject) -> None:
    before = contents(tiny_done.out)
    source = tiny_done.pytorch.autograd / "gen_trace_type.py"
    tiny_done.replace(
        source,
        "def gen_trace_type_func(",
        "def gen_trace_type_func(fn):\n    raise ValueError('not ' + str(fn.func.name))\n\n\n"
        "def unused(",
    )
    failed = tiny_done.try_run()
    assert failed.returncode == 1
    expected = tiny_done.try_upstream(tiny_done.folder / "failed").stderr
    own, _, last = failed.stderr.rstrip("\n").rpartition("\n")
    assert last == "derivload: a generator of PyTorch failed; nothing was written"
    assert own.splitlines()[-1] == expected.splitlines()[-1]
    frames = [line for line in expected.splitlines() if "torchgen" in line]
    assert [line for line in own.splitlines() if line in frames] == frames
    assert str(ROOT / "src") not in own
    assert contents(tiny_done.out) == before


@pytest.mark.parametrize("context", ["@within\n", pytest.param("", marks=THOROUGH)])
def test_exception_about_an_overlay_names_its_place(
    tiny_done: CodegenProject, context: str
) -> None:
    overlays = [tiny_done.folder / "one.yaml", tiny_done.folder / "two.yaml"]
    overlays[0].write_text("# nothing here\n\n", "utf-8")
    overlays[1].write_text(
        "about: this overlay\ncustom:\n- func: derivload_probe(Tensor self) -> Tensor\n"
        "  dispatch:\n    CPU: derivload_probe\n",
        "utf-8",
    )
    tiny_done.replace(
        tiny_done.pytorch.autograd / "gen_trace_type.py",
        "def gen_trace_type_func(",
        "from torchgen.context import with_native_function as within\n\n\n"
        "def gen_trace_type_func(fn):\n    return traced(fn)\n\n\n"
        f"{context}def traced(f):\n"
        "    if str(f.func.name) == 'derivload_probe':\n        raise ValueError('no')\n"
        "    return {}\n\n\ndef unused(",
    )
    failed = tiny_done.try_run(*(f"--native-functions={overlay}" for overlay in overlays))
    assert failed.returncode == 1
    assert "ValueError: no\n" in failed.stderr
    assert failed.stderr.count(f"{overlays[1]}:3:\n") == 1
    assert f"{tiny_done.pytorch.natives}:" not in failed.stderr


@pytest.mark.thorough
def test_template_with_an_unknown_key_is_upstreams_error(done: CodegenProject) -> None:
    before = contents(done.out)
    done.replace(
        done.pytorch.autograd / "templates/TraceType.cpp", "namespace", "${none} namespace"
    )
    failed = done.try_run()
    assert failed.returncode == 1
    assert "KeyError: 'none'" in failed.stderr
    assert contents(done.out) == before


@pytest.mark.parametrize("code", ["0", *(pytest.param(c, marks=THOROUGH) for c in ("'why'", ""))])
def test_generator_that_ends_the_process_has_failed(tiny_done: CodegenProject, code: str) -> None:
    before = contents(tiny_done.out)
    source = tiny_done.pytorch.autograd / "gen_trace_type.py"
    tiny_done.replace(
        source, "    fm = FileManager(", f"    raise SystemExit({code})\n    fm = FileManager("
    )
    failed = tiny_done.try_run()
    assert failed.returncode == 1
    assert "\nSystemExit" in failed.stderr
    assert failed.stderr.endswith("a generator of PyTorch failed; nothing was written\n")
    assert contents(tiny_done.out) == before


@pytest.mark.parametrize("more", [[], pytest.param(["--list-outputs"], marks=THOROUGH)])
@pytest.mark.parametrize(
    ("option", "text", "reason"),
    [
        ("--selected-op-list-path", "a: [", "expected the node content"),
        pytest.param(
            *("--selected-op-list-path", "3", "'int' object is not iterable"), marks=THOROUGH
        ),
        pytest.param(
            *("--operators-yaml-path", "[1, 2]", "'list' object has no attribute"), marks=THOROUGH
        ),
    ],
)
def test_file_that_selects_no_operators_is_told(
    tiny: CodegenProject, option: str, text: str, reason: str, more: list[str]
) -> None:
    selected = tiny.folder / "selected.yaml"
    selected.write_text(text, "utf-8")
    failed = tiny.try_run(option, str(selected), *more)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith(f"derivload: error: {selected} does not select operators: ")
    assert reason in failed.stderr
    assert failed.stderr.endswith("; nothing was written\n")
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [["--list-outputs"], pytest.param(["--quiet"], marks=THOROUGH)])
def test_what_a_generator_prints_is_no_result(
    tiny_done: CodegenProject, options: list[str]
) -> None:
    expected = tiny_done.try_run(*options).stdout
    source = tiny_done.pytorch.autograd / "gen_trace_type.py"
    tiny_done.replace(source, "    fm = FileManager(", "    print('here')\n    fm = FileManager(")
    ran = tiny_done.try_run(*options)
    assert ran.returncode == 0
    assert ran.stdout == expected
    assert "here\n" in ran.stderr


def test_mistake_in_the_yaml_is_told_with_its_place(tiny_done: CodegenProject) -> None:
    before = contents(tiny_done.out)
    tiny_done.replace(tiny_done.pytorch.derivatives, ABS[0], "  slef: grad\n")
    failed = tiny_done.try_run()
    assert failed.returncode == 1
    assert f"{tiny_done.pytorch.derivatives}:" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert contents(tiny_done.out) == before


@pytest.mark.thorough  # on few operators in test_small_pytorch.py
def test_generator_whose_items_depend_on_each_other_runs_whole(done: CodegenProject) -> None:
    source = done.pytorch.autograd / "gen_trace_type.py"
    text = source.read_text("utf-8").replace(
        '        "trace_method_definitions": [method_definition(fn)],\n',
        "        \"trace_method_definitions\": [f'// {next(COUNT)}\\n' + method_definition(fn)],\n",
    )
    assert text != source.read_text("utf-8")
    source.write_text(
        text.replace("\nimport itertools\n", "\nimport itertools\n\nCOUNT = itertools.count()\n")
    )
    stats = done.run()
    assert stats["exit"] == "plain"
    done.replace(done.pytorch.derivatives, *ABS)
    ran = done.try_run()
    assert "note: upstream's generators ran in their own way" in ran.stderr
    done.assert_same()


@pytest.mark.thorough
def test_another_release_than_the_generators_runs_whole(done: CodegenProject) -> None:
    ran = done.try_run("--torch-version", "2.10")
    assert ran.returncode == 0, ran.stderr
    assert "the rules of 2.10 were asked for, but its source has those of 2.15" in ran.stderr
    done.assert_same()


# Edits to a torchgen: to what is no rule, to a table, to a rule.
TORCHGEN_EDITS = {
    "a helper": ("model.py", "\nclass BaseTy(Enum):", "\nHELP = 1\n\n\nclass BaseTy(Enum):"),
    "a spelling": (
        "api/types/types.py",
        'BaseCppType("at", "Generator")',
        'BaseCppType("mine", "Generator")',
    ),
    "a rule": (
        "packaged/autograd/load_derivatives.py",
        'return (camel_case + "Backward")',
        'return (camel_case + "Gradient")',
    ),
}


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param(["a helper", "a spelling"], id="no rule"),
        pytest.param(["a helper"], id="a helper", marks=THOROUGH),
        pytest.param(["a spelling"], id="a spelling", marks=THOROUGH),
        pytest.param(["a rule"], id="a rule"),
    ],
)
def test_an_edited_torchgen_is_followed_family_by_family(
    tiny: CodegenProject, edits: list[str]
) -> None:
    for name, old, new in map(TORCHGEN_EDITS.__getitem__, edits):
        tiny.replace(tiny.pytorch.root / "torchgen" / name, old, new)
    assert tiny.run()["exit"] == "cold"  # derivload itself has compared the files
    tiny.replace(tiny.pytorch.derivatives, *ABS)
    assert tiny.run()["exit"] == "incremental"
    tiny.assert_same()  # what the edit left alone is still of the first run


@pytest.mark.thorough
def test_edited_generator_is_incremental_once_it_was_compared(done: CodegenProject) -> None:
    source = done.pytorch.autograd / "gen_trace_type.py"
    done.replace(source, "\nimport itertools\n", "\nimport itertools\n# edited\n")
    assert done.run()["exit"] == "cold"
    done.assert_same()
    done.replace(done.pytorch.derivatives, *ABS)
    assert done.run()["exit"] == "incremental"
    done.assert_same()


@pytest.mark.thorough
def test_file_manager_that_is_not_as_expected_runs_whole(done: CodegenProject) -> None:
    utils = done.pytorch.root / "torchgen" / "utils.py"
    for source in (utils, *done.pytorch.autograd.glob("gen_*.py")):
        text = source.read_text("utf-8").replace("write_sharded", "write_in_shards")
        source.write_text(text, "utf-8")
    ran = done.try_run()
    assert ran.returncode == 0, ran.stderr
    assert "note: upstream's generators ran in their own way" in ran.stderr
    done.assert_same()


@pytest.mark.thorough
def test_damaged_cache_costs_time_alone(done: CodegenProject) -> None:
    done.replace(done.pytorch.derivatives, *ABS)
    random_ = random.Random(1)
    for path in done.cache.rglob("*"):
        if path.is_file() and path.stat().st_size:
            data = bytearray(path.read_bytes())
            data[random_.randrange(len(data))] ^= 1
            path.write_bytes(data)
    done.run()
    done.assert_same()


@pytest.mark.thorough
def test_lost_pieces_are_generated_again(done: CodegenProject) -> None:
    for path in done.cache.rglob("*.val"):
        path.unlink()
    (done.out / "Functions.cpp").unlink()
    done.run()
    done.assert_same()


@pytest.mark.thorough
def test_without_a_cache_all_is_generated(done: CodegenProject) -> None:
    assert done.run("--no-cache")["exit"] == "cold"
    done.assert_same()


@pytest.mark.thorough
def test_end_by_signal_leaves_each_output_whole(project: CodegenProject) -> None:
    expected = project.upstream()
    for moment in (0.3, 0.8, 1.1, 1.3):
        shutil.rmtree(project.out, ignore_errors=True)
        process = subprocess.Popen(
            project.command("--no-cache"), stderr=subprocess.PIPE, encoding="utf-8"
        )
        time.sleep(moment)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate()
        assert "Traceback" not in stderr
        there = contents(project.out) if project.out.exists() else {}
        # If files were being moved into their places, the journal tells the next run which.
        outputs = {name: data for name, data in there.items() if not name.endswith("/journal")}
        assert {name: expected[name] for name in outputs} == outputs


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out-dir", "out"], "--pytorch is missing: the generators are PyTorch's own"),
        (["--out-dir", "out", "--pytorch", "."], "is no PyTorch"),
        (["--out-dir", "out", "--subset", "some"], "invalid choice: 'some'"),
        (
            ["--out-dir", "o", "--selected-op-list-path", "a", "--operators-yaml-path", "b"],
            "not allowed with argument",
        ),
    ],
)
def test_wrong_usage_says_what_to_write(
    arguments: Sequence[str], sentence: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "derivload", "codegen", *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert sentence in done.stderr


def test_selection_that_cannot_be_read_is_told(tiny: CodegenProject) -> None:
    failed = tiny.try_run("--operators-yaml-path", str(tiny.folder / "none.yaml"))
    assert failed.returncode == 3
    assert failed.stderr.startswith(f"derivload: error: {tiny.folder / 'none.yaml'}: No such")


def test_pytorch_without_generators_is_told(tiny: CodegenProject) -> None:
    (tiny.pytorch.autograd / "gen_autograd.py").unlink()
    failed = tiny.try_run()
    assert failed.returncode == 2
    assert "PyTorch's generators cannot be found: " in failed.stderr
    assert " does not exist" in failed.stderr
