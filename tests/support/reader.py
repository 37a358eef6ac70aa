"""The machine of somebody who reads a page: derivload is installed, and nothing is downloaded.

A Python with derivload, and its commands, are the first on PATH. pip finds a torch wheel, made of
a release that the tests have, and Bazel its own rules, which the example has.
"""

from __future__ import annotations

import os
from pathlib import Path

from support.bazel_workspace import OFFLINE_OPTIONS, environment_with
from support.paths import SOURCE
from support.torch_index import make_wheel

_COMMANDS = {
    "derivload": "from derivload.cli import main; sys.exit(main())",
    "derivwatch": "from derivload.cli import watch; sys.exit(watch())",
}


def readers_environment(folder: Path, release: Path) -> dict[str, str]:
    """The environment of the commands of a page; all that it names is in `folder`."""
    python = environment_with(folder / "venv", SOURCE)
    for name, program in _COMMANDS.items():
        command = python.with_name(name)
        command.write_text(f'#!/bin/sh\nexec "{python}" -c "import sys; {program}" "$@"\n', "utf-8")
        command.chmod(0o755)
    (folder / "home").mkdir()
    (folder / "home" / ".bazelrc").write_text(
        f"startup --output_user_root={folder / 'bazel'} --host_jvm_args=-Xmx768m\n"
        "startup --max_idle_secs=120\n"
        f"build {' '.join(OFFLINE_OPTIONS)}\n"
        "build --color=no --curses=no --noshow_progress\n",
        "utf-8",
    )
    _make_wheel_of(release, folder / "wheels")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {
        **kept,
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "LC_ALL": "C.UTF-8",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder / "wheels"),
    }


def _make_wheel_of(release: Path, folder: Path) -> None:
    files = {
        path.relative_to(release).as_posix(): path.read_text("utf-8")
        for path in sorted(release.glob("torchgen/**/*"))
        if path.is_file() and path.suffix != ".pyc"
    }
    make_wheel(folder, (release / "version.txt").read_text("utf-8").strip(), files)
