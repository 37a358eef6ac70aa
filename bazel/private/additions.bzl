"""What both rules load: what a backend adds to PyTorch's own files, and the options for all inputs."""

ADDITIONS = {
    "backend_yaml": attr.label_list(
        doc = "what backends register, in the format of torchgen.gen_backend_stubs",
        allow_files = True,
    ),
    "derivatives_overlays": attr.label_list(
        doc = "overlays of derivatives, in order",
        allow_files = True,
    ),
    "dispatch_keys": attr.string_list(
        doc = "keys that the backend adds to those that torchgen lists for kernels",
    ),
    "entry_keys": attr.string_list(
        doc = "keys of entries, or patterns of keys, that only the backend's own tools read",
    ),
    "override": attr.bool(
        doc = "an entry of an overlay takes the place of the earlier entry of the same name",
    ),
    "sections": attr.string_list(
        doc = "sections of overlays that declare operators, besides custom and custom_autograd",
    ),
}

def add_inputs(options, ctx):
    """Adds the options for the inputs, but for a PyTorch and settings.

    Args:
      options: the Args object that they are added to.
      ctx: the context of a rule with ADDITIONS, derivatives, native_functions, tags_yaml and
        torch_version.
    """
    options.add_all(
        ctx.files.derivatives + ctx.files.derivatives_overlays,
        format_each = "--derivatives=%s",
    )
    options.add_all(ctx.files.native_functions, format_each = "--native-functions=%s")
    options.add_all(ctx.files.tags_yaml, format_each = "--tags=%s")
    options.add_all(ctx.files.backend_yaml, format_each = "--backend-yaml=%s")
    options.add_all(ctx.attr.dispatch_keys, format_each = "--dispatch-key=%s")
    options.add_all(ctx.attr.entry_keys, format_each = "--entry-key=%s")
    options.add_all(ctx.attr.sections, format_each = "--section=%s")
    if ctx.attr.override:
        options.add("--override")
    if ctx.attr.torch_version:
        options.add(ctx.attr.torch_version, format = "--torch-version=%s")

def input_files(ctx):
    """Returns the files of these options, in a list.

    Args:
      ctx: the context of a rule, as for add_inputs.
    """
    return (ctx.files.derivatives + ctx.files.derivatives_overlays +
            ctx.files.native_functions + ctx.files.tags_yaml + ctx.files.backend_yaml)

def check_additions(
        derivatives,
        derivatives_overlays,
        dispatch_keys,
        entry_keys,
        sections,
        backend_yaml):
    """Fails for arguments of a macro that cannot be meant.

    Args:
      derivatives: what the overlays of derivatives are laid over.
      derivatives_overlays: a list of labels, or None.
      dispatch_keys: a list of names, or None.
      entry_keys: a list of names, or None.
      sections: a list of names, or None.
      backend_yaml: a list of labels, or None.
    """
    for keyword, value in [
        ("derivatives_overlays", derivatives_overlays),
        ("dispatch_keys", dispatch_keys),
        ("entry_keys", entry_keys),
        ("sections", sections),
        ("backend_yaml", backend_yaml),
    ]:
        if type(value) == "string":
            fail("%s is a string: write a list, [%r]" % (keyword, value))
    if derivatives_overlays and not derivatives:
        fail("derivatives_overlays needs what it is laid over: write derivatives too")
