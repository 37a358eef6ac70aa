"""`derivwatch`: looking at the inputs at each save, and telling what came of it.

What may live here: events, the decisions about them, reports, and the command that is run. What
may not: loading and writing, which a loader of `loading/` or `commands/codegen/` does.
"""
