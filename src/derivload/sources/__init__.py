"""Turns YAML text into entries: each with its file, its line, its own text and the text's digest.

This folder splits a file into top-level entries, reads an entry's text into plain values, limits
the number of mistakes, and turns a path into an entry back into a line and a column. It does not
know what the values mean.

There are two readers. `plain` reads the block style of PyTorch's files, and gives up at anything
else. `full` is PyYAML's safe loader, and reads the rest. If `plain` accepts a text, it must give
exactly what `full` gives.
"""
