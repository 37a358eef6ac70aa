"""The operator schema language: text in, frozen values out.

What may live here: the grammar of `name.overload(arguments) -> returns`, its types, alias
annotations and defaults, the rules that hold within one schema, and the signature that
in-place, out and functional variants share. What may not: YAML, C++, files.

Every value keeps the text that it was read from, and reading is lossless, so two values are
equal exactly when their texts are. That is what lets everything above compare and intern by
text. The rules are torchgen's `FunctionSchema`, `Arguments`, `Argument`, `Return`, `Type`,
`Annotation` and `OperatorName` (torchgen/model.py).
"""
