"""The arguments of the CMake function."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from support.cmake_builds import (
    FORMULA,
    INPUTS,
    SHARDS,
    environment,
    launcher,
    project,
    pytest_generate_tests,
    shards_of,
    small,
    tools,
)
from support.cmake_project import (
    CONSUMERS,
    CMakeProject,
    assert_nothing_runs,
    words,
)
from support.paths import CATALOGUE
from support.project import replace_in

__all__ = [
    "environment",
    "launcher",
    "project",
    "pytest_generate_tests",
    "small",
    "tools",
]  # fixtures and a hook


# The arguments


@pytest.mark.thorough
def test_two_targets_in_one_build(project: CMakeProject) -> None:
    second = """
derivload_codegen_inputs(catalogue CATALOGUE OUTPUT_DIR other NO_CACHE)
get_property(documents TARGET catalogue PROPERTY DERIVLOAD_OUTPUTS)
add_custom_command(
  OUTPUT listed COMMAND "${CMAKE_COMMAND}" -E sha256sum ${documents} > listed
  DEPENDS ${documents} catalogue COMMENT "Copying catalogue.json" VERBATIM)
add_custom_target(all_documents ALL DEPENDS listed)
"""
    with (project.source / "CMakeLists.txt").open("a", encoding="utf-8") as file:
        file.write(second)
    assert project.configure().status == 0
    first = project.build("-j8")
    assert (first.status, first.loads) == (0, 2), first.output
    assert len(first.generated) == SHARDS + 3
    assert_nothing_runs(project)
    replace_in(project.derivatives, *FORMULA)
    again = project.build("-j8")
    assert (again.loads, "catalogue.json" in again.generated) == (1, False), again.output
    assert_nothing_runs(project)


def test_consumer_in_another_folder(project: CMakeProject) -> None:
    below = project.source / "below"
    below.mkdir()
    (below / "CMakeLists.txt").write_text(
        "get_property(documents TARGET definitions PROPERTY DERIVLOAD_OUTPUTS)" + CONSUMERS
    )
    project.write(
        f"derivload_codegen_inputs(definitions {INPUTS} OUTPUT_DIR out SHARDS {SHARDS})",
        "add_subdirectory(below)",
    )
    assert project.configure().status == 0
    first = project.build("-j8")
    assert (first.status, first.loads, len(first.generated)) == (0, 1, SHARDS + 2), first.output
    assert_nothing_runs(project)
    replace_in(project.derivatives, *FORMULA)
    again = project.build()
    assert len(shards_of(again.generated)) == 1, again.output
    assert_nothing_runs(project)


def test_input_that_the_build_makes(project: CMakeProject) -> None:
    project.write(
        """
set(made "${CMAKE_CURRENT_BINARY_DIR}/derivatives.yaml")
add_custom_command(
  OUTPUT "${made}"
  COMMAND "${CMAKE_COMMAND}" -E copy "${CMAKE_CURRENT_SOURCE_DIR}/inputs/derivatives.yaml" "${made}"
  DEPENDS inputs/derivatives.yaml VERBATIM)
derivload_codegen_inputs(definitions DERIVATIVES "${made}"
  NATIVE_FUNCTIONS inputs/native_functions.yaml OUTPUT_DIR out OUTPUTS_VARIABLE documents)
"""
    )
    assert project.configure().status == 0
    assert project.build().loads == 1
    assert_nothing_runs(project)
    replace_in(project.derivatives, *FORMULA)
    again = project.build()
    assert (again.loads, "differentiability.json" in again.generated) == (1, True), again.output
    assert_nothing_runs(project)


OWN = """\
- func: gild(Tensor self, float luster=0.5) -> Tensor
  gen_x: 1
  variants: function, method
  dispatch:
    PrivateUse1: gild
