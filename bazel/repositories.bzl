"""What a WORKSPACE needs: the derivload that is installed on this machine, as a toolchain.

    load("@derivload//:repositories.bzl", "derivload_local_toolchain")

    derivload_local_toolchain(name = "derivload_local")

    register_toolchains("@derivload_local//:toolchain")
"""

load("//private:local_toolchain.bzl", _derivload_local_toolchain = "derivload_local_toolchain")

derivload_local_toolchain = _derivload_local_toolchain
