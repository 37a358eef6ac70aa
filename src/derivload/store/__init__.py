"""The cache on disk: values by content hash, and what a run keeps there.

What may live here: the database, who owns its files, keys, and the form of what is kept. What may
not: how a value is made.
"""
