"""The source of a tree's torchgen, read as syntax: which rules it has, and which tables.

What may live here: parsing, digests, reading of tables, and the decision whether we know the
rules. What may not: files, and running anything that was read.
"""
