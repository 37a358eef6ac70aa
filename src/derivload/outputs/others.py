"""Tells whether a file that is in the way of an output is somebody else's work.

It is asked only of a file that no run recorded. What the kind of outputs is decides:

- Pages go to a folder of their own, and have names that are common: any file is somebody else's.
- Documents have names that others have too, such as manifest.json. One that is JSON of something
  else, such as a web page's, or of pages, tells that the folder is for something else.
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
# The "format" of each of our documents begins with this, and that of the manifest of pages is this.
_OURS, _OF_PAGES = "derivload.", "derivload.pages"
_BEGIN = b'{"format":"derivload.'
_PAGES_BEGIN = b'{"format":"derivload.pages"'


def is_of_others(place: OutputPlace, kind: str) -> bool:
    """Whether the file at a place is somebody else's work. `kind` is that of the output.

    Raises OSError.
    """
    status = place.status
    is_manifest = os.path.basename(place.path) == MANIFEST
    if status is None or not stat.S_ISREG(status.st_mode) or status.st_size == 0:
        return False
    if kind == DOCUMENTS:
        with open(place.target, "rb") as file:
            return _is_other_json(file.read(), is_manifest=is_manifest)
    return kind == PAGES and not is_manifest  # of the manifest, those who read it have looked


def _is_other_json(data: bytes, *, is_manifest: bool) -> bool:
    """Whether this is JSON of something else than documents, not a damaged one of theirs."""
    if data.startswith(_BEGIN) and not data.startswith(_PAGES_BEGIN):
        return False
    import json  # which takes longer to import than all else here

    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return False
    if isinstance(value, dict):
        its = str(value.get("format"))
        if its.startswith(_OURS) or (is_manifest and "files" in value):
            return its == _OF_PAGES
    return bool(value)
