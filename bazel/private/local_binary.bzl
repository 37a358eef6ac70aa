"""The rule derivload_local_binary: a Python script, and the interpreter and packages it runs on."""

# -I and -S: without the variables PYTHON..., the user's packages, and those that are installed.
# UTF-8 whatever the locale.
_LAUNCHER = """\
#!/bin/sh
files=$0.runfiles
exec "$files/{interpreter}" -I -S -X utf8 "$files/{main}" "$@"
"""

def _local_binary_impl(ctx):
    launcher = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        launcher,
        _LAUNCHER.format(
            interpreter = _path(ctx, ctx.file.interpreter),
            main = _path(ctx, ctx.file.main),
        ),
        is_executable = True,
    )
    files = [ctx.file.interpreter, ctx.file.main] + ctx.files.srcs
    return [DefaultInfo(executable = launcher, runfiles = ctx.runfiles(files))]

def _path(ctx, file):
    """Where a file stands among the runfiles."""
    path = file.short_path
    return path[len("../"):] if path.startswith("../") else ctx.workspace_name + "/" + path

derivload_local_binary = rule(
    implementation = _local_binary_impl,
    doc = "The program in the repository that derivload_local_toolchain makes.",
    attrs = {
        "interpreter": attr.label(
            doc = "a Python",
            allow_single_file = True,
            mandatory = True,
        ),
        "main": attr.label(
            doc = "the script that it runs",
            allow_single_file = True,
            mandatory = True,
        ),
        "srcs": attr.label_list(
            doc = "what the script imports; it finds that by itself",
            allow_files = True,
        ),
    },
    executable = True,
)
