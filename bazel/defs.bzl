"""The documents of derivload as a build step.

    load("@derivload//:defs.bzl", "derivload_codegen_inputs")

    derivload_codegen_inputs(
        name = "codegen_inputs",
        derivatives = "derivatives.yaml",
        native_functions = ["native_functions.yaml"],
        tags = "tags.yaml",
        shards = 16,
    )

makes `codegen_inputs/differentiability_0.json` to `codegen_inputs/differentiability_15.json`,
`codegen_inputs/functions.json` and `codegen_inputs/manifest.json`, each a target of its own.

    load("@derivload//:defs.bzl", "derivload_codegen")

    derivload_codegen(
        name = "autograd",
        pytorch = ["@pytorch//:sources"],
    )

runs PyTorch's own generators, and makes the folder `autograd` of the files that they write.
"""

load("//private:codegen.bzl", _derivload_codegen = "derivload_codegen")
load("//private:codegen_inputs.bzl", _derivload_codegen_inputs = "derivload_codegen_inputs")
load("//private:providers.bzl", _DerivloadInfo = "DerivloadInfo")
load("//private:toolchain.bzl", _derivload_toolchain = "derivload_toolchain")

derivload_codegen = _derivload_codegen
derivload_codegen_inputs = _derivload_codegen_inputs
derivload_toolchain = _derivload_toolchain

DerivloadInfo = _DerivloadInfo
