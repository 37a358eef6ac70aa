"""YAML text to entries: each with its file, its line, its own text and that text's digest.

What may live here: how a file is split into top-level entries, how an entry's text is read
into plain values, which mistakes of entries are told, and how a path into an entry is turned back
into a line and a column. What may not: what the values mean.

Two readers share the work. `plain` reads the block style that PyTorch's files are written in,
and gives up at the first thing outside it; `full` is PyYAML's safe loader, for everything
else. `plain` must never differ from `full` on a text that it accepts.
"""
