"""The exit statuses of all commands. A closed stdout changes none of them."""

DONE = 0
# The input has errors, or does not contain what was asked for.
BAD_INPUT = 1
BAD_USAGE = 2
# The environment failed: for example, a file cannot be written.
ENVIRONMENT = 3
# Ctrl-C. For any other signal, the status is BY_SIGNAL plus its number.
INTERRUPTED = 130
BY_SIGNAL = 128
