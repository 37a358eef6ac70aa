"""Every dependency in the lowest version that pyproject.toml allows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from support.building import build, run
from support.paths import ROOT
from support.telling import Unavailable

# Each dependency is used by at least one of these.
TELLING = (
    *("test_emit.py", "test_check.py", "test_show.py", "test_cache_command.py"),
    *("test_damaged_entries.py", "test_diskcache.py", "test_watch.py", "test_fetch.py"),
    *("test_watchdog_internals.py", "test_codegen_sources.py", "test_completion.py"),
    *("test_bad_clients.py", "test_explore.py", "test_packs.py", "test_remote_cache.py"),
)
# The progress bar of so old a pip is another one.
NEWER = "not draws_its_bar"
TOOLS = ("pytest", "pytest-xdist", "hypothesis", "jsonschema", "trustme")


def lowest(python: str = sys.executable) -> dict[str, str]:
    """The lowest versions that the project allows, by name; of what this Python needs."""
    code = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    version = run([python, "-c", code]).strip()
    environments = [{"python_version": version, "extra": extra} for extra in ("lsp", "remote")]
    found = {}
    for requirement in map(Requirement, metadata.requires("derivload") or []):
        marker = requirement.marker
        if marker is not None and not any(map(marker.evaluate, environments)):
            continue
        (version,) = [bound.version for bound in requirement.specifier if bound.operator == ">="]
        found[requirement.name] = version
    return found


def test_every_dependency_has_a_lowest_version() -> None:
    assert {"diskcache", "msgspec", "opendal", "pip", "pygls", "watchdog"} <= {*lowest()}


def oldest_python() -> str:
    """The oldest Python here. One of 3.12 or newer is newer than some of the lowest versions."""
    code = "import sys; sys.exit(sys.version_info >= (3, 12))"
    for python in ("python3.10", "python3.11", sys.executable):
        found = shutil.which(python)
        if found and not subprocess.run([found, "-c", code], check=False).returncode:
            return found
    pytest.skip("the lowest versions are older than each Python here")


@pytest.mark.thorough
def test_the_lowest_versions_do(
    tmp_path: Path, unavailable: Unavailable, is_offline: bool, seed: int
) -> None:
    if is_offline:
        unavailable("no index to install from")
    wheel = build("wheel", tmp_path / "wheel")
    constraints = tmp_path / "lowest.txt"
    oldest = oldest_python()
    wanted = lowest(oldest)
    pins = [f"{name}=={version}\n" for name, version in wanted.items()]
    constraints.write_text("".join(pins), "utf-8")
    run([oldest, "-m", "venv", str(tmp_path / "environment")])
    python = str(tmp_path / "environment" / ("Scripts" if os.name == "nt" else "bin") / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--constraint", str(constraints)]
    run([*pip, f"{wheel}[lsp,remote]", *TOOLS])
    names = [*wanted]
    code = f"from importlib.metadata import version; print(*map(version, {names}))"
    installed = dict(zip(names, run([python, "-c", code]).split(), strict=True))
    assert not [name for name in names if not installed[name].startswith(wanted[name])]
    files = [path for name in TELLING for path in ROOT.glob(f"tests/**/{name}")]
    assert [path.name for path in files] == [*TELLING]
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", NEWER]
    run([*command, *map(str, files)], cwd=ROOT, DERIVLOAD_TEST_SEED=str(seed))
