"""Containers of a CI: folders with a project, a home and a cache of their own, one remote cache."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest

from support import forks
from support.cache_servers import Nginx, Proxy, running_nginx, running_proxy, running_redis
from support.child import child_environment
from support.project import Project, Ran

# A limit that no busy machine reaches.
PATIENT = "20000"
_numbers = itertools.count()


class Container:
    """A folder with a home and a cache of its own, and derivload in it.

    `variables` are those of all its runs.
    """

    def __init__(self, folder: Path, url: str, **variables: str) -> None:
        self.folder = folder
        self.url = url
        home = folder / "home"
        home.mkdir(parents=True)
        self.variables = {"HOME": str(home), "USER": folder.name, "HOSTNAME": folder.name}
        self.variables["DERIVLOAD_CACHE_DIR"] = str(home / "cache")
        self.variables.update(variables)

    @cached_property
    def project(self) -> Project:
        """The catalogue, in a folder inside."""
        return Project(self.folder / "src")

    def call(self, *arguments: str, cwd: Path | None = None, limit: str = PATIENT) -> Ran:
        """Run derivload in a process of its own."""
        limits = {"DERIVLOAD_REMOTE_LIMIT": limit, "DERIVLOAD_REMOTE_CACHE": self.url}
        done = forks.run(
            arguments,
            cwd=cwd or self.folder,
            env=child_environment(**{**limits, **self.variables}),
            timeout=300,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def exit_of(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run a command that must end well, and return which exit it took."""
        ran = self.call(*arguments, cwd=cwd)
        assert ran.status == 0, ran.err
        found: str = json.loads(ran.out.splitlines()[-1])["exit"]
        return found

    def emit(self, *more: str, limit: str = PATIENT) -> Ran:
        """Run `emit` on the project."""
        options = [*self.project.options, "--out-dir", str(self.project.out), "--stats=json"]
        return self.call("emit", *options, *more, limit=limit)

    def exit_of_emit(self, *more: str) -> str:
        """Run `emit` on the project, and return which exit it took."""
        ran = self.emit(*more)
        assert ran.status == 0, ran.err
        found: str = json.loads(ran.out)["exit"]
        return found


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with running_nginx(tmp_path_factory.mktemp("nginx")) as server:
        yield server


@pytest.fixture
def proxy(nginx: Nginx) -> Iterator[Proxy]:
    with running_proxy(nginx.port) as found:
        yield found


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_redis(tmp_path_factory.mktemp("redis"), "--databases", "10000") as url:
        yield url


@pytest.fixture(params=["nginx", pytest.param("redis", marks=pytest.mark.thorough)])
def url(request: pytest.FixtureRequest) -> str:
    """A place on each of the servers, in which nothing is yet."""
    return place_on(request, request.param)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """A place on nginx, in which nothing is yet."""
    return place_on(request, "nginx")


def place_on(request: pytest.FixtureRequest, server: str) -> str:
    found = request.getfixturevalue(server)
    return f"{found.url if isinstance(found, Nginx) else found}/{next(_numbers)}"
