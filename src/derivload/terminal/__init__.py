"""Prints to stdout and stderr. Everything that derivload prints goes through here.

This folder knows how a line is written: colour, layout, and text made fit for a terminal. It does
not know what a derivative, an option or a command is. `text` is pure, so every floor may use it.
"""
