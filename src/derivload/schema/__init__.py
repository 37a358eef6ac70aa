"""The operator schema language: text in, frozen values out.

This folder has the grammar of `name.overload(arguments) -> returns`, its types, alias annotations
and defaults, the rules within one schema, and the signature that in-place, out and functional
variants share. It does not know YAML, C++ or files.

Every value keeps the text that it was read from, and nothing of the text is lost. So two values are
equal exactly if their texts are, and other code can compare and store them by text. The rules are
those of torchgen's `FunctionSchema`, `Arguments`, `Argument`, `Return`, `Type`, `Annotation` and
`OperatorName` (torchgen/model.py).
"""
