"""Somebody's script, run with derivload inside and watched.

What may live here: the process in which such a script runs, seeing what the script reads and
writes, and what derivload puts in the place of torchgen's functions there. What may not: options,
records of runs, and what derivload prints.
"""
