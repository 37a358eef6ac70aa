"""What a MODULE.bazel needs: the derivload that is installed on this machine, as a toolchain.

    derivload = use_extension("@derivload//:extensions.bzl", "derivload")
    use_repo(derivload, "derivload_local")

    register_toolchains("@derivload_local//:toolchain")
"""

load("//private:local_toolchain.bzl", "derivload_local_toolchain")

def _derivload_impl(_):
    derivload_local_toolchain(name = "derivload_local")

derivload = module_extension(
    implementation = _derivload_impl,
    doc = "Makes the repository `derivload_local`: see derivload_local_toolchain.",
)
