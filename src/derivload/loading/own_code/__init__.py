"""Loads by the code of a tree's own torchgen, if we do not know its rules.

What may live here: the child process that runs that code, its answers, and the families that it is
asked for. What may not: rules of our own, except the one that puts entries into families.
"""
