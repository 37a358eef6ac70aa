"""native_functions.yaml and tags.yaml: from an entry to a native function, and what they imply.

What may live here: what an entry's keys mean, the rules between functions, the variants that
autogen makes, view groups. What may not: derivatives, files. The rules are torchgen's
`NativeFunction.from_yaml`, `parse_native_yaml`, `add_generated_native_functions` and
`get_grouped_by_view_native_functions`.
"""
