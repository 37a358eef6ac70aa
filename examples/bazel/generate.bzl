"""What a genrule needs to run the generator: its files, and the command in $(GENERATE)."""

def _generate_impl(ctx):
    files = depset([ctx.file.python, ctx.file.script] + ctx.files.srcs)

    # Beside the Python are the packages that it imports, and what generators share.
    root = ctx.file.python.dirname
    path = "%s/site:%s" % (root, root)
    command = "PYTHONPATH=%s %s -s -S -B %s" % (path, ctx.file.python.path, ctx.file.script.path)
    return [
        DefaultInfo(files = files),
        platform_common.TemplateVariableInfo({"GENERATE": command}),
    ]

generate = rule(
    implementation = _generate_impl,
    attrs = {
        "python": attr.label(allow_single_file = True),
        "script": attr.label(allow_single_file = True),
        "srcs": attr.label_list(allow_files = True),
    },
)
