"""How a schema looks in C++, release by release.

This folder has the table of the differences between PyTorch releases, the C++ types and their
spelling, and the C++ names, arguments and defaults of a schema. It does not know YAML entries or
files. The rules are those of torchgen/api/cpp.py and torchgen/api/types.
"""
