"""PyTorch's own generators, run for what changed.

What may live here: where the generators are, what they read, running them, and what is kept of a
run. What may not: options, and what is printed.
"""
