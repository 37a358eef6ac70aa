"""Many containers at once, each with edits of its own: every output is that of a cold load."""

from __future__ import annotations

import random
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.cache_servers import Nginx
from support.containers import Container, nginx, place, place_on, redis
from support.paths import DERIVATIVES
from support.project import Project

__all__ = ["nginx", "place", "redis"]

_FEW, _MANY = (4, 3), (16, 63)
_GRADIENT = re.compile(r"\bgrad\b")


def edit(project: Project, chosen: random.Random) -> None:
    """Edit one formula; few edits are possible, so that containers have the same ones."""
    text = project[DERIVATIVES].read_text("utf-8")
    found = list(_GRADIENT.finditer(text))[:6]
    at = chosen.choice(found)
    factor = chosen.choice(["2", "3"])
    project[DERIVATIVES].write_text(f"{text[: at.start()]}{factor} * {text[at.start() :]}", "utf-8")


def build(container: Container, seed: int, runs: int) -> list[str]:
    """Run again and again: at each second run in a container that has nothing. What went wrong."""
    chosen = random.Random(seed)
    project = container.project
    begun = project[DERIVATIVES].read_bytes()
    wrong = []
    for number in range(runs):
        edit(project, chosen)
        if number % 2:
            shutil.rmtree(container.folder / "home/cache", ignore_errors=True)
            shutil.rmtree(project.out)
        shards = chosen.choice([(), ("--shards", "2")])
        ran = container.emit(*shards)
        cold = project.folder / "cold"
        alone = container.call(
            *("emit", *project.options, "--out-dir", str(cold), "--no-cache", *shards)
        )
        same = {path.name: path.read_bytes() for path in cold.glob("[!.]*")}
        if (ran.status, alone.status) != (0, 0) or project.documents() != same:
            wrong.append(f"seed {seed}, run {number}: {ran.err}{alone.err}")
        shutil.rmtree(cold)
        if number % 4 == 3:
            project[DERIVATIVES].write_bytes(begun)
    return wrong


@pytest.mark.parametrize("server", ["nginx", pytest.param("redis", marks=pytest.mark.thorough)])
def test_every_output_is_that_of_a_cold_load(
    request: pytest.FixtureRequest, tmp_path: Path, server: str, nginx: Nginx
) -> None:
    is_long = bool(request.config.getoption("--long")) and server == "nginx"
    clients, runs = _MANY if is_long else _FEW
    url = place_on(request, server)
    containers = [Container(tmp_path / f"c{number}", url) for number in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        told = pool.map(build, containers, range(clients), [runs] * clients)
        assert [line for lines in told for line in lines] == []
