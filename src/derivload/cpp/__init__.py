"""How a schema looks in C++, release by release.

What may live here: the table of what differs between PyTorch releases, C++ types and their
spelling, the C++ names, arguments and defaults of a schema. What may not: YAML entries, files.
The rules are those of torchgen/api/cpp.py and torchgen/api/types.
"""