"""
OWN_DERIVATIVES = (
    "- name: gild(Tensor self, float luster=0.5) -> Tensor\n  self: mine(grad, luster)\n"
)


def test_what_a_backend_adds(small: CMakeProject) -> None:
    (small.inputs / "own.yaml").write_text(OWN, "utf-8")
    (small.inputs / "own_derivatives.yaml").write_text(OWN_DERIVATIVES, "utf-8")
    small.write(
        "derivload_codegen_inputs(definitions OUTPUT_DIR out OVERRIDE"
        " DERIVATIVES inputs/derivatives.yaml inputs/own_derivatives.yaml"
        " NATIVE_FUNCTIONS inputs/native_functions.yaml inputs/own.yaml"
        " DISPATCH_KEYS PrivateUse1 AutogradPrivateUse1 ENTRY_KEYS gen_*)",
        "",
    )
    assert small.configure().status == 0
    built = small.build("--target", "definitions")
    assert built.status == 0, built.output
    written = {name: data for name, (data, _) in small.documents().items()}
    options = [
        *("--override", "--entry-key", "gen_*"),
        *("--dispatch-key", "PrivateUse1", "--dispatch-key", "AutogradPrivateUse1"),
        *("--derivatives", "inputs/derivatives.yaml"),
        *("--derivatives", "inputs/own_derivatives.yaml"),
        *("--native-functions", "inputs/native_functions.yaml"),
        *("--native-functions", "inputs/own.yaml"),
    ]
    assert written == emitted(small, *options)
    assert b"mine(grad, luster)" in written["differentiability.json"]
    # Each overlay is an input of the build.
    replace_in(small.inputs / "own_derivatives.yaml", "mine(grad", "mine(2 * grad")
    assert small.build("--target", "definitions").loads == 1


def test_what_a_backend_registers(small: CMakeProject) -> None:
    (small.inputs / "own.yaml").write_text(
        "vision:\n- func: peer(Tensor self) -> Tensor\n", "utf-8"
    )
    backend = small.inputs / "backend.yaml"
    backend.write_text("backend: XLA\ncpp_namespace: mine\nsupported:\n- gild\n", "utf-8")
    small.write(
        "derivload_codegen_inputs(definitions OUTPUT_DIR out SECTIONS vision"
        " DERIVATIVES inputs/derivatives.yaml BACKEND_YAML inputs/backend.yaml"
        " NATIVE_FUNCTIONS inputs/native_functions.yaml inputs/own.yaml)",
        "",
    )
    assert small.configure().status == 0
    built = small.build("--target", "definitions")
    assert built.status == 0, built.output
    assert b'"peer(Tensor self)' in small.documents()["functions.json"][0]
    # It is an input of the build.
    replace_in(backend, "- gild", "- gidl")
    failed = small.build("--target", "definitions")
    assert failed.status != 0
    assert "error[DL707]: there is no operator `gidl`" in failed.output


def emitted(project: CMakeProject, *options: str) -> dict[str, bytes]:
    """What `derivload emit` itself writes with these options."""
    out = project.source / "emitted"
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run(
        [project.launcher, "emit", *options, "--out-dir", out, "--no-cache"],
        cwd=project.source,
        env=project.environment,
        capture_output=True,
        check=True,
    )
    return {path.name: path.read_bytes() for path in out.glob("*.json")}


ARGUMENTS = {
    "CATALOGUE": ["--catalogue"],
    "CATALOGUE PLACES": ["--catalogue", "--places"],
    "CATALOGUE SHARDS 3 TORCH_VERSION 2.14": [
        *("--catalogue", "--shards", "3", "--torch-version", "2.14"),
    ],
    f"{INPUTS} inputs/overlay.yaml TAGS inputs/other_tags.yaml": [
        *("--derivatives", "inputs/derivatives.yaml"),
        *("--native-functions", "inputs/native_functions.yaml"),
        *("--native-functions", "inputs/overlay.yaml", "--tags", "inputs/other_tags.yaml"),
    ],
    "PYTORCH_DIR pytorch": ["--pytorch", "pytorch"],
    f"PYTORCH_DIR pytorch {INPUTS.replace('native_functions', 'overlay')}": [
        *("--pytorch", "pytorch", "--native-functions", "inputs/overlay.yaml"),
        *("--derivatives", "inputs/derivatives.yaml"),
    ],
}


def test_arguments_mean_what_the_options_of_emit_mean(small: CMakeProject) -> None:
    (small.inputs / "overlay.yaml").write_text("- func: extra(Tensor self) -> Tensor\n", "utf-8")
    shutil.copy(small.inputs / "tags.yaml", small.inputs / "other_tags.yaml")
    make_pytorch(small.source / "pytorch")
    names = [f"definitions_{number}" for number in range(len(ARGUMENTS))]
    calls = [
        f"derivload_codegen_inputs({name} {call} OUTPUT_DIR {name})"
        for name, call in zip(names, ARGUMENTS, strict=True)
    ]
    small.write("\n".join(calls), "")
    assert small.configure().status == 0
    done = small.build("--target", *names)
    assert (done.status, done.loads) == (0, len(names)), done.output
    for name, (call, options) in zip(names, ARGUMENTS.items(), strict=True):
        made = {path.name: path.read_bytes() for path in (small.build_dir / name).glob("*.json")}
        assert made == emitted(small, *options), call
    again = small.build("--target", *names)
    assert again.loads == 0, again.output


def make_pytorch(folder: Path) -> None:
    """A PyTorch checkout that holds the catalogue."""
    for name, place in (
        ("derivatives.yaml", "tools/autograd"),
        ("native_functions.yaml", "aten/src/ATen/native"),
        ("tags.yaml", "aten/src/ATen/native"),
    ):
        (folder / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(CATALOGUE / name, folder / place)
    (folder / "version.txt").write_text("2.14.0\n", "utf-8")


def test_files_of_a_pytorch_folder_are_inputs(project: CMakeProject) -> None:
    pytorch = project.source / "pytorch"
    make_pytorch(pytorch)
    project.write(
        "derivload_codegen_inputs(definitions PYTORCH_DIR pytorch OUTPUT_DIR out"
        " OUTPUTS_VARIABLE documents)"
    )
    assert project.configure().status == 0
    assert project.build().loads == 1
    (pytorch / "version.txt").write_text("2.15.0\n", "utf-8")
    again = project.build()
    assert (again.loads, "differentiability.json" in again.generated) == (1, True), again.output
    replace_in(pytorch / "tools/autograd/derivatives.yaml", *FORMULA)
    assert project.build().loads == 1
    assert_nothing_runs(project)


def test_no_cache_keeps_neither_cache_nor_stamp(small: CMakeProject) -> None:
    small.write("derivload_codegen_inputs(definitions CATALOGUE OUTPUT_DIR out NO_CACHE)", "")
    assert small.configure().status == 0
    assert small.build("--target", "definitions").loads == 1
    assert not Path(small.environment["DERIVLOAD_CACHE_DIR"]).exists()
    assert not (small.out / ".derivload-stamp").exists()
    assert small.build("--target", "definitions").loads == 0


def test_cache_folder_is_in_the_build_folder(small: CMakeProject) -> None:
    small.write(
        "derivload_codegen_inputs(definitions CATALOGUE OUTPUT_DIR out CACHE_DIR cache)", ""
    )
    assert small.configure().status == 0
    assert small.build("--target", "definitions").loads == 1
    assert not Path(small.environment["DERIVLOAD_CACHE_DIR"]).exists()
    assert (small.build_dir / "cache").is_dir()


def test_older_policies_of_a_project_do_not_matter(small: CMakeProject) -> None:
    small.write(
        f"derivload_codegen_inputs(definitions {INPUTS} OUTPUT_DIR out OUTPUTS_VARIABLE documents)",
        CONSUMERS.replace("cmake_path(GET document FILENAME name)", OLD_FILENAME),
    )
    replace_in(small.source / "CMakeLists.txt", "VERSION 3.20", "VERSION 3.10")
    configured = small.configure()
    assert configured.status == 0
    assert "CMake Warning" not in configured.output, configured.output
    assert small.build().loads == 1
    assert_nothing_runs(small)
    replace_in(small.derivatives, *FORMULA)
    assert small.build().loads == 1
    assert_nothing_runs(small)


OLD_FILENAME = 'get_filename_component(name "${document}" NAME)'


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("OUTPUT_DIR out", "the target's name is missing: write it before OUTPUT_DIR."),
        ("n", "OUTPUT_DIR is missing: write OUTPUT_DIR and a folder for the documents"),
        ("n OUTPUT_DIR", "OUTPUT_DIR has no value: write one after it, or leave it out."),
        ('n OUTPUT_DIR ""', "OUTPUT_DIR has no value"),
        ('n OUTPUT_DIR out DERIVATIVES ""', "DERIVATIVES has no value"),
        ("n OUTPUT_DIR out SHARD 4", '"SHARD" is none of its arguments: write one of DERIVATIVES'),
        ("n OUTPUT_DIR out TAGS a b", '"b" is none of its arguments'),
        ("n OUTPUT_DIR out SHARDS 1 SHARDS 2", "SHARDS stands there 2 times: write it once."),
        *(
            (f"n OUTPUT_DIR out SHARDS {bad}", f'SHARDS is "{bad}": write a number from 1 to 10000')
            for bad in ("0", "-1", "four", "10001", "1.5", "99999999999999999999")
        ),
        ("n OUTPUT_DIR out TORCH_VERSION v2", 'TORCH_VERSION is "v2": write it as X.Y, such as'),
        ("n OUTPUT_DIR out", "nothing names the inputs, and there is no PyTorch tree around"),
        ("n OUTPUT_DIR out CATALOGUE TAGS inputs/tags.yaml", "leave out TAGS, or CATALOGUE"),
        ("n OUTPUT_DIR out SETTINGS none.toml", "the settings have mistakes. derivload said:"),
        ("n OUTPUT_DIR out NO_CACHE CACHE_DIR c", "CACHE_DIR and NO_CACHE exclude each other"),
        (
            "n OUTPUT_DIR out DERIVATIVES no.yaml NATIVE_FUNCTIONS no.yaml",
            "no.yaml, and there is no such file: write an absolute path, or one relative to",
        ),
        ("n OUTPUT_DIR out TAGS inputs", "TAGS names"),
        (
            "n CATALOGUE OUTPUT_DIR out BACKEND_YAML no.yaml",
            "no.yaml, and there is no such file: write an absolute path, or one relative to",
        ),
        (
            "n OUTPUT_DIR out DERIVATIVES inputs/derivatives.yaml",
            "DERIVATIVES needs the functions that they are of: write NATIVE_FUNCTIONS too",
        ),
        (
            "n OUTPUT_DIR out NATIVE_FUNCTIONS inputs/native_functions.yaml",
            "NATIVE_FUNCTIONS needs derivatives: write DERIVATIVES too",
        ),
        ("n OUTPUT_DIR out TAGS inputs/tags.yaml", "TAGS means nothing alone: write DERIVATIVES"),
        (
            f"n OUTPUT_DIR out {INPUTS.replace('inputs/native', 'alone/native')}",
            "alone/tags.yaml: write TAGS and a file.",
        ),
        ("n OUTPUT_DIR out PYTORCH_DIR inputs", "which is no PyTorch: write a checkout"),
        ("n OUTPUT_DIR out PYTORCH_DIR nowhere", "which is no PyTorch: write a checkout"),
        ("taken OUTPUT_DIR out", "there is a target of that name already: give this one another."),
        (
            "n CATALOGUE OUTPUT_DIR ./x/../first/",
            "first is that of taken: write a folder of its own.",
        ),
    ],
)
def test_bad_argument_stops_the_configure_step(
    small: CMakeProject, call: str, sentence: str
) -> None:
    (small.source / "alone").mkdir()
    shutil.copy(small.inputs / "native_functions.yaml", small.source / "alone")
    taken = "derivload_codegen_inputs(taken CATALOGUE OUTPUT_DIR first)"
    small.write(f"{taken}\nderivload_codegen_inputs({call})", "")
    done = small.configure()
    assert done.status != 0
    assert sentence in words(done.output)


# Characters in paths that the build tools cannot take


# Each build tool, what it cannot take, and with what Ninja runs derivload at every build.
FAILS = {"Ninja": "[]|", "Unix Makefiles": '[]|"#:\t'}
RERUNS = {"Ninja": "\"#$&'*<>?^`\t", "Unix Makefiles": ""}
SPECIAL = [(name, each) for name in FAILS for each in FAILS[name] + RERUNS[name]]
# What it takes, all in one path.
OTHERS = [
    (name, "".join(c for c in "!\"#$%&'()*+,:<=>?@[]^`{|}~\t" if (name, c) not in SPECIAL))
    for name in FAILS
]

# A plain run looks at what a build tool takes, at one with which it runs derivload at every build,
# and at one that it cannot take.
PLAIN = [*OTHERS, ("Ninja", "$"), ("Unix Makefiles", ":")]


@pytest.mark.parametrize(
    ("generator", "characters"),
    [
        pytest.param(*pair, marks=[] if pair in PLAIN else pytest.mark.thorough)
        for pair in [*OTHERS, *SPECIAL]
    ],
)
def test_characters_that_a_build_tool_cannot_take_are_warned_of(
    project: CMakeProject, characters: str
) -> None:
    """A build with characters in the path of its inputs goes as the configure step said."""
    project.source.rename(project.source.with_name(f"source{characters}of"))
    project.source = project.source.with_name(f"source{characters}of")
    configured = project.configure()
    assert configured.status == 0, configured.output
    said = words(configured.output)
    first, again = project.build(), project.build()
    if characters in FAILS[project.generator]:
        assert f'{project.generator} cannot take "{characters.strip()}' in said
        assert "the build fails" in said
        assert first.status != 0
        return
    assert (first.status, again.status) == (0, 0), first.output + again.output
    runs = again.loads == 1
    assert runs == ("derivload runs at every build" in said) == ("cannot take" in said)
    assert runs == (characters in RERUNS[project.generator])
    (project.inputs / "tags.yaml").touch()
    assert project.build().loads == 1
