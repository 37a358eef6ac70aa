"""The commands, a file or a folder each.

This folder may hold options, exit statuses and what a command prints. It may not hold rules, nor
the code that finds and loads inputs.
"""
