"""`derivload schema NAME`: prints the JSON Schema of a document or of machine output."""

from __future__ import annotations

import argparse

from derivload.exit_status import DONE
from derivload.outputs.json_schema import FOLDER, file_name
from derivload.terminal.stdout import Stdout


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    Stdout().write_json((FOLDER / file_name(options.name)).read_bytes())
    return DONE
