"""Runs the derivload in the folder `site` beside this file, with nothing but what stands there.

Compiled files are neither read nor written: they are no inputs of the action.
"""

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.pycache_prefix = os.devnull
# Not resolved: this file may be a link, and the packages stand beside the link.
sys.path.insert(0, str(Path(__file__).absolute().parent / "site"))

from derivload.cli import main_at_end  # noqa: E402

sys.exit(main_at_end())
