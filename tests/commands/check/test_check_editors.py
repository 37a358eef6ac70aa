"""What docs/diagnostics.md gives editors, read by the editors themselves where they are there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from support.checks import DERIVATIVES, INPUTS, MISTAKEN, project
from support.paths import ROOT
from support.project import Project

__all__ = ["project"]  # fixtures

PAGE = (ROOT / "docs" / "diagnostics.md").read_text("utf-8")


def printed(project: Project) -> str:
    """What check prints: to both streams, as a build of an editor shows it."""
    project.write(MISTAKEN + "- name: 3\n")
    ran = project.run("check", *INPUTS)
    assert ran.status == 1
    return ran.out + ran.err


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_vim_reads_it(project: Project, unavailable: Callable[[str], NoReturn]) -> None:
    if shutil.which("vim") is None:
        unavailable("there is no vim on this machine")
    Path("printed.txt").write_text(printed(project), "utf-8")
    shown = 'printf("%s:%d:%d:%s:%s", bufname(q.bufnr), q.lnum, q.col, q.type, q.text)'
    Path("read.vim").write_text(
        f"{block('vim')}cgetfile printed.txt\n"
        f"call writefile(map(getqflist(), {{_, q -> {shown}}}), 'found.txt')\nqa!\n",
        "utf-8",
    )
    subprocess.run(["vim", "-es", "-u", "NONE", "-S", "read.vim"], check=True, timeout=60)
    first, second = Path("found.txt").read_text("utf-8").splitlines()
    assert first.startswith("derivatives.yaml:2:20:e:[DL420]: a formula cannot use `sizes`")
    assert second.startswith("derivatives.yaml:4:9:e:[DL007]: ")


def test_emacs_reads_it(project: Project, unavailable: Callable[[str], NoReturn]) -> None:
    if shutil.which("emacs") is None:
        unavailable("there is no emacs on this machine")
    Path("printed.txt").write_text(printed(project), "utf-8")
    Path("read.el").write_text(
        """
        (require 'compile)
        (find-file "printed.txt")
        (compilation-mode)
        (compilation--ensure-parse (point-max))
        (goto-char (point-min))
        (ignore-errors
          (while t
            (let* ((message (get-text-property (point) 'compilation-message))
                   (place (and message (compilation--message->loc message))))
              (when place
                (princ (format "%s:%s:%s:%s\\n"
                               (caar (compilation--loc->file-struct place))
                               (compilation--loc->line place)
                               (compilation--loc->col place)
                               (compilation--message->type message)))))
            (compilation-next-error 1)))
        """,
        "utf-8",
    )
    done = subprocess.run(
        ["emacs", "-Q", "-batch", "-l", "read.el"], capture_output=True, check=True, timeout=60
    )
    # 2 is an error.
    assert done.stdout.decode().splitlines() == [
        "derivatives.yaml:2:20:2",
        "derivatives.yaml:4:9:2",
    ]


def test_a_task_of_vs_code_reads_it(project: Project) -> None:
    once, again = json.loads(block("json"))["tasks"]
    lines = printed(project).splitlines()
    for task in (once, again):
        pattern = task["problemMatcher"]["pattern"]
        matches = [found for line in lines if (found := re.search(pattern["regexp"], line))]
        read = [[found[pattern[key]] for key in ("file", "line", "column")] for found in matches]
        assert read == [["derivatives.yaml", "2", "20"], ["derivatives.yaml", "4", "9"]]
        assert [found[pattern["severity"]] for found in matches] == ["error", "error"]
        assert matches[0][pattern["code"]] == "DL420"
        assert matches[0][pattern["message"]].startswith("a formula cannot use")
    ends: Any = again["problemMatcher"]["background"]["endsPattern"]
    assert [line for line in lines if re.search(ends, line)] == [
        "derivload: 2 errors in derivatives.yaml, native_functions.yaml, tags.yaml"
    ]
    project.write(DERIVATIVES)
    assert re.search(ends, project.check().err.rstrip("\n"))
