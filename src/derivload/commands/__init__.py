"""The commands: what each asks and prints, a file or a folder each.

What may live here: options, exit statuses, what is printed. What may not: rules, and how inputs
are found and loaded.
"""
