"""How long a run waits for a pack: the limit, or longer if the pack comes, and is worth it."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from pathlib import Path

from derivload.store.owned import DATABASE, LAYOUT
from derivload.store.remote.packs import make_pack
from derivload.store.remote.remote import Remote, RemoteSettings, path_of
from derivload.store.remote.services import Service
from derivload.store.store import Store
from support.cache_servers import Nginx, Proxy
from support.child import child_environment
from support.containers import nginx, proxy

__all__ = ["nginx", "proxy"]

NAME = hashlib.sha256(b"name").digest()
VALUES = {b"key": random.Random(1).randbytes(3000)}


def remote_at(url: str, said: list[str], limit: float) -> Remote:
    settings = RemoteSettings(
        url, url, reads=True, writes=True, secret="", limit=limit, upload_limit=limit
    )
    return Remote(settings, said.append)


IMPORTS = """
import sys, threading
from derivload.store.remote.remote import Remote, RemoteSettings

class Finder:
    def find_spec(self, name, path, target=None):
        if name in ("opendal", "zstandard"):
            print(name, threading.current_thread() is threading.main_thread())

sys.meta_path.insert(0, Finder())
url = sys.argv[1]
settings = RemoteSettings(
    url, url, reads=True, writes=True, secret="", limit=20, upload_limit=20
)
remote = Remote(settings, print)
assert remote.pull(bytes(32)) is None
remote.close()
"""


def serve(nginx: Nginx, seconds: float) -> None:
    """Put a pack there that took so long to make."""
    Service(nginx.url, 20).write(path_of(NAME, b""), make_pack(NAME, VALUES, seconds, b""))


def test_a_pack_that_comes_and_is_worth_it_is_awaited(nginx: Nginx, proxy: Proxy) -> None:
    serve(nginx, seconds=1e6)
    proxy.trickle, proxy.at_once = 0.0005, 500
    said: list[str] = []
    remote = remote_at(proxy.url, said, limit=1.0)
    assert (remote.pull(NAME), said) == (VALUES, [])
    assert remote.figures.waited > 1.0  # else this shows nothing
    assert remote.left == 1.0


def test_one_that_is_not_worth_it_is_not(nginx: Nginx, proxy: Proxy) -> None:
    serve(nginx, seconds=0.1)
    proxy.trickle = 0.0005
    said: list[str] = []
    remote = remote_at(proxy.url, said, limit=0.2)
    assert remote.pull(NAME) is None
    assert len(said) == 1
    assert remote.left == 0


def test_one_that_stops_coming_is_not(nginx: Nginx, proxy: Proxy) -> None:
    serve(nginx, seconds=1e6)
    proxy.trickle, proxy.stops_at = 0.00001, 2000
    said: list[str] = []
    remote = remote_at(proxy.url, said, limit=0.5)
    assert remote.pull(NAME) is None
    assert len(said) == 1


def test_waits_in_vain_add_up(nginx: Nginx, proxy: Proxy) -> None:
    proxy.delay = 0.02
    said: list[str] = []
    remote = remote_at(proxy.url, said, limit=0.25)
    for number in range(100):
        assert remote.pull(hashlib.sha256(b"%d" % number).digest()) is None
    assert len(said) == 1
    assert remote.figures.misses < 20


def test_what_is_missing_is_asked_once(nginx: Nginx) -> None:
    said: list[str] = []
    remote = remote_at(nginx.url, said, limit=20)
    before = len(nginx.requests())
    assert [remote.pull(bytes(32)), remote.pull(bytes(32))] == [None, None]
    assert len(nginx.requests()) == before + 1
    assert said == []


def test_imports_are_none_of_the_limits_business(nginx: Nginx) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, nginx.url],
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert sorted(done.stdout.splitlines()) == ["opendal True", "zstandard True"]


def test_what_was_pushed_can_be_pulled(nginx: Nginx) -> None:
    said: list[str] = []
    remote = remote_at(nginx.url, said, limit=20)
    name = hashlib.sha256(b"pushed").digest()
    assert remote.pull(name) is None
    remote.push(name, VALUES)
    assert [*remote.close()] == [name]
    other = remote_at(nginx.url, said, limit=20)
    assert other.pull(name) == VALUES
    assert said == []
    assert other.figures.saved >= 0


def test_what_was_pulled_is_used_where_it_cannot_be_kept(nginx: Nginx, tmp_path: Path) -> None:
    name = hashlib.sha256(b"not kept").digest()
    Service(nginx.url, 20).write(path_of(name, b""), make_pack(name, {name: b"value"}, 1, b""))
    Store(str(tmp_path)).close()
    store = Store(str(tmp_path))
    store.remote = remote_at(nginx.url, [], limit=20)
    (tmp_path / LAYOUT / DATABASE).chmod(0o666)  # others may write it: it is not used
    assert store.get_or_pull(name) == b"value"
    assert store.get(name) == b"value"
