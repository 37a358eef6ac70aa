"""derivload's version, and the time when this process began to import it."""

import time

__version__ = "0.1.0"

# In nanoseconds, for identity.py: a file that was edited after this may have been imported before
# or after the edit.
STARTED = time.time_ns()
