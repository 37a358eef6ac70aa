"""The repository rule derivload_local_toolchain: the derivload that is installed here."""

_VARIABLE = "DERIVLOAD_PYTHON"

_BUILD = """\
# Made by derivload_local_toolchain, of {interpreter}
load("@derivload//:defs.bzl", "derivload_toolchain")
load("@derivload//private:local_binary.bzl", "derivload_local_binary")

package(default_visibility = ["//visibility:public"])

exports_files(glob(["site/derivload/catalog/*.yaml"]))

derivload_local_binary(
    name = "derivload",
    srcs = glob(
        ["site/**"],
        exclude = [
            "**/__pycache__/**",
            # The build rules in a wheel, this file's among them.
            "site/derivload/bazel/**",
            "site/derivload/cmake/**",
        ],
    ),
    interpreter = "python3",
    main = "run_derivload.py",
)

derivload_toolchain(
    name = "derivload_toolchain",
    tool = ":derivload",
)

toolchain(
    name = "toolchain",
    toolchain = ":derivload_toolchain",
    toolchain_type = "@derivload//:toolchain_type",
)
"""

def _local_toolchain_impl(repository_ctx):
    script = repository_ctx.path(Label("//private:find_derivload.py"))
    interpreter, found = _find(repository_ctx, script)
    repository_ctx.symlink(found["interpreter"], "python3")
    for name, path in found["packages"].items():
        repository_ctx.symlink(path, "site/" + name)
    repository_ctx.symlink(Label("//private:run_derivload.py"), "run_derivload.py")
    repository_ctx.file("BUILD.bazel", _BUILD.format(interpreter = interpreter), False)

def _find(repository_ctx, script):
    """The interpreter to use, and what find_derivload.py says of it."""
    named = repository_ctx.attr.interpreter or repository_ctx.os.environ.get(_VARIABLE, "")
    if named:
        found, problem = _ask(repository_ctx, script, named)
        if not found:
            fail("%s cannot run derivload: %s" % (named, problem))
        return named, found
    problems = []
    for folder in repository_ctx.os.environ.get("PATH", "").split(":"):
        candidate = repository_ctx.path(folder + "/python3") if folder.startswith("/") else None
        if candidate == None or not candidate.exists:
            continue
        found, problem = _ask(repository_ctx, script, candidate)
        if found:
            return candidate, found
        problems.append("%s: %s" % (candidate, problem))
    fail("no python3 on PATH can import derivload. Install it there, or name an interpreter " +
         "that has it: interpreter = \"/...\" or --repo_env=%s=/...\n%s" %
         (_VARIABLE, "\n".join(problems)))

def _ask(repository_ctx, script, interpreter):
    done = repository_ctx.execute([interpreter, "-I", script])
    if done.return_code == 0:
        return json.decode(done.stdout), ""
    return None, done.stderr.strip() or "it ends with status %d" % done.return_code

derivload_local_toolchain = repository_rule(
    implementation = _local_toolchain_impl,
    doc = """Makes a repository of the derivload that is installed on this machine.

Its target `:toolchain` is to be registered; `:derivload` is the program, for a genrule's `tools`
or `bazel run`; `:site/derivload/catalog/derivatives.yaml`, `native_functions.yaml` and `tags.yaml` beside it are
the catalogue that ships with derivload.

The packages are linked, not copied, and are inputs of the actions: an upgrade, or an edit to
an editable install, makes them run again. The interpreter is that of the virtual environment's
base: neither its path nor theirs is in an action's key. For Linux and macOS.""",
    attrs = {
        "interpreter": attr.string(
            doc = "the absolute path of a Python, 3.10 or newer, that can import derivload. " +
                  "When left out: the one that the variable DERIVLOAD_PYTHON names " +
                  "(`--repo_env=DERIVLOAD_PYTHON=...`), or else the first `python3` on PATH " +
                  "that can.",
        ),
    },
    configure = True,
    environ = ["PATH", _VARIABLE],
    local = True,
)
