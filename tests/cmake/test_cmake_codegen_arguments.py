"""The arguments of the CMake function for PyTorch generators."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.cmake_builds import launcher, tools
from support.cmake_codegen import CALL, Make, make
from support.cmake_project import (
    words,
)
from support.releases import Release
from support.small_pytorch import OVERLAY, OVERLAY_DERIVATIVE, SmallPyTorch

__all__ = ["launcher", "make", "tools"]  # fixtures


pytestmark = pytest.mark.release


@pytest.mark.thorough
def test_arguments_mean_what_the_options_of_codegen_mean(
    make: Make, release: Release, newest: str, tmp_path: Path
) -> None:
    project = make("Ninja", tmp_path)
    project.pytorch = SmallPyTorch(release(newest), project.source / "pytorch")
    (project.source / "overlay.yaml").write_text(OVERLAY, "utf-8")
    derivatives = project.pytorch.derivatives.read_text("utf-8") + OVERLAY_DERIVATIVE
    (project.source / "derivatives.yaml").write_text(derivatives, "utf-8")
    (project.source / "tags.yaml").write_text("- tag: inert\n  desc: None.\n", "utf-8")
    (project.source / "operators.yaml").write_text("[aten::gild]\n", "utf-8")
    project.write(
        CALL.format(
            "NATIVE_FUNCTIONS overlay.yaml DERIVATIVES derivatives.yaml TAGS tags.yaml"
            " TORCH_VERSION 2.15 SELECTED_OP_LIST_PATH operators.yaml DISABLE_AUTOGRAD NO_CACHE"
        ),
        "",
    )
    assert project.configure().status == 0
    done = project.build("--target", "autograd")
    assert done.status == 0, done
    assert project.contents() == project.codegen(
        *("--native-functions", "overlay.yaml", "--derivatives", "derivatives.yaml"),
        *("--tags", "tags.yaml", "--selected-op-list-path", "operators.yaml"),
        "--disable-autograd",
    )
    assert b"QuenchBackward0" in project.contents()["Functions.cpp"]
    assert not (tmp_path / "cache").exists()
    assert project.build("--target", "autograd").loads == 0
    (project.source / "operators.yaml").write_text("[aten::gild, aten::smelt]\n", "utf-8")
    assert project.build("--target", "autograd").loads == 1


@pytest.mark.thorough
def test_pytorch_is_found_where_codegen_finds_it(
    make: Make, release: Release, newest: str, tmp_path: Path
) -> None:
    project = make("Ninja", tmp_path)
    checkout = SmallPyTorch(release(newest), project.source / "checkout", is_checkout=True)
    wheel = SmallPyTorch(release(newest), project.source / "wheel")
    (wheel.root / "torch").mkdir()
    for place, pytorch in (
        ("checkout", checkout),
        ("wheel/torchgen", wheel),
        ("wheel/torch", wheel),
    ):
        project.write(
            f"derivload_codegen_inputs(n OUTPUT_DIR out PYTORCH_DIR {place} CODEGEN SUBSET python)",
            "get_property(read DIRECTORY PROPERTY CMAKE_CONFIGURE_DEPENDS)\n"
            'foreach(file IN LISTS read)\nmessage("read ${file}")\nendforeach()\n',
        )
        done = project.configure()
        assert done.status == 0, done
        read = {Path(line[5:]) for line in done.output.splitlines() if line.startswith("read ")}
        modules = [*(pytorch.root / "torchgen").rglob("*.py"), *pytorch.autograd.glob("*.py")]
        assert read == set(modules)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("CODEGEN", "CODEGEN runs PyTorch's own generators: write PYTORCH_DIR and a checkout"),
        (
            "CODEGEN PYTORCH_DIR yaml SHARDS 4",
            "SHARDS is for documents, and PyTorch's generators have shards of their own: leave it",
        ),
        (
            "CODEGEN PYTORCH_DIR yaml SUBSET cpp",
            'SUBSET is "cpp": write libtorch, pybindings, python or all.',
        ),
        (
            "CODEGEN PYTORCH_DIR yaml SELECTED_OP_LIST_PATH a OPERATORS_YAML_PATH b",
            "SELECTED_OP_LIST_PATH and OPERATORS_YAML_PATH exclude each other: write one of them.",
        ),
        (
            "CODEGEN PYTORCH_DIR yaml OPERATORS_YAML_PATH no.yaml",
            "no.yaml, and there is no such file: write an absolute path, or one relative to",
        ),
        ("CODEGEN CODEGEN PYTORCH_DIR yaml", "CODEGEN stands there 2 times: write it once."),
        ("CODEGEN PYTORCH_DIR nowhere", "which is no PyTorch: write a checkout"),
        (
            "CODEGEN PYTORCH_DIR yaml",
            "yaml, and its generators do not tell what they write: write a checkout, or a folder",
        ),
        *(
            (
                words_,
                f"{words_.split()[0]} is for PyTorch's generators: write CODEGEN too, or leave",
            )
            for words_ in ("SUBSET all", "DISABLE_AUTOGRAD", "OPERATORS_YAML_PATH no.yaml")
        ),
    ],
)
def test_bad_argument_stops_the_configure_step(
    make: Make, tmp_path: Path, call: str, sentence: str
) -> None:
    project = make("Ninja", tmp_path)
    autograd = project.source / "yaml" / "tools" / "autograd"
    native = project.source / "yaml" / "aten" / "src" / "ATen" / "native"
    for place in (
        *(autograd / "derivatives.yaml", native / "native_functions.yaml", native / "tags.yaml"),
        project.source / "yaml" / "version.txt",
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("2.15.0\n", "utf-8")
    project.write(f"derivload_codegen_inputs(n OUTPUT_DIR out {call})", "")
    done = project.configure()
    assert done.status != 0
    assert sentence in words(done.output)
