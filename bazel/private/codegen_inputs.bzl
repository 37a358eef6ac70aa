"""The rule derivload_codegen_inputs, and the macro that names its outputs."""

load(":additions.bzl", "ADDITIONS", "add_inputs", "check_additions", "input_files")
load(":providers.bzl", "DerivloadInfo")
load(":pytorch.bzl", "LAYOUTS", "check_pytorch_files", "pytorch_files")
load(":settings.bzl", "SETTINGS_ATTRS", "add_settings", "check_data", "settings_files")
load(":toolchain.bzl", "TOOLCHAIN_TYPE")

_MAX_SHARDS = 10000

def _codegen_inputs_impl(ctx):
    derivload = ctx.toolchains[TOOLCHAIN_TYPE].derivload
    outputs = ctx.outputs.outs
    manifest = outputs[-1]
    places = outputs[-2] if ctx.attr.places else None
    documents = outputs[:-2] if places else outputs[:-1]
    shards, functions = documents[:-1], documents[-1]
    pytorch = pytorch_files(ctx.attr.pytorch)

    # In a file, one argument a line: what a worker gets with each request, where the command
    # line only starts it. With = between them, no path can be taken for an option or a file.
    options = ctx.actions.args()
    options.set_param_file_format("multiline")
    options.use_param_file("@%s", use_always = True)
    options.add("--no-cache")
    options.add("--quiet")
    add_settings(options, ctx)
    if ctx.attr.pytorch:
        paths = {file.path: None for file in pytorch.to_list()}
        root = _find_root(paths, ctx.attr.torch_version)
        options.add(root.rstrip("/") or ".", format = "--pytorch=%s")
    add_inputs(options, ctx)
    if ctx.attr.shards:
        options.add(ctx.attr.shards, format = "--shards=%s")
    elif ctx.file.settings:
        # Bazel has to know the outputs before anything reads the settings.
        options.add("--shards=none")
    if places:
        options.add("--places")
    options.add(manifest.dirname, format = "--out-dir=%s")

    ctx.actions.run(
        mnemonic = "DerivloadCodegen",
        progress_message = "Loading derivatives for %s" % ctx.label,
        executable = derivload,
        arguments = ["emit", options],
        inputs = depset(
            input_files(ctx) +
            settings_files(ctx),
            transitive = [pytorch],
        ),
        outputs = outputs,
        execution_requirements = {
            "requires-worker-protocol": "json",
            "supports-workers": "1",
        },
    )
    return [
        DefaultInfo(files = depset(outputs)),
        DerivloadInfo(
            functions = functions,
            manifest = manifest,
            places = places,
            shards = shards,
            torch_version = ctx.attr.torch_version,
        ),
    ]

def _find_root(paths, torch_version):
    """The folder that PyTorch's files stand in, with a / at its end, or ""; fails without them."""
    for autograd, native in LAYOUTS:
        natives = native + "/native_functions.yaml"
        for path in paths:
            if path == natives or path.endswith("/" + natives):
                root = path[:-len(natives)]
                names = [autograd + "/derivatives.yaml", native + "/tags.yaml"]
                check_pytorch_files(paths, root, names, torch_version)
                return root
    fail("pytorch has no native_functions.yaml in its place: write labels of the YAML files of a " +
         "checkout, or of an unpacked torchgen")

_codegen_inputs = rule(
    implementation = _codegen_inputs_impl,
    doc = "Runs derivload. The macro derivload_codegen_inputs names the outputs.",
    attrs = dict(dict(ADDITIONS, **SETTINGS_ATTRS), **{
        "derivatives": attr.label(
            doc = "derivatives.yaml; with pytorch, in the place of PyTorch's own",
            allow_single_file = True,
        ),
        "native_functions": attr.label_list(
            doc = "native_functions.yaml, and then its overlays, in order; with pytorch, overlays",
            allow_files = True,
        ),
        "outs": attr.output_list(
            doc = "the shards in order, functions.json, places.json if it is wanted, " +
                  "manifest.json; all in one folder",
            mandatory = True,
        ),
        "places": attr.bool(
            doc = "whether places.json is written too",
        ),
        "pytorch": attr.label_list(
            doc = "a PyTorch with its YAML files and version.txt",
            allow_files = True,
        ),
        "shards": attr.int(
            doc = "over how many files differentiability.json is split; 0 for not at all",
        ),
        "tags_yaml": attr.label(
            doc = "tags.yaml; with pytorch, in the place of PyTorch's own",
            allow_single_file = True,
        ),
        "torch_version": attr.string(
            doc = "the release to follow, such as `2.15`; empty for the newest",
        ),
    }),
    provides = [DerivloadInfo],
    toolchains = [TOOLCHAIN_TYPE],
)

