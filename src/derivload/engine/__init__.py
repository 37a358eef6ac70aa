"""Loading, from the texts of the inputs to values, in full or only what an edit touched. Pure.

What may live here: the order of the steps, which entry depends on which, and the state that one
load leaves for the next. What may not: the rules of each step, access to files, and the cache.
"""
