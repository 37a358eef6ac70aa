"""What docs/editors.md has to paste shows a mistake in its editor; the extension for VS Code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from derivload.version import __version__
from support.building import run
from support.child import child_environment
from support.language_client import write_catalogue
from support.pages import blocks_of
from support.paths import DERIVATIVES, FILES, ROOT, SOURCE

PAGE = (ROOT / "docs" / "editors.md").read_text("utf-8")
EXTENSION = ROOT / "editors" / "vscode"
SHOW_IN_NEOVIM = """
vim.wait(60000, function() return #vim.diagnostic.get(0) > 0 end, 20)
local seen = vim.diagnostic.get(0)[1]
if not seen then vim.cmd('cquit') end
local words = vim.fn.getline(seen.lnum + 1):sub(seen.col + 1, seen.end_col)
vim.fn.writefile({ words .. ' ' .. seen.code }, 'told.txt')
vim.cmd('qa!')
"""


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}")
    return found


def command_in(folder: Path) -> Path:
    """The command `derivload`, of this checkout."""
    folder.mkdir()
    command = folder / "derivload"
    command.write_text(
        f"#!/bin/sh\nPYTHONPATH='{SOURCE}' exec '{sys.executable}' -m derivload \"$@\"\n", "utf-8"
    )
    command.chmod(0o755)
    return command


def told_by(folder: Path, configuration: str, command: list[str]) -> str:
    """What an editor shows of a mistake in the catalogue, with a configuration of the page."""
    write_catalogue(folder)
    derivatives = folder / DERIVATIVES
    text = derivatives.read_text("utf-8")
    derivatives.write_text(text.replace("self: grad * luster", "self: grad * lustre"), "utf-8")
    (block,) = [block for block in blocks_of(PAGE) if block.file == configuration]
    (folder / configuration).write_text(block.text, "utf-8")
    path = f"{command_in(folder / 'bin').parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        command,
        cwd=folder,
        env=child_environment(PATH=path, HOME=str(folder), XDG_STATE_HOME=str(folder / "state")),
        check=True,
        timeout=300,
        capture_output=True,
    )
    return (folder / "told.txt").read_text("utf-8").strip()


def test_neovim_with_the_lines_of_the_page(tmp_path: Path) -> None:
    neovim = program("nvim")
    (tmp_path / "show.lua").write_text(SHOW_IN_NEOVIM, "utf-8")
    command = [neovim, "--headless", "-u", "init.lua", "-n", DERIVATIVES, "-c", "luafile show.lua"]
    assert told_by(tmp_path, "init.lua", command) == "lustre DL602"


def test_emacs_with_the_lines_of_the_page(tmp_path: Path) -> None:
    emacs = [program("emacs"), "--batch"]
    has_eglot = subprocess.run([*emacs, "-l", "eglot"], capture_output=True, check=False)
    if has_eglot.returncode:
        pytest.skip("there is no eglot")
    script = ROOT / "tests" / "support" / "emacs.el"
    told = told_by(tmp_path, "init.el", [*emacs, "-l", "init.el", "-l", str(script)])
    assert told.startswith("lustre derivload [DL602]: `lustre` is not an argument")


# --- VS Code


def test_the_extension_names_what_is_there() -> None:
    package = json.loads((EXTENSION / "package.json").read_text("utf-8"))
    source = (EXTENSION / package["main"]).read_text("utf-8")
    settings = package["contributes"]["configuration"]["properties"]
    asked = re.findall(r"settings\.get\('(\w+)'\)", source)
    assert sorted(f"derivload.{name}" for name in asked) == sorted(settings)
    assert settings["derivload.files"]["default"] == [f"**/{name}" for name in FILES]
    assert package["version"] == __version__
    assert f"derivload-{__version__}.vsix" in PAGE
    # Beside what VS Code brings and what is in the folder, only what it depends on is required.
    required = set(re.findall(r"require\('([^']+)'\)", source)) - {"vscode"}
    folders = {name.partition("/")[0] for name in required if not name.startswith(".")}
    assert folders == set(package["dependencies"])
    assert all((EXTENSION / f"{name}.js").exists() for name in required if name.startswith("."))


def test_the_extension_is_built_and_its_command_is_a_server(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if not request.config.getoption("--long") or request.config.getoption("--offline"):
        pytest.skip("it installs with npm, which is for --long")
    npm = program("npm")
    folder = tmp_path / "vscode"
    shutil.copytree(EXTENSION, folder, ignore=shutil.ignore_patterns("node_modules", "*.vsix"))
    run([npm, "install"], cwd=folder)
    run([npm, "test"], cwd=folder, DERIVLOAD=str(command_in(tmp_path / "bin")))
    files = run([npm, "exec", "--", "vsce", "ls"], cwd=folder).splitlines()
    own = {name for name in files if not name.startswith("node_modules/")} & {
        path.name for path in folder.iterdir()
    }
    assert own == {"README.md", "extension.js", "package.json", "server.js"}
    assert "node_modules/vscode-languageclient/node.js" in files
    run([npm, "run", "package"], cwd=folder)
    assert (folder / f"derivload-{__version__}.vsix").exists()
