"""What a child of `derivload fetch` runs: pip finds the wheel, and only `torchgen/` is read of it.

    python part.py -d DIR [options of pip download] torch==VERSION

It leaves in DIR a wheel of the same name with `torchgen/` in it and nothing else. A wheel is a
zip file: its list of members stands at its end, and in torch's wheels `torchgen/` and RECORD
stand before that. So HTTP range requests for about 2 of its 60 to 140 MB are enough.

- pip's own classes choose the wheel and send the requests. They are no public interface, but
  only they apply all of the user's settings: indexes and their passwords, keyring, netrc,
  proxy, certificates of either side, trusted hosts. `pip install --dry-run --report` is
  public, and downloads the whole wheel unless the index serves its metadata beside it.
- Nothing depends on this: at any failure the caller has pip download the whole wheel.
- What comes is checked: that it is the range asked for, of the same file each time; the CRC of
  each member; and its sha256 in the wheel's RECORD.
- It imports nothing of derivload, which the child may not find.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zipfile import ZipFile

HOPELESS = 40  # the whole wheel cannot be had either; stderr says why
LOCAL = 41  # the wheel lies on this machine: reading all of it costs nothing

_MOST_BYTES = 16 << 20  # several times what any release takes; more than that is no torch wheel
_END_OF_ZIP = 1024  # holds what says where the list of members is, unless the wheel has a comment
_LOCAL_HEADER = 4096  # stands before each member, and is a few hundred bytes long at most


class PartError(Exception):
    """Why a part of the wheel cannot be had, or not be trusted."""


class Answer(Protocol):
    """An HTTP response, as pip's session (which is requests') gives it."""

    status_code: int
    headers: Mapping[str, str]

    def iter_content(self, chunk_size: int) -> Iterator[bytes]:
        """Yield the body piece by piece."""
        ...

    def close(self) -> None:
        """Leave the rest of the body unread."""
        ...


class RangeFile:
    """A file on a server, as `zipfile` reads one. What it reads is fetched, and then held."""

    def __init__(self, request: Callable[[Mapping[str, str]], Answer]) -> None:
        """Take what sends a GET with these headers, and ask for the size of the file."""
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
        """Return the next `size` bytes, or all that follow."""
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
        """Fetch the bytes from `first` up to `end`, for the reads that follow."""
        if end - first + sum(len(held) for _, held in self._held) > _MOST_BYTES:
            raise PartError("too much of the wheel would have to be read")
        answer = self._request(
            {
                "Range": f"bytes={first}-{end - 1}",
                "Accept-Encoding": "identity",
                # pip's cache would answer with all of a wheel that it holds.
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
            raise PartError(f"{len(body)} bytes came for the {end - first} asked for")
        self._held.append((first, bytes(body)))

    def _check(self, answer: Answer, first: int, end: int) -> None:
        """Raise unless this is the range that was asked for, of the file of the first answer."""
        headers = answer.headers
        range_of = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers.get("Content-Range", ""))
        if answer.status_code != 206 or range_of is None:
            raise PartError("the server does not answer with a range")
        if (int(range_of[1]), int(range_of[2])) != (first, end - 1):
            raise PartError("the server answers with another range")
        version = (range_of[3], headers.get("ETag"), headers.get("Last-Modified"))
        if self._version not in (None, version):
            raise PartError("the wheel changed while it was read")
        self._version = version
        self.size = int(range_of[3])


def save_torchgen(remote: RangeFile, wheel: Path) -> None:
    """Write the `torchgen/` of a remote wheel to the new file `wheel`, itself a wheel.

    Raises PartError or zipfile's errors for what is damaged, and leaves no `wheel` then.
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
            raise PartError("this is no torch wheel with a torchgen")
        needed = [*members, archive.getinfo(records[0])]
        end = max(member.header_offset + member.compress_size for member in needed)
        remote.hold(
            min(member.header_offset for member in needed), min(end + _LOCAL_HEADER, remote.size)
        )
        digests = _recorded(archive, records[0])
        for member in members:
            content = archive.read(member)
            if digests.get(member.filename) != _digest(content):
                raise PartError(f"{member.filename} is not what RECORD says")
            copied = zipfile.ZipInfo(member.filename)
            copied.external_attr = member.external_attr  # says whether it is a link
            part.writestr(copied, content)
    unfinished.rename(wheel)


def _recorded(archive: ZipFile, record: str) -> dict[str, str]:
    """Return the digest of each file of the wheel."""
    import csv

    rows = csv.reader(archive.read(record).decode("utf-8").splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 3}


def _digest(content: bytes) -> str:
    """Return the digest of `content` as RECORD writes it."""
    import base64
    import hashlib

    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"


def main(arguments: list[str]) -> int:
    """Do as the module says; return 0, HOPELESS, LOCAL, or another status for what failed."""
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
        """`pip download`, with its options and settings, of a part."""

        def run(self, options: Values, args: list[str]) -> int:
            session = self.get_default_session(options)
            finder = self._build_package_finder(
                options=options,
                session=session,
                target_python=make_target_python(options),
                ignore_requires_python=options.ignore_requires_python,
            )
            wanted = Requirement(args[0])
            found = finder.find_best_candidate(wanted.name, wanted.specifier).best_candidate
            if found is None:
                print(f"ERROR: No matching distribution found for {wanted}", file=sys.stderr)
                return HOPELESS
            if found.link.is_file:
                return LOCAL
            if found.link.is_yanked:
                raise PartError("whether a withdrawn wheel will do is for pip to say")
            url = found.link.url_without_fragment
            remote = RangeFile(lambda headers: session.get(url, headers=headers, stream=True))
            save_torchgen(remote, Path(options.download_dir, found.link.filename))
            return 0

    status: int = Part("download", "Download a part.").main(arguments)
    return status


if __name__ == "__main__":
    # Python puts this file's folder first, whose modules are none that pip or keyring should find.
    sys.path[:] = [path for path in sys.path if Path(path) != Path(__file__).parent]
    sys.exit(main(sys.argv[1:]))
