"""How pages of the documentation are run: what is wrong in a page fails its test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.pages import PageError, blocks_of, run_page


def run(page: str, folder: Path) -> list[str]:
    return run_page(page, folder, os.environ)


def fenced(info: str, text: str) -> str:
    return f"Text.\n\n```{info}\n{text}```\n"


def test_a_right_page_passes(tmp_path: Path) -> None:
    page = (
        fenced("text notes/a.txt", "one\n")
        + fenced("text notes/a.txt", "two\n")
        + fenced("sh", "cp notes/a.txt b.txt\n")
        + fenced("console", "$ cat b.txt\none\ntwo\n$ echo three; \\\n  false\nthree\n")
        + fenced("python", "open('c.txt', 'w').close()\n")
    )
    assert run(page, tmp_path) == []
    assert (tmp_path / "c.txt").exists()


@pytest.mark.parametrize(
    "shown",
    ["one\n", "one\ntwo\nthree\n", "two\none\n", "", "one\ntwo", "...\none\n"],
)
@pytest.mark.parametrize("language", ["console", "sh"])
def test_a_wrong_output_fails(language: str, shown: str, tmp_path: Path) -> None:
    page = fenced(language, f"$ printf 'one\\ntwo\\n'\n{shown}$ true\n")
    with pytest.raises(PageError, match="line 4: other output: printf"):
        run(page, tmp_path)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("12:00:01 in 5 ms", "23:59:59 in 1,234.5 ms"),
        ("2 s", "0.31 s"),
        ("512 MiB, 5 bytes", "3.5 GiB, 70 bytes"),
        ("at /home/me/x.json: 1", "at /tmp/a-b/y.json: 1"),
    ],
)
def test_times_sizes_and_absolute_paths_may_differ(
    shown: str, printed: str, tmp_path: Path
) -> None:
    run(fenced("console", f"$ echo '{printed}'\n{shown}\n"), tmp_path)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [("a / b", "a / c"), ("out/a.json", "out/b.json"), ("5 files", "6 files"), ("a.b", "acb")],
)
def test_other_words_may_not_differ(shown: str, printed: str, tmp_path: Path) -> None:
    with pytest.raises(PageError):
        run(fenced("console", f"$ echo '{printed}'\n{shown}\n"), tmp_path)


def test_three_dots_stand_for_any_lines(tmp_path: Path) -> None:
    run(fenced("console", "$ seq 9\n1\n...\n8\n9\n"), tmp_path)
    run(fenced("console", "$ seq 2\n1\n...\n2\n"), tmp_path)


@pytest.mark.parametrize(
    "page",
    [
        fenced("sh", "false\ntrue\n"),
        fenced("console", "$ false\n"),
        fenced("python", "raise SystemExit(3)\n"),
    ],
)
def test_a_command_that_fails_in_silence_fails(page: str, tmp_path: Path) -> None:
    with pytest.raises(PageError, match="line 4: exit status"):
        run(page, tmp_path)


@pytest.mark.parametrize(
    "page",
    [
        fenced("", "derivload emit\n"),
        fenced("json", "{}\n"),
        fenced("bash", "true\n"),
        "<!-- note -->\n" + fenced("json", "{}\n"),
        "<!-- not run: -->\n```json\n{}\n```\n",
        "Text.\n\n    derivload emit\n",
        "Text.\n\n~~~sh\ntrue\n~~~\n",
        "- item\n\n  ```sh\n  true\n  ```\n",
        "<pre>derivload emit</pre>\n",
        "<!-- not run: nothing comes after it -->\n\nText.\n",
        "```sh\ntrue\n",
    ],
)
def test_code_that_is_neither_run_nor_marked_fails(page: str, tmp_path: Path) -> None:
    with pytest.raises(PageError, match=r"neither run nor marked|in no block that can be run"):
        run(page, tmp_path)


def test_a_console_block_begins_with_a_command(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="begins with"):
        run(fenced("console", "one\n"), tmp_path)


def test_a_marked_block_is_not_run_and_its_reason_is_told(tmp_path: Path) -> None:
    page = "<!-- not run: it needs\nan editor -->\n```sh\nfalse\n```\n" + fenced("sh", "true\n")
    assert run(page, tmp_path) == ["it needs an editor"]


def test_a_block_knows_its_line_and_language() -> None:
    (block,) = blocks_of("# Title\n\n```cmake CMakeLists.txt\nproject(x)\n```\n")
    assert (block.line, block.language, block.file) == (4, "cmake", "CMakeLists.txt")


def test_files_are_edited_while_a_command_runs(tmp_path: Path) -> None:
    page = (
        "<!-- meanwhile\n1: echo two >> a.txt\n2: echo three >> a.txt\n-->\n"
        "```console\n$ echo one > a.txt; tail -f a.txt\none\ntwo\n{}\n```\n"
    )
    assert run(page.format("three"), tmp_path) == []
    with pytest.raises(PageError, match="line 6: other output"):
        run(page.format("four"), tmp_path)
