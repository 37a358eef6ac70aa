"""The rule derivload_codegen, and the macro that names its outputs."""

load(":additions.bzl", "ADDITIONS", "add_inputs", "check_additions", "input_files")
load(":pytorch.bzl", "LAYOUTS", "check_pytorch_files", "pytorch_files")
load(":settings.bzl", "SETTINGS_ATTRS", "add_settings", "check_data", "settings_files")
load(":toolchain.bzl", "TOOLCHAIN_TYPE")

_SUBSETS = ["libtorch", "pybindings", "python", "all"]

_TORCHGEN = "torchgen/gen.py"

def _codegen_impl(ctx):
    derivload = ctx.toolchains[TOOLCHAIN_TYPE].derivload
    pytorch = pytorch_files(ctx.attr.pytorch)
    root = _find_root({file.path: None for file in pytorch.to_list()}, ctx.attr.torch_version)
    if ctx.outputs.outs:
        outputs = ctx.outputs.outs
        out_dir = outputs[0].path[:-len(ctx.attr.outs[0].name)] + ctx.label.name
    else:
        outputs = [ctx.actions.declare_directory(ctx.label.name)]
        out_dir = outputs[0].path

    # With = between them, no path can be taken for an option.
    options = ctx.actions.args()
    options.add("--no-cache")
    options.add("--quiet")
    options.add("--jobs=1")  # Bazel runs as many actions as there are cores
    add_settings(options, ctx)
    options.add(root.rstrip("/") or ".", format = "--pytorch=%s")
    add_inputs(options, ctx)
    options.add(ctx.attr.subset, format = "--subset=%s")
    if ctx.attr.disable_autograd:
        options.add("--disable-autograd")
    options.add_all(ctx.files.selected_op_list, format_each = "--selected-op-list-path=%s")
    options.add_all(ctx.files.operators_yaml, format_each = "--operators-yaml-path=%s")
    options.add(out_dir, format = "--out-dir=%s")

    # No worker: PyTorch's own Python would run in a process that stays and serves others.
    ctx.actions.run(
        mnemonic = "DerivloadGenerate",
        progress_message = "Running PyTorch's generators for %s" % ctx.label,
        executable = derivload,
        arguments = ["codegen", options],
        inputs = depset(
            input_files(ctx) +
            ctx.files.selected_op_list + ctx.files.operators_yaml +
            settings_files(ctx),
            transitive = [pytorch],
        ),
        outputs = outputs,
    )
    return [DefaultInfo(files = depset(outputs))]

def _find_root(paths, torch_version):
    """The folder that PyTorch's files stand in, with a / at its end, or ""; fails without them."""
    for path in paths:
        root = path[:-len(_TORCHGEN)]
        if path == _TORCHGEN or path.endswith("/" + _TORCHGEN):
            for autograd, native in LAYOUTS:
                if root + autograd + "/gen_autograd.py" in paths:
                    check_pytorch_files(paths, root, [
                        autograd + "/derivatives.yaml",
                        autograd + "/deprecated.yaml",
                        native + "/native_functions.yaml",
                        native + "/tags.yaml",
                    ], torch_version)
                    return root
    fail("pytorch has no %s, or no gen_autograd.py beside it: write labels of the " % _TORCHGEN +
         "torchgen, tools/autograd and YAML files of a checkout, or of an unpacked torchgen")

_codegen = rule(
    implementation = _codegen_impl,
    doc = "Runs PyTorch's own generators. The macro derivload_codegen names the outputs.",
    attrs = dict(dict(ADDITIONS, **SETTINGS_ATTRS), **{
        "derivatives": attr.label(
            doc = "derivatives.yaml in the place of PyTorch's own",
            allow_single_file = True,
        ),
        "disable_autograd": attr.bool(
            doc = "leave out code that only autograd needs",
        ),
        "native_functions": attr.label_list(
            doc = "overlays over PyTorch's own native_functions.yaml, in order",
            allow_files = True,
        ),
        "operators_yaml": attr.label(
            doc = "a model's YAML file of operators",
            allow_single_file = True,
        ),
        "outs": attr.output_list(
            doc = "those of the files that are outputs; all in one folder, which is the output " +
                  "when left out",
        ),
        "pytorch": attr.label_list(
            doc = "torchgen, the generators with their templates, the YAML files, version.txt",
            allow_empty = False,
            allow_files = True,
            mandatory = True,
        ),
        "selected_op_list": attr.label(
            doc = "a YAML list of operators",
            allow_single_file = True,
        ),
        "subset": attr.string(
            doc = "which of the files are written",
            default = "all",
            values = _SUBSETS,
        ),
        "tags_yaml": attr.label(
            doc = "tags.yaml in the place of PyTorch's own",
            allow_single_file = True,
        ),
        "torch_version": attr.string(
            doc = "the release to follow, such as `2.15`; empty for what version.txt says",
        ),
    }),
    toolchains = [TOOLCHAIN_TYPE],
)

