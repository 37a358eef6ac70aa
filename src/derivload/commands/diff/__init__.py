"""`derivload diff`: what changed between two sides for a person who builds on them.

`sides` and `revisions` find and load what is compared, the engine compares and leaves what was
asked for, and the others print it in one form each.
"""
