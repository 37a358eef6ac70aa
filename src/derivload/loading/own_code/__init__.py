"""Loading by the code of a tree's own torchgen, where we do not know its rules.

What may live here: the child process that runs that code, what it answers, and the families that
it is asked for. What may not: rules of our own, but the one that tells families apart.
"""
