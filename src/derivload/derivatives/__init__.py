"""derivatives.yaml: from a definition to differentiability info, and that matched to functions.

What may live here: formulas, what they save, forward formulas, and which function gets which
info. What may not: YAML text, files, caches, the numbers behind an operation's name (those
depend on all definitions at once, and are given by whoever has them all).

The rules are those of torchgen's load_derivatives.py and torchgen/api/autograd.py, and the
functions here that do what one there does bear its name.
"""
