"""The remote cache of a run: packs are pulled while the run waits, and pushed while it goes on.

A run is never wrong through the remote cache, and hardly slower:

- All waiting that brings nothing counts, for misses too, and all of it together has one limit.
  When the limit is used up, the remote cache is off for the rest of the run, and a line says so.
  The wait for a pack that is used does not count, unless it took longer than making the values.
- A pack that is on its way when the limit is reached is awaited if, at the rate so far, all of it
  comes in half of the time that making its values took. Its beginning says how long that is.
- A server that fails once is off for the run.
- A pack that does not fit its seal is a miss, which is said once.
- Packs are compressed and pushed in threads of their own. At its end a run waits for the server no
  longer than the limit for uploads, and drops what is not there by then: `derivload cache push`
  sends it.
- Two runs that need the same values at once both make them. Waiting for the other one would need
  locks on a server that may vanish; docs/team-cache.md has the figures.

The limit is about the server. Importing OpenDAL takes some 20 ms besides, in runs that ask it.
"""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from derivload.store.remote.packs import Pack
    from derivload.store.remote.services import Service

# Seconds that a thread gets to end by itself after its operation was given up.
_LAST_WAIT: Final = 0.05
# Seconds. Compressing takes a tenth of one.
_LONGEST_WORK: Final = 10.0
_OPEN: Final = "open"
# The part of the time that making the values took which reading them may take.
_WORTH: Final = 0.5
# Seconds. What the beginning of a pack says is not verified yet.
_MOST_BELIEVED: Final = 60.0
# Bytes, of which the head of a pack is.
_BEGINNING: Final = 100
# Seconds.
_SLICE: Final = 0.02


class RemoteSettings(NamedTuple):
    """Which remote cache, and what for.

    `place` names the server in messages: no secret is in it. `secret` is the key of the team, or
    "". `limit` and `upload_limit` are seconds.
    """

    url: str
    place: str
    reads: bool
    writes: bool
    secret: str
    limit: float
    upload_limit: float

    @property
    def mode(self) -> str:
        """What it is used for, as `--remote-cache-mode` has it."""
        return "-".join(["read"] * self.reads + ["write"] * self.writes) or "off"


