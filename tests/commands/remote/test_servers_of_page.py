"""The configurations in docs/team-cache.md are those of servers that work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from support.cache_servers import running_nginx, running_redis
from support.containers import Container
from support.paths import ROOT

_PAGE = (ROOT / "docs/team-cache.md").read_text("utf-8")
_USERS = "ci:{PLAIN}open-sesame\n"
_OFF = "note: going on without the remote cache"


def block(language: str, beginning: str) -> str:
    """The text of the page's block in this language that begins so."""
    found = re.findall(rf"```{language}\n(.*?)```", _PAGE, re.DOTALL)
    [text] = [text for text in found if text.startswith(beginning)]
    return str(text)


def test_nginx_lets_everybody_read_and_builds_of_your_own_write(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text(_USERS, "utf-8")
    users.chmod(0o644)
    text = block("nginx", "server {").replace("/etc/nginx/derivload.users", str(users))
    with running_nginx(tmp_path / "nginx", server=text) as server:
        url = f"{server.url}/derivload"
        stranger = Container(tmp_path / "stranger", url)
        assert stranger.emit().err.count(_OFF) == 1
        assert server.packs() == []
        password = {"DERIVLOAD_REMOTE_USER": "ci", "DERIVLOAD_REMOTE_PASSWORD": "open-sesame"}
        ran = Container(tmp_path / "main", url, **password).emit()
        assert (ran.status, _OFF in ran.err) == (0, False)
        assert len(server.packs()) == 2
        assert Container(tmp_path / "other", url).exit_of_emit() == "stored"


def test_redis_forgets_what_was_not_used_for_longest(tmp_path: Path) -> None:
    [options] = [line for line in block("sh", "redis-server").splitlines() if line]
    with running_redis(tmp_path / "redis", *shlex.split(options)[1:]) as url:
        address = f"{url}/0?default_ttl=336h"
        assert Container(tmp_path / "first", address).exit_of_emit() == "cold"
        assert Container(tmp_path / "second", address).exit_of_emit() == "stored"
