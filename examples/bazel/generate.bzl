"""What a genrule needs to run the generator: its files, and the command in $(GENERATE)."""

def _generate_impl(ctx):
    files = depset([ctx.file.python, ctx.file.script] + ctx.files.srcs)
    packages = "%s/site" % ctx.file.script.dirname
    command = "PYTHONPATH=%s %s -s -S -B %s" % (packages, ctx.file.python.path, ctx.file.script.path)
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
