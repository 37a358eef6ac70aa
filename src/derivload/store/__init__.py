"""The cache on disk: values by content hash, and the results that a run keeps there.

What may live here: the database, the ownership of its files, keys, and the format of values. What
may not: how a value is made.
"""
