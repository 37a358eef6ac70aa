"""The completions that derivload prints, asked of real shells."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from derivload.cli import main
from support.telling import Unavailable

CASES = {
    "derivload ch": {"check"},
    "derivload --ver": {"--version", "--verbose"},
    "derivload check --fo": {"--format"},
    "derivload check --format g": {"github"},
    "derivload check --derivatives al": {"alpha.yaml", "albums"},
    "derivload check al": {"alpha.yaml", "albums"},
    "derivload emit --out-dir al": {"albums"},
    "derivload run al": {"alpha.yaml", "albums"},
    "derivload cache c": {"clear"},
    "derivwatch --on-busy q": {"queue"},
}
# bash's own way: it is told the words, and answers in COMPREPLY.
BASH = """
source completion.bash
source derivwatch.bash
while read -r line; do
  COMP_WORDS=($line)
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMPREPLY=()
  function=$(complete -p ${COMP_WORDS[0]} | sed 's/.* -F \\([^ ]*\\).*/\\1/')
  $function "${COMP_WORDS[0]}" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
  echo "${COMPREPLY[*]}"
done
"""
FISH = """
source completion.fish
source derivwatch.fish
while read -l line
  string join -- " " (complete -C $line | string replace -r "\\t.*" "" | string trim -r -c /)
end
"""
ZSH = """
PROMPT='> '
fpath=($PWD $fpath)
autoload -Uz compinit
compinit -u -D
"""


@pytest.fixture
def folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    """A folder with the completions of all shells, a file and a folder."""
    monkeypatch.chdir(tmp_path)
    Path("alpha.yaml").touch()
    Path("albums").mkdir()
    for program, name in (("derivload", "completion"), ("derivwatch", "derivwatch")):
        monkeypatch.setattr(sys, "argv", [program])
        for shell in ("bash", "zsh", "fish"):
            assert main(["--print-completion", shell]) == 0
            Path(f"{name}.{shell}").write_text(capsys.readouterr().out, "utf-8")
    return tmp_path


def ask(shell: str, *arguments: str) -> dict[str, set[str]]:
    """What a shell completes each case to."""
    done = subprocess.run(
        [shell, *arguments],
        input="".join(f"{case}\n" for case in CASES),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(Path.cwd())},
    )
    assert done.stderr == ""
    return {
        case: set(line.split()) for case, line in zip(CASES, done.stdout.splitlines(), strict=True)
    }


@pytest.mark.usefixtures("folder")
def test_bash(unavailable: Unavailable) -> None:
    if shutil.which("bash") is None:
        unavailable("there is no bash on this machine")
    assert ask("bash", "--norc", "-c", BASH) == CASES


@pytest.mark.usefixtures("folder")
def test_fish(unavailable: Unavailable) -> None:
    if shutil.which("fish") is None:
        unavailable("there is no fish on this machine")
    assert ask("fish", "--no-config", "-c", FISH) == CASES


def test_zsh(folder: Path, unavailable: Unavailable, thinning: int) -> None:
    """It completes only in a terminal."""
    zsh = shutil.which("zsh")
    if zsh is None:
        unavailable("there is no zsh on this machine")
    (folder / "_derivload").write_bytes((folder / "completion.zsh").read_bytes())
    (folder / "_derivwatch").write_bytes((folder / "derivwatch.zsh").read_bytes())
    (folder / ".zshrc").write_text(ZSH, "utf-8")
    certain = [(case, word) for case, (word, *more) in CASES.items() if not more]
    for case, word in certain[:: min(thinning, 2)]:
        assert f"{case.rpartition(' ')[0]} {word}" in typed_in_zsh(zsh, f"{case}\t")


def typed_in_zsh(zsh: str, keys: str) -> str:
    """The command line that zsh has when these keys were typed."""
    import pty  # not on Windows

    environment = {**os.environ, "ZDOTDIR": str(Path.cwd()), "TERM": "dumb", "COLUMNS": "200"}
    pid, terminal = pty.fork()
    if not pid:
        os.execve(zsh, [zsh, "-i"], environment)
    try:
        read_until(terminal, "> ")
        # What the completion has put there is an argument of `print`.
        os.write(terminal, f"{keys}\x01print -r -- line: \n".encode())
        return read_until(terminal, "\nline: ", "\n")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def read_until(terminal: int, *marks: str) -> str:
    """What the terminal shows between the last mark but one and the last."""
    text, between = "", ""
    end = time.monotonic() + 60
    for mark in marks:
        while mark not in text:
            ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
            assert ready, f"no {mark!r} in {text!r}"
            text += os.read(terminal, 4096).decode("utf-8", "replace").replace("\r", "")
        between, _, text = text.partition(mark)
    return between


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print-completion", "bsah"]) == 2
    assert "did you mean `bash`?" in capsys.readouterr().err


def test_nothing_else_imports_what_makes_completions() -> None:
    code = "import sys; from derivload.cli import main; main(['--version']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "argparse" in done.stdout.split()
    assert "shtab" not in done.stdout.split()
