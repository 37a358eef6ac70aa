"""From paths to what the files hold: every command, the Python API and the drop-in load here.

What may live here: which files are meant, the settings of the cache, reading, and the one way to
load. What may not: options, and what is printed.
"""
