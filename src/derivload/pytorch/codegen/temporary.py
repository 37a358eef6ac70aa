"""Temporary files and folders.

They come from Python's tempfile, which takes long to import. Most runs after an edit need none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import IO


def temporary_file() -> IO[bytes]:
    """An open file without a name, which is gone when it is closed. Raises OSError."""
    import tempfile

    return tempfile.TemporaryFile()


def temporary_folder() -> AbstractContextManager[str]:
    """The path of a new folder, which is removed at the end. Raises OSError."""
    import tempfile

    return tempfile.TemporaryDirectory()
