"""Runs PyTorch's own code generators, but only for the operators that changed.

`upstream` finds and imports the generators of a tree. `entry_points` runs them for some of the
functions, and `capture` catches the pieces of text that they make for each function. `kept` says
which pieces of the last run are still good, `update` runs the generators for the rest, and
`rendering` joins the pieces to files. `generators` decides when this short cut is safe; if it is
not, `plain` runs the generators in the ordinary way, for everything, or `beside` does.

`batches` divides the functions, so that `workers` can run the generators in several `processes`;
`cores` says in how many. `stand_ins` makes torchgen itself faster.

While the generators run, `running` watches which files and environment variables they read
(`trace`), so that the next run notices if any of these changed.

Options and printing do not belong here.
"""
