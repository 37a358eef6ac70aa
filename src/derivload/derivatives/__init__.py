"""derivatives.yaml: turns definitions into differentiability info, and matches it to functions.

This folder has backward formulas, what they save, forward formulas, and the rules for which
function gets which info. It does not know YAML text, files or caches. It does not decide the number
at the end of an op's name, because that depends on all definitions: the caller passes the numbers.

The rules are those of torchgen's load_derivatives.py and torchgen/api/autograd.py. A function that
does the same as one of these has the same name.
"""
