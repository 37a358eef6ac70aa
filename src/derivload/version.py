"""Which derivload this is, and when this process began to import it."""

import time

__version__ = "0.1.0"

# For identity.py, in nanoseconds: what was edited later may have been imported before or after.
STARTED = time.time_ns()
