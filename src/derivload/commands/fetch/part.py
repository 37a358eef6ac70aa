"""A script that `derivload fetch` runs in a child process: it reads only `torchgen/` of a wheel.

    python part.py -d DIR [options of pip download] torch==VERSION

It writes a wheel of the same name into DIR that holds `torchgen/` and nothing else. A wheel is a
zip file. Its list of members is at its end, and in torch's wheels `torchgen/` and RECORD are just
before that list. So HTTP range requests for about 2 of the 60 to 140 MB are enough.

- pip's own classes choose the wheel and send the requests. They are not a public interface, but
  only they apply all of the user's settings: indexes and their passwords, keyring, netrc, proxy,
  server and client certificates, trusted hosts. `pip install --dry-run --report` is public, but
  it downloads the whole wheel unless the index serves the wheel's metadata beside it.
- Nothing depends on this script. If it fails, the caller has pip download the whole wheel, unless
  the status is HOPELESS.
- Everything received is checked: each response is the requested range, and of the same file as
  before; the CRC of each member is right; and so is its sha256, which RECORD has.
- The script imports nothing from derivload, because the child may not find it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zipfile import ZipFile

HOPELESS = 40  # the whole wheel is not available either; stderr says why
LOCAL = 41  # the wheel is on this machine: reading all of it costs nothing

_MOST_BYTES = 16 << 20  # several times what any release needs; a torch wheel never needs more
_END_OF_ZIP = 1024  # says where the list of members is, unless the wheel has a comment
_LOCAL_HEADER = 4096  # comes before each member; a few hundred bytes long at most


class PartError(Exception):
    """A part of the wheel is not available, or cannot be trusted. The message says why."""


class Answer(Protocol):
    """An HTTP response of pip's session, which is a session of the requests library."""

    status_code: int
    headers: Mapping[str, str]

    def iter_content(self, chunk_size: int) -> Iterator[bytes]:
        """Yield the body piece by piece."""
        ...

    def close(self) -> None:
        """Close the response without reading the rest of the body."""
        ...


class RangeFile:
    """A file on a server that `zipfile` can read. What it reads is fetched, then kept in memory."""

    def __init__(self, request: Callable[[Mapping[str, str]], Answer]) -> None:
        """Ask the server for the size of the file. `request` sends a GET with the given headers.

        Raises PartError.
        """
        self._request = request
        self._held: list[tuple[int, bytes]] = []
        self._position = 0
        self._version: tuple[str | None, ...] | None = None
        self.size = 0
        self.hold(0, 1)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to `offset` from the start, from here (1) or from the end (2)."""
        self._position = offset + (0, self._position, self.size)[whence]
        return self._position

    def tell(self) -> int:
        """Return the offset of the next read."""
        return self._position

    def seekable(self) -> bool:
        """Say that `seek` works."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, or all the rest if `size` is negative. Raises PartError."""
        first = self._position
        end = self.size if size < 0 else min(first + size, self.size)
        self._position = max(first, end)
        if first >= end:
            return b""
        held = self._find(first, end)
        if held is None:
            self.hold(first, end)
            held = self._held[-1][1]
        return held

    def _find(self, first: int, end: int) -> bytes | None:
        for start, held in self._held:
            if start <= first and end <= start + len(held):
                return held[first - start : end - start]
        return None

    def hold(self, first: int, end: int) -> None:
        """Fetch the bytes from `first` up to `end`, for later reads. Raises PartError."""
        if end - first + sum(len(held) for _, held in self._held) > _MOST_BYTES:
            raise PartError("too much of the wheel would have to be read")
        answer = self._request(
            {
                "Range": f"bytes={first}-{end - 1}",
                "Accept-Encoding": "identity",
                # Otherwise, if pip's cache holds the wheel, it would answer with all of it.
                "Cache-Control": "no-cache",
            }
        )
        try:
            self._check(answer, first, end)
            body = bytearray()
            for piece in answer.iter_content(1 << 16):
                body += piece
                if len(body) > end - first:
                    break
        finally:
            answer.close()
        if len(body) != end - first:
            raise PartError(f"the server sent {len(body)} bytes instead of {end - first}")
        self._held.append((first, bytes(body)))

    def _check(self, answer: Answer, first: int, end: int) -> None:
        """Raise PartError unless this is the requested range of the same file as before."""
        headers = answer.headers
        range_of = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers.get("Content-Range", ""))
        if answer.status_code != 206 or range_of is None:
            raise PartError("the server did not send a range")
        if (int(range_of[1]), int(range_of[2])) != (first, end - 1):
            raise PartError("the server sent another range")
        version = (range_of[3], headers.get("ETag"), headers.get("Last-Modified"))
        if self._version not in (None, version):
            raise PartError("the wheel changed while it was read")
        self._version = version
        self.size = int(range_of[3])


