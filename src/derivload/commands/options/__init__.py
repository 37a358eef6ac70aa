"""The options of every command, defined with argparse.

An option stands in one place: with the inputs, the cache, the outputs or the generators if several
commands have it, else with its command. Nothing here imports what a command imports, because every
command is parsed by all of this.
"""
