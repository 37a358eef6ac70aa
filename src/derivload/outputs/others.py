"""Tells whether a file that is in the way of an output is somebody else's work.

It is asked only of a file that no run recorded. What the kind of outputs is decides:

- Pages go to a folder of their own, and have names that are common: any file is somebody else's.
- Documents have names that hardly anybody else has, but for manifest.json. One that is JSON of
  something else, such as a web page's, or of pages, tells that the folder is for something else.
- PyTorch's generators wrote the files of `codegen` before we did: these are replaced.

What is empty is nobody's work.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.outputs.places import OutputPlace

DOCUMENTS, PAGES = "documents", "pages"
MANIFEST = "manifest.json"
# The "format" of the manifest of pages.
_OF_PAGES = "derivload.pages"
# How a manifest of documents begins.
_OWN = b'{"format":"derivload.manifest",'


def is_of_others(place: OutputPlace, kind: str) -> bool:
    """Whether the file at a place is somebody else's work. `kind` is that of the output.

    Raises OSError.
    """
    status = place.status
    is_manifest = os.path.basename(place.path) == MANIFEST
    if status is None or not stat.S_ISREG(status.st_mode) or status.st_size == 0:
        return False
    if kind == DOCUMENTS and is_manifest:
        with open(place.target, "rb") as file:
            return _is_other_manifest(file.read())
    return kind == PAGES and not is_manifest  # of the manifest, those who read it have looked


def _is_other_manifest(data: bytes) -> bool:
    """Whether this is JSON of something else than documents, not a damaged manifest of theirs."""
    if data.startswith(_OWN):
        return False
    import json  # which takes longer to import than all else here

    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return False
    if isinstance(value, dict) and "files" in value:
        return value.get("format") == _OF_PAGES
    return bool(value)
