"""A store that speaks S3 as a remote cache: moto's server, from the package index."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cache_servers import running_moto
from support.containers import Container
from support.telling import Unavailable

pytestmark = pytest.mark.thorough

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret of the bucket"}


@pytest.fixture(scope="module")
def s3(
    tmp_path_factory: pytest.TempPathFactory, unavailable: Unavailable, is_offline: bool
) -> Iterator[str]:
    """The address of a bucket."""
    if is_offline:
        unavailable("no index to install moto from")
    folder = tmp_path_factory.mktemp("moto")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    install = [
        str(folder / "venv/bin/python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "moto[s3,server]",
    ]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        unavailable("moto cannot be installed", done.stderr)
    with running_moto(folder / "venv") as url:
        urllib.request.urlopen(urllib.request.Request(f"{url}/team", method="PUT"), timeout=60)
        yield f"s3://team/derivload?endpoint={url}&region=us-east-1"


def test_another_container_parses_nothing(s3: str, tmp_path: Path) -> None:
    first, second = (Container(tmp_path / name, s3, **CREDENTIALS) for name in ("a", "other/b"))
    assert first.exit_of_emit() == "cold"
    ran = second.emit("--verbose")
    assert '"exit": "stored"' in ran.out, ran.err
    assert first.project.documents() == second.project.documents()
    assert not any(secret in ran.out + ran.err for secret in CREDENTIALS.values())


def test_without_credentials_the_run_goes_on(s3: str, tmp_path: Path) -> None:
    ran = Container(tmp_path / "a", s3.replace("//team", "//no-such-bucket")).emit()
    assert ran.status == 0
    assert "going on without" in ran.err
