"""Everything that is printed goes through here: stdout, stderr, colour, and text made fit for both.

What may live here: how a line is written, whatever it says. Nothing here knows what a
derivative, an option or a command is. `text` is pure, so that every floor may use it.
"""
