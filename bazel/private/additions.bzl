"""What a backend adds to PyTorch's own files: attributes of both rules, and their options."""

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

def add_additions(options, attrs):
    """Adds the options for these attributes, but for the files.

    Args:
      options: the Args object that they are added to.
      attrs: the attributes of the rule.
    """
    options.add_all(attrs.dispatch_keys, format_each = "--dispatch-key=%s")
    options.add_all(attrs.entry_keys, format_each = "--entry-key=%s")
    options.add_all(attrs.sections, format_each = "--section=%s")
    if attrs.override:
        options.add("--override")

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
