"""`python -m derivload` is the same as `derivload`."""

import sys

from derivload.cli import main

sys.exit(main())