class RemoteFigures:
    """What the remote cache did: `pulled` and `pushed` are bytes, `saved` and `waited` seconds."""

    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0
        self.pulled = 0
        self.pushed = 0
        self.saved = 0.0
        self.waited = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether the remote cache was neither asked nor given anything."""
        return not any(vars(self).values())

    def render(self, before: bytes | None) -> bytes:
        """The sums of these figures and of earlier ones, which `render` gave."""
        earlier = RemoteFigures.read(before)
        sums = {name: value + getattr(earlier, name) for name, value in vars(self).items()}
        return " ".join(map(str, sums.values())).encode()

    @staticmethod
    def read(data: bytes | None) -> RemoteFigures:
        """The figures from their bytes; those of nothing if they are not valid."""
        figures = RemoteFigures()
        texts = (data or b"").decode("ascii", "replace").split(" ")
        if len(texts) == len(vars(figures)):
            with suppress(ValueError):
                for (name, none), text in zip([*vars(figures).items()], texts, strict=True):
                    setattr(figures, name, type(none)(text))
        return figures


class Remote:
    """The remote cache of a run. `say` prints a line; the line holds no secret."""

    def __init__(self, settings: RemoteSettings, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.figures = RemoteFigures()
        self._say = say
        self._is_off = False
        self._left = settings.limit
        self._missed: dict[bytes, float] = {}
        self._uploads: list[_Background] = []
        self._made: dict[bytes, bytes] = {}
        self._abandoned: list[_Background] = []
        self._said_bad = False

    @property
    def left(self) -> float:
        """How many seconds the run may still wait in vain; 0 if the remote cache is off."""
        return 0.0 if self._is_off else max(self._left, 0.0)

    @property
    def is_stuck(self) -> bool:
        """Whether a thread is still in an operation that was given up."""
        return any(action.is_running() for action in self._abandoned)

    def pull(self, name: bytes) -> dict[bytes, bytes] | None:
        """The values of a pack; None if there is none that can be used."""
        if self._is_off or not self.settings.reads or name in self._missed:
            return None
        _import_service()
        began = time.monotonic()
        deadline = began + self._left
        progress = _Progress(began, deadline)
        action = _Background(lambda: self._read(name, progress))
        is_done = action.wait(self._left)
        while not is_done and progress.is_promising(self.settings.limit):
            is_done = action.wait(_SLICE)
        waited = time.monotonic() - began
        self.figures.waited += waited
        if not is_done:
            action.wait(_LAST_WAIT)
            self._abandoned.append(action)
            self._turn_off(f"did not answer within {self.settings.limit * 1000:.0f} ms")
            return None
        pack = self._opened(name, action)
        if pack is not None:
            self.figures.hits += 1
            self.figures.saved += max(pack.seconds - waited, 0)
            waited = max(waited - pack.seconds, 0)
        self._left -= waited
        if pack is not None:
            return pack.values
        self.figures.misses += 1
        self._missed[name] = began
        return None

    def opened(self, name: bytes, data: bytes) -> dict[bytes, bytes] | None:
        """The values of a pack that is here already; None if it does not fit."""
        try:
            from derivload.store.remote.packs import BadPackError, derive_secret, read_pack
        except ImportError:  # `pull` fails on it too, and tells
            return None
        try:
            return read_pack(name, data, derive_secret(self.settings.secret)).values
        except BadPackError:
            return None

    def push(self, name: bytes, values: Mapping[bytes, bytes]) -> None:
        """Begin to send the values as a pack, which counts as made since its pull was a miss."""
        if self._is_off or not self.settings.writes:
            return
        began = self._missed.get(name)
        seconds = 0.0 if began is None else time.monotonic() - began
        kept = dict(values)
        is_begun = threading.Event()
        action = _Background(lambda: self._write(name, kept, seconds, is_begun), is_begun)
        self._uploads.append(action)

    def close(self) -> dict[bytes, bytes]:
        """Wait for what is being pushed, no longer than the limit for that.

        Returns the packs that were made, by name, sent or not.
        """
        for action in self._uploads:
            action.is_begun.wait(_LONGEST_WORK)
        deadline = time.monotonic() + self.settings.upload_limit
        late = 0
        for action in self._uploads:
            if not action.wait(deadline - time.monotonic()):
                late += 1
                self._abandoned.append(action)
            elif action.error is not None:
                self._turn_off(f"took no upload ({_told(action.error)})")
        self._uploads.clear()
        if late:
            what = "1 upload" if late == 1 else f"{late} uploads"
            self._turn_off(f"took {what} too slowly")
        return dict(self._made)

    def _opened(self, name: bytes, action: _Background) -> Pack | None:
        """The pack that a read has found. Turns the cache off if the server failed."""
        if action.error is not None:
            self._turn_off(f"failed ({_told(action.error)})")
        if action.result is None:
            return None
        self.figures.pulled += len(action.result)
        from derivload.store.remote.packs import BadPackError, derive_secret, read_pack

        try:
            return read_pack(name, action.result, derive_secret(self.settings.secret))
        except BadPackError as error:
            if not self._said_bad:
                self._said_bad = True
                place = self.settings.place
                self._say(
                    f"warning: a value of the remote cache {place} counts as missing: {error}"
                )
            return None

    def _turn_off(self, why: str) -> None:
        if not self._is_off:
            self._is_off = True
            self._say(f"note: going on without the remote cache {self.settings.place}: it {why}")

    def _read(self, name: bytes, progress: _Progress) -> bytes | None:
        from derivload.store.remote.packs import LARGEST_PACK, derive_secret

        service = self._service(self.settings.limit)
        secret = derive_secret(self.settings.secret)
        return service.read(path_of(name, secret), LARGEST_PACK, progress.may_go_on)

    def _write(
        self,
        name: bytes,
        values: Mapping[bytes, bytes],
        seconds: float,
        is_begun: threading.Event,
    ) -> None:
        from derivload.store.remote.packs import derive_secret, make_pack

        secret = derive_secret(self.settings.secret)
        data = make_pack(name, values, seconds, secret)
        self._made[name] = data
        service = self._service(max(self.settings.upload_limit, self.settings.limit))
        is_begun.set()
        service.write(path_of(name, secret), data)
        self.figures.pushed += len(data)

    def _service(self, limit: float) -> Service:
        from derivload.store.remote.services import Service

        return Service(self.settings.url, limit)


class _Progress:
    """How far reading a pack has come: written by the thread that reads, and read by the run."""

    def __init__(self, began: float, deadline: float) -> None:
        self._began = began
        self._deadline = deadline
        self._last = began
        self._is_worth_it = False

    def may_go_on(self, data: bytearray) -> bool:
        """Note what has come. Returns whether reading may go on."""
        from derivload.store.remote.packs import read_promise

        now = self._last = time.monotonic()
        promise = read_promise(bytes(data[:_BEGINNING]))
        if promise is not None:
            seconds, size = promise
            needed = (now - self._began) * size / len(data)
            self._is_worth_it = needed <= min(seconds, _MOST_BELIEVED) * _WORTH
        return now <= self._deadline or self._is_worth_it

    def is_promising(self, longest_silence: float) -> bool:
        """Whether to wait on after the deadline."""
        return self._is_worth_it and time.monotonic() - self._last <= longest_silence


def _import_service() -> None:
    """Import what reading needs, before its limit begins: the limit is about the server."""
    with suppress(ImportError):  # the thread fails on it too, and tells
        from derivload.store.remote import packs, services  # noqa: F401


def path_of(name: bytes, secret: bytes) -> str:
    """Where a pack is on the server.

    Packs of different secrets are apart. Else they would overwrite each other.
    """
    team = hashlib.sha256(b"team" + secret).hexdigest()[:8] if secret else _OPEN
    digits = name.hex()
    return f"derivload-1/{team}/{digits[:2]}/{digits[2:]}"


def _told(error: Exception) -> str:
    """What a message says of an error. Texts of others may hold a secret."""
    if isinstance(error, ImportError):
        return "it needs what `pip install derivload[remote]` installs"
    return (
        str(error) if type(error).__name__ in ("AddressError", "ServiceError") else "unexpectedly"
    )


class _Background:
    """An action in a thread of its own, and its result or error once it has ended.

    `is_begun` is set when it turns to the server, or has ended.
    """

    def __init__(
        self, action: Callable[[], bytes | None], is_begun: threading.Event | None = None
    ) -> None:
        self.is_begun = is_begun or threading.Event()
        self.result: bytes | None = None
        self.error: Exception | None = None
        self._action = action
        # A daemon: the process must end even while the server is silent.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._action()
        except Exception as error:  # told to the run, which goes on
            self.error = error
        finally:
            self.is_begun.set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end. Returns whether it has ended."""
        self._thread.join(max(seconds, 0))
        return not self.is_running()

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()
