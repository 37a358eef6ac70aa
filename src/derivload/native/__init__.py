"""native_functions.yaml and tags.yaml: turns entries into native functions.

This folder knows what the keys of an entry mean, the rules between functions, the variants that
autogen makes, and view groups. It does not know derivatives or files. The rules are those of
torchgen's `NativeFunction.from_yaml`, `parse_native_yaml`, `add_generated_native_functions` and
`get_grouped_by_view_native_functions`.
"""
