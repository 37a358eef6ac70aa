"""Says as JSON where derivload, and what it and PyTorch's generators import, are installed.

Run by derivload_local_toolchain, with the interpreter in question.
"""

import importlib.util
import json
import sys
from pathlib import Path

PACKAGES = ("derivload", "msgspec", "yaml")
# Most releases' torchgen needs it, and nothing else does.
FOR_TORCHGEN = "typing_extensions"


def main() -> None:
    """Print the path of the interpreter itself, and of each package's folder or module's file."""
    if sys.version_info < (3, 10):  # noqa: UP036 - whoever is asked may be older
        sys.exit("it is older than Python 3.10")
    packages = {}
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            sys.exit(f"it has no package {name}")
        packages[name] = str(Path(found.origin).resolve().parent)
    found = importlib.util.find_spec(FOR_TORCHGEN)
    if found is not None and found.origin is not None:
        packages[f"{FOR_TORCHGEN}.py"] = str(Path(found.origin).resolve())
    # Not the link in a virtual environment: its packages are named above, one by one.
    base = getattr(sys, "_base_executable", None) or sys.executable
    interpreter = str(Path(base).resolve())
    print(json.dumps({"interpreter": interpreter, "packages": packages}))


main()
