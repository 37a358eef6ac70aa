"""The exit statuses of all commands. A closed stdout changes none of them."""

DONE = 0
# The input has errors; or what was asked for is not in it.
BAD_INPUT = 1
BAD_USAGE = 2
# A file cannot be written, say.
ENVIRONMENT = 3
# Ctrl-C. Any other signal is this much and its number.
INTERRUPTED = 130
BY_SIGNAL = 128
