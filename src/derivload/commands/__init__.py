"""The commands, one file each, and how their inputs are found and read.

What may live here: paths, options, exit statuses, what is printed. What may not: rules.
"""
