"""Settings: which file has them, what it says, and on which line.

What a key means is not known here: `commands/settings` takes it for an option of that name.
`search.py` is on the way of the exit that does nothing, so it imports as little as that exit.
"""
