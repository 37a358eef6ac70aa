"""What PyTorch's own code generators refuse, of definitions that load.

The generators are those of `tools/autograd`: they write VariableType, the backward nodes, the
Python bindings and the rest. They raise an exception for some functions that the loader accepts.
Here is a rule for each (codes from DL801 on), computed from what was loaded: nothing here runs or
imports a generator. Each rule looks at one family of functions alone.

- `tables.py`: the lists that the generators of each release have.
- `variable_type.py`, `views.py`, `nodes.py`, `python_bindings.py`: the rules, by generator.
- `check.py`: all of them, over the functions of a load.

This folder does not know YAML text, files or caches.
"""
