"""`python -m derivload` is the same as `derivload`."""

import sys

from derivload.cli import main_at_end

sys.exit(main_at_end())
