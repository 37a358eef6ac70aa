"""The pipeline from input texts to values, and what of it an edit touches. Pure.

What may live here: the order of the steps, what depends on what, and the state that a load leaves
to the next. What may not: the rules themselves, files, and the cache.
"""
