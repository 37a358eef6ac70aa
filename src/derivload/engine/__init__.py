"""The pipeline from input texts to values, and what it keeps.

What may live here: the order of the steps, what depends on what, and (alone here) caches. What
may not: the rules themselves, which are the floors' below, and files, which are the floors'
above.
"""
