"""`derivwatch`: looks at the inputs at each save, and reports what the save changed.

What may live here: events, reports, the command of `--exec`, and the decisions about all of them,
which are in `decisions.py`. What may not: loading and writing. A loader of `loading/` or
`commands/codegen/` does that.
"""
