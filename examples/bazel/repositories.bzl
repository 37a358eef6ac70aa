"""Where the example's definitions and its generator come from."""

_NAMES = ["derivatives.yaml", "native_functions.yaml", "tags.yaml"]

# Where a PyTorch checkout has them, and where `derivload fetch` and an installed torchgen do.
_LAYOUTS = [
    [
        "tools/autograd/derivatives.yaml",
        "aten/src/ATen/native/native_functions.yaml",
        "aten/src/ATen/native/tags.yaml",
    ],
    [
        "torchgen/packaged/autograd/derivatives.yaml",
        "torchgen/packaged/ATen/native/native_functions.yaml",
        "torchgen/packaged/ATen/native/tags.yaml",
    ],
]

_DEFINITIONS = """\
package(default_visibility = ["//visibility:public"])

exports_files(glob(["*.yaml"]))

filegroup(
    name = "pytorch",
    srcs = glob(
        [
            "torchgen/**/*.py",
            "torchgen/**/*.yaml",
            "torchgen/packaged/autograd/templates/*",
            "version.txt",
        ],
        allow_empty = True,
    ),
)
"""

def _definitions_impl(repository_ctx):
    environ = repository_ctx.os.environ
    pytorch = environ.get("PYTORCH_DIR", "")
    version = ""
    if pytorch:
        files = _of_pytorch(repository_ctx, pytorch)
        _link(repository_ctx, pytorch, ["torchgen", "version.txt"])
        if repository_ctx.path(pytorch + "/version.txt").exists:
            words = repository_ctx.read(pytorch + "/version.txt").strip().split(".")
            version = ".".join(words[:2])
    else:
        files = [Label("@derivload_local//:site/derivload/catalog/" + name) for name in _NAMES]
    for name, file in zip(_NAMES, files):
        repository_ctx.symlink(file, name)
    repository_ctx.file("settings.bzl", "SHARDS = %d\nTORCH_VERSION = \"%s\"\n" % (
        int(environ.get("SHARDS", "4")),
        version,
    ))
    repository_ctx.file("BUILD.bazel", _DEFINITIONS)

def _link(repository_ctx, folder, names):
    for name in names:
        if repository_ctx.path(folder + "/" + name).exists:
            repository_ctx.symlink(folder + "/" + name, name)

def _of_pytorch(repository_ctx, folder):
    for layout in _LAYOUTS:
        files = [repository_ctx.path(folder + "/" + name) for name in layout]
        if all([file.exists for file in files]):
            return files
    fail("PYTORCH_DIR is %s: name a checkout, or a folder that `derivload fetch` made" % folder)

definitions = repository_rule(
    implementation = _definitions_impl,
    configure = True,
    environ = ["PYTORCH_DIR", "SHARDS"],
    local = True,
)

_BUILD = """\
load("@derivload_example//:generate.bzl", "generate")
load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])

exports_files([
    "generate.py",
    "main.cpp",
    "python3",
])

cc_library(
    name = "node",
    hdrs = [
        "node.h",
        "saved.h",
    ],
    includes = ["."],
)

filegroup(
    name = "site",
    srcs = glob(
        ["site/**"],
        exclude = ["**/__pycache__/**"],
    ),
)

generate(
    name = "generate",
    python = "python3",
    script = "generate.py",
    srcs = [
        "nodes.cpp.jinja",
        ":site",
    ],
)
"""

_FIND = """\
import os, sys, jinja2, markupsafe, yaml
print(os.path.realpath(sys._base_executable))
for package in jinja2, markupsafe, yaml:
    print(os.path.dirname(os.path.realpath(package.__file__)))
"""

def _generator_impl(repository_ctx):
    python = repository_ctx.os.environ.get("DERIVLOAD_PYTHON") or repository_ctx.which("python3")
    found = repository_ctx.execute([python, "-I", "-c", _FIND])
    if found.return_code:
        fail("%s cannot import Jinja2 and PyYAML; name a Python that can with " % python +
             "--repo_env=DERIVLOAD_PYTHON=...\n" + found.stderr)
    lines = found.stdout.splitlines()
    repository_ctx.symlink(lines[0], "python3")
    for package in lines[1:]:
        repository_ctx.symlink(package, "site/" + package.rpartition("/")[2])

    # Where it is, for a workspace that has this one as a repository finds a link to it.
    workspace = repository_ctx.path(Label("//:WORKSPACE")).realpath.dirname
    for name in ["generate.py", "nodes.cpp.jinja", "node.h", "saved.h", "main.cpp"]:
        repository_ctx.symlink("%s/%s/%s" % (workspace, repository_ctx.attr.path, name), name)
    repository_ctx.file("BUILD.bazel", _BUILD)

generator = repository_rule(
    implementation = _generator_impl,
    attrs = {"path": attr.string(doc = "the folder of the generator, from that of the WORKSPACE")},
    configure = True,
    environ = ["DERIVLOAD_PYTHON", "PATH"],
    local = True,
)