def derivload_codegen(
        name,
        pytorch,
        outs = None,
        subset = "all",
        derivatives = None,
        native_functions = None,
        tags = None,
        torch_version = "",
        disable_autograd = False,
        selected_op_list = None,
        operators_yaml = None,
        derivatives_overlays = None,
        override = False,
        dispatch_keys = None,
        entry_keys = None,
        sections = None,
        backend_yaml = None,
        settings = None,
        data = None,
        bazel_tags = None,
        **kwargs):
    """Runs PyTorch's own autograd generators, and writes the C++ and Python files that they make.

    The output is one folder, that has the name of the target. What depends on it runs again when
    any of its files changed. With `outs`, those files are the outputs instead, each a target of
    its own, `":NAME/Functions.cpp"`, so that a rule may depend on one alone.

    Args:
      name: the name of the target, and of the folder.
      pytorch: list of labels, whose files and data are, of a PyTorch checkout, `torchgen/**/*.py`,
        `tools/autograd` with its templates, `native_functions.yaml`, `tags.yaml` and
        `version.txt`; or those of an installed or unpacked torchgen.
      outs: list of names of files that the generators write, such as `"Functions.cpp"`. The whole
        folder when left out.
      subset: `"libtorch"`, `"pybindings"`, `"python"`, or `"all"` three.
      derivatives: label of a derivatives.yaml in the place of PyTorch's own.
      native_functions: list of labels of overlays over PyTorch's own native_functions.yaml, whose
        entries are appended in the order given.
      tags: label of a tags.yaml in the place of PyTorch's own.
      torch_version: the release to follow, such as `"2.15"`. What version.txt says when left out.
      disable_autograd: True leaves out what is for autograd alone.
      selected_op_list: label of a YAML list of operators, to generate for these alone.
      operators_yaml: label of a model's YAML file of operators, instead.
      derivatives_overlays: list of labels of overlays of `derivatives`, whose entries are appended
        in the order given.
      override: True has an entry of an overlay take the place of the earlier entry of the same
        name.
      dispatch_keys: list of keys that the backend adds to those that torchgen lists for kernels,
        such as `"PrivateUse1"`.
      entry_keys: list of keys of entries that only the backend's own tools read, or of patterns
        such as `"gen_*"`. They are passed over.
      sections: list of sections of overlays that declare operators, besides `"custom"` and
        `"custom_autograd"`.
      backend_yaml: list of labels of files that say what backends register, in the format of
        torchgen.gen_backend_stubs. They are checked.
      settings: label of a `derivload.toml`, or of a `pyproject.toml` with its table. What the
        attributes do not say is taken from it, but `subset`. Without it, no settings are read.
      data: list of labels of all files that the settings name.
      bazel_tags: what other rules call `tags`: a list of strings, such as `["manual"]`.
      **kwargs: the other attributes that all rules have, such as `visibility`.
    """
    for keyword, value in [("pytorch", pytorch), ("native_functions", native_functions)]:
        if type(value) == "string":
            fail("%s is a string: write a list of labels, [%r]" % (keyword, value))
    check_additions(
        derivatives,
        derivatives_overlays,
        dispatch_keys,
        entry_keys,
        sections,
        backend_yaml,
    )
    if type(outs) == "string":
        fail("outs is a string: write a list of names, [%r]" % outs)
    if selected_op_list and operators_yaml:
        fail("selected_op_list and operators_yaml exclude each other: write one of them")
    check_data(settings, data)
    _codegen(
        name = name,
        backend_yaml = backend_yaml,
        data = data,
        derivatives = derivatives,
        derivatives_overlays = derivatives_overlays,
        disable_autograd = disable_autograd,
        dispatch_keys = dispatch_keys,
        entry_keys = entry_keys,
        native_functions = native_functions,
        operators_yaml = operators_yaml,
        outs = ["%s/%s" % (name, out) for out in outs] if outs else None,
        override = override,
        pytorch = pytorch,
        sections = sections,
        selected_op_list = selected_op_list,
        settings = settings,
        subset = subset,
        tags = bazel_tags,
        tags_yaml = tags,
        torch_version = torch_version,
        **kwargs
    )