def derivload_codegen_inputs(
        name,
        derivatives = None,
        native_functions = None,
        tags = None,
        pytorch = None,
        shards = None,
        places = False,
        torch_version = "",
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
    """Loads derivatives.yaml and writes the documents that code generators need.

    The documents go into a folder of the package that has the name of the target. Each is a
    target of its own, so that a rule may depend on one alone: `":NAME/functions.json"`,
    `":NAME/manifest.json"` and, with N shards, `":NAME/differentiability_0.json"` to
    `":NAME/differentiability_{N-1}.json"`, without shards `":NAME/differentiability.json"`.
    All are made by one action; what depends on a shard runs again only if its bytes changed.
    The target itself stands for all of them, and provides DerivloadInfo.

    Args:
      name: the name of the target, and of the folder.
      derivatives: label of derivatives.yaml. It, `native_functions` and `tags` are mandatory
        without `pytorch` and `settings`.
      native_functions: list of labels: native_functions.yaml, and then any overlays, whose
        entries are appended in the order given. An overlay is a list of entries, or a mapping
        with a `custom:` list. A label with several files is not in any certain order.
      tags: label of tags.yaml.
      pytorch: list of labels, instead of the three, whose files and data are the YAML files and
        `version.txt` of a PyTorch checkout, or of an installed or unpacked torchgen; more files do
        not matter. `native_functions` are then overlays over its own, and `derivatives` and `tags`
        take the place of its own.
      shards: over how many files differentiability.json is split, from 1 to 10000. A number,
        not a select(), for it says which outputs there are. None, the default: one file that
        is not numbered.
      places: True writes `":NAME/places.json"` too: the file and line of each function, and the
        dispatch keys that it has kernels for. Not a select(), for the same reason.
      torch_version: the release whose C++ spellings and types to follow, such as `"2.15"`. When
        left out, what version.txt of `pytorch` says, or else the newest that derivload knows.
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
        attributes do not say is taken from it. It names files by paths that are relative to it,
        `shards` counts in the attribute alone, and `places` belongs there. Without it, no settings
        are read.
      data: list of labels of all files that the settings name.
      bazel_tags: what other rules call `tags`: a list of strings, such as `["manual"]`.
      **kwargs: the other attributes that all rules have, such as `visibility`.
    """
    if shards == None:
        numbered = ["differentiability.json"]
    elif type(shards) != "int" or shards < 1 or shards > _MAX_SHARDS:
        fail("shards is %r: write a number from 1 to %d, or leave it out" % (shards, _MAX_SHARDS))
    else:
        numbered = ["differentiability_%d.json" % i for i in range(shards)]
    if type(places) != "bool":
        fail("places is %r: write True, or leave it out" % places)
    others = ["functions.json"] + (["places.json"] if places else []) + ["manifest.json"]
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
    if not pytorch and not settings:
        for keyword, value in [
            ("derivatives", derivatives),
            ("native_functions", native_functions),
            ("tags", tags),
        ]:
            if not value:
                fail("%s is missing: write it, or pytorch, the labels of a PyTorch" % keyword)
    check_data(settings, data)
    _codegen_inputs(
        name = name,
        backend_yaml = backend_yaml,
        data = data,
        derivatives = derivatives,
        derivatives_overlays = derivatives_overlays,
        dispatch_keys = dispatch_keys,
        entry_keys = entry_keys,
        native_functions = native_functions,
        outs = ["%s/%s" % (name, out) for out in numbered + others],
        override = override,
        places = places,
        pytorch = pytorch,
        sections = sections,
        settings = settings,
        shards = shards or 0,
        tags = bazel_tags,
        tags_yaml = tags,
        torch_version = torch_version,
        **kwargs
    )
