"""Puts the pages into a folder, which keeps those whose bytes did not change."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from derivload.commands.pages.contents import Contents
from derivload.commands.pages.files import PageFile, render_files
from derivload.loading.errors import UsageError
from derivload.outputs.digests import digest_of
from derivload.outputs.files import Writing, WrittenFiles
from derivload.outputs.others import MANIFEST, PAGES
from derivload.terminal.progress import tell

if TYPE_CHECKING:
    from derivload.outputs.staging import Recorded


class _ListedFile(msgspec.Struct, frozen=True):
    name: str
    sha256: str


class _PagesManifest(msgspec.Struct, frozen=True):
    """The files of the pages in a folder, by which a later run knows what it may remove."""

    format: Literal["derivload.pages"]
    files: tuple[_ListedFile, ...]


def write_pages(
    out_dir: str,
    contents: Contents,
    *,
    is_single: bool = False,
    is_live: bool = False,
) -> WrittenFiles:
    """Write the pages to a folder. Raises OSError, and UsageError for a folder of documents."""
    listed = listed_pages(out_dir)
    files = []
    for file in render_files(contents, is_single=is_single, is_live=is_live):
        tell("making the pages")
        files.append(file)
    files.append(_manifest_of(files))
    with Writing(out_dir, PAGES) as writing:
        return writing.write(files, [file.name for file in files], lambda: listed)


def _manifest_of(files: Sequence[PageFile]) -> PageFile:
    listed = tuple([_ListedFile(file.name, file.sha256) for file in files])
    data = msgspec.json.encode(_PagesManifest("derivload.pages", listed)) + b"\n"
    return PageFile(MANIFEST, data, 0, digest_of(data))


def listed_pages(out_dir: str) -> list[Recorded]:
    """The files that an earlier run wrote to a folder. Raises UsageError for that of another."""
    path = os.path.join(out_dir, MANIFEST)
    if not os.path.isfile(path):
        return []
    with open(path, "rb") as file:
        data = file.read()
    try:
        manifest = msgspec.json.decode(data, type=_PagesManifest)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise UsageError(
            f"{out_dir} has a manifest.json of something else: pages need a folder of their own"
        ) from None
    return [(file.sha256, file.name) for file in manifest.files]
