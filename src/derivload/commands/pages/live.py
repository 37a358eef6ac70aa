"""Pages that derivwatch keeps up to date beside the documents."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from derivload.commands.pages.contents import contents_of, name_of
from derivload.commands.pages.write import listed_pages, write_pages
from derivload.engine.lines import DocumentLines
from derivload.loading.errors import UsageError
from derivload.loading.live import LiveDocuments, PreparedDocuments, Updated
from derivload.loading.paths import Files
from derivload.wanted import Wanted


def refuse_folder(pages: str, out_dir: str) -> None:
    """Refuse a folder for pages that is for something else. Raises UsageError."""
    if os.path.realpath(pages) == os.path.realpath(out_dir):
        raise UsageError("--explore and --out-dir need folders of their own")
    listed_pages(pages)


class LivePages:
    """The documents, and the pages in `folder`; `documents` loads with facts.

    `is_live` has an open page show each change. The documents are written first.
    """

    def __init__(
        self, documents: LiveDocuments, folder: str, wanted: Wanted | None, *, is_live: bool
    ) -> None:
        self._documents = documents
        self._folder = folder
        self._wanted = wanted
        self._is_live = is_live

    def load(
        self, files: Files, contents: Sequence[bytes | OSError] | None = None
    ) -> PreparedPages:
        """Load, from what the last load left. Raises InputError and UsageError."""
        prepared = self._documents.load(files, contents)
        listed_pages(self._folder)  # or it is a folder of something else now
        return PreparedPages(prepared, self._folder, self._wanted, self._is_live)

    def settle(self) -> None:
        """Do now what the next load would begin with, where there is time for it."""
        self._documents.settle()


class PreparedPages(NamedTuple):
    """Documents and pages that are loaded, and not yet written."""

    documents: PreparedDocuments
    folder: str
    wanted: Wanted | None
    is_live: bool

    @property
    def lines(self) -> DocumentLines:
        """The lines of the documents."""
        return self.documents.lines

    def write(self) -> Updated:
        """Write the documents and pages that differ from what is there. Raises OSError."""
        updated = self.documents.write()
        request = self.documents.request
        contents = contents_of(name_of(request.files), request, self.documents.loaded, self.wanted)
        write_pages(self.folder, contents, is_live=self.is_live)
        return updated
