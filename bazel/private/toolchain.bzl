"""The rule derivload_toolchain: which derivload the actions run."""

TOOLCHAIN_TYPE = "@derivload//:toolchain_type"

def _toolchain_impl(ctx):
    return [platform_common.ToolchainInfo(derivload = ctx.attr.tool[DefaultInfo].files_to_run)]

derivload_toolchain = rule(
    implementation = _toolchain_impl,
    doc = """Which derivload runs, for a `toolchain` of the type `@derivload//:toolchain_type`.

Its files are inputs of every action, and those of its worker: an edit to one of them makes the
actions run again, in a worker that is started anew.""",
    attrs = {
        "tool": attr.label(
            doc = "a program that takes derivload's arguments. As for any program that Bazel " +
                  "runs, all of its files are its runfiles.",
            cfg = "exec",
            executable = True,
            mandatory = True,
        ),
    },
)