def save_torchgen(remote: RangeFile, wheel: Path) -> None:
    """Write the `torchgen/` of a remote wheel to the new file `wheel`, which is a wheel too.

    Raises PartError or zipfile's errors if the remote wheel is damaged. `wheel` is not made then.
    """
    import zipfile

    remote.hold(max(0, remote.size - _END_OF_ZIP), remote.size)
    unfinished = wheel.with_name("unfinished")
    with zipfile.ZipFile(remote) as archive, zipfile.ZipFile(unfinished, "w") as part:
        record = re.compile(r"torch-[^/]+\.dist-info/RECORD").fullmatch
        records = [name for name in archive.namelist() if record(name)]
        members = [
            member
            for member in archive.infolist()
            if member.filename.startswith("torchgen/") and not member.is_dir()
        ]
        if len(records) != 1 or not members:
            raise PartError("this is not a torch wheel with a torchgen")
        needed = [*members, archive.getinfo(records[0])]
        end = max(member.header_offset + member.compress_size for member in needed)
        remote.hold(
            min(member.header_offset for member in needed), min(end + _LOCAL_HEADER, remote.size)
        )
        digests = _recorded(archive, records[0])
        for member in members:
            content = archive.read(member)
            if digests.get(member.filename) != _digest(content):
                raise PartError(f"{member.filename} does not match RECORD")
            copied = zipfile.ZipInfo(member.filename)
            copied.external_attr = member.external_attr  # says whether the member is a link
            part.writestr(copied, content)
    unfinished.rename(wheel)


def _recorded(archive: ZipFile, record: str) -> dict[str, str]:
    """Return the digest of each file in the wheel, as RECORD lists it."""
    import csv

    rows = csv.reader(archive.read(record).decode("utf-8").splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 3}


def _digest(content: bytes) -> str:
    """Return the sha256 of `content`, written as in RECORD."""
    import base64
    import hashlib

    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"


def main(arguments: list[str]) -> int:
    """Run the script as the module describes it.

    Returns 0, HOPELESS, LOCAL, or another status if something failed.
    """
    try:
        import pip  # noqa: F401
    except ImportError:
        print("No module named pip", file=sys.stderr)
        return HOPELESS

    from optparse import Values

    from pip._internal.cli.cmdoptions import make_target_python
    from pip._internal.commands.download import DownloadCommand
    from pip._vendor.packaging.requirements import Requirement

    class Part(DownloadCommand):
        """`pip download`, with its options and settings, but for a part of the wheel."""

        def run(self, options: Values, args: list[str]) -> int:
            session = self.get_default_session(options)
            finder = self._build_package_finder(
                options=options,
                session=session,
                target_python=make_target_python(options),
            )
            wanted = Requirement(args[0])
            found = finder.find_best_candidate(wanted.name, wanted.specifier).best_candidate
            if found is None:
                print(f"ERROR: No matching distribution found for {wanted}", file=sys.stderr)
                return HOPELESS
            if found.link.is_file:
                return LOCAL
            if found.link.is_yanked:
                raise PartError("this wheel was withdrawn: only pip can decide whether to use it")
            url = found.link.url_without_fragment
            remote = RangeFile(lambda headers: session.get(url, headers=headers, stream=True))
            save_torchgen(remote, Path(options.download_dir, found.link.filename))
            return 0

    status: int = Part("download", "Download a part.").main(arguments)
    return status


if __name__ == "__main__":
    # Python puts this file's folder first. pip and keyring must not import modules from there.
    sys.path[:] = [path for path in sys.path if Path(path) != Path(__file__).parent]
    sys.exit(main(sys.argv[1:]))
