"""The forms of `derivload diff`: all of one report in each of them."""

from __future__ import annotations

import io
import re
import sys

import pytest

from derivload.commands.diff.forms import print_form
from derivload.commands.diff.report import DiffReport
from derivload.commands.diff.sides import Side
from derivload.commands.diff.text import print_text, summary_of
from derivload.engine.difference import Change, FullDifference, FunctionChange, Renamed
from derivload.engine.folding import Widespread
from derivload.engine.lines import DocumentLines
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.terminal import colour
from support.terminal_runs import with_marks

LINES = DocumentLines("2.15", (), [], [], [], [], facts=None)
CHANGED = FunctionChange("both", (Change("backward", "self", "grad * a", "grad * b"),))
REPORT = DiffReport(
    before=Side("old", LINES),
    after=Side("new`", LINES),
    found=FullDifference(
        added=(FunctionChange("came", (Change("schema", "", None, "came()"),)),),
        removed=(FunctionChange("went", (Change("schema", "", "went()", None),)),),
        changed=(CHANGED, FunctionChange("folded", ())),
        documents=(Change("torch_version", "", "2.14", "2.15"),),
        renamed=(Renamed("one", "other", 0.876, (Change("node", "", "A", "B"),)),),
    ),
    changed=(CHANGED,),
    widespread=(Widespread("spelling", "<at>", "at", ("f", "g")),),
)
NOTE = "kernels and autogen are not compared: old and new` do not say them"
EMPTY = REPORT._replace(found=FullDifference(), changed=(), widespread=())


def test_on_a_terminal_words_that_differ_are_marked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(colour, "_chosen", ["always"])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    print_text(REPORT)
    assert with_marks(capsys.readouterr().out) == (
        "<1>~ </>torch_version: 2.14 -> 2.15\n"
        "<1>* </><36>spelling  </><at> -> at  in 2 functions\n"
        "<31>- </><31>went</>\n"
        "<36>    schema  </><31>- </><31>went()</>\n"
        "<32>+ </><32>came</>\n"
        "<36>    schema  </><32>+ </><32>came()</>\n"
        "<1>~ </><1>both</>\n"
        "<36>    backward self  </><31>- </><31>grad * </><7;31>a</>\n"
        "<36>                   </><32>+ </><32>grad * </><7;32>b</>\n"
        "<1>> </><1>one -> other</><2>  88 % alike</>\n"
        "<36>    node  </><31>- </><7;31>A</>\n"
        "<36>          </><32>+ </><7;32>B</>\n"
        "<1>old -> new`: 1 added, 1 removed, 1 renamed, 2 changed</>\n"
        f"<2>note: {NOTE}</>\n"
    )


def test_without_colour_nothing_is_marked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(colour, "_chosen", ["never"])
    print_text(REPORT)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:4] == ["- went", "    schema  - went()"]
    assert lines[-2:] == [
        *("old -> new`: 1 added, 1 removed, 1 renamed, 2 changed", f"note: {NOTE}"),
    ]
    assert max(map(len, lines)) > 60


def test_counts_have_a_line_for_each_kind_of_change(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(colour, "_chosen", ["always"])
    print_text(REPORT, only_counts=True)
    head, widespread, *counts, summary, _ = with_marks(capsys.readouterr().out).splitlines()
    assert head == "<1>~ </>torch_version: 2.14 -> 2.15"
    assert widespread.startswith("<1>* </><36>spelling")
    assert len(counts) > 1
    assert all(re.fullmatch(r"<36>  \w+ *  </>[1-9]\d*", line) for line in counts)
    assert summary.startswith("<1>old -> new`: 1 added")


def test_a_report_without_differences_is_a_line() -> None:
    assert summary_of(EMPTY) == "old -> new`: no function"


def printed(report: DiffReport, form: str, monkeypatch: pytest.MonkeyPatch) -> str:
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    monkeypatch.setattr(sys, "stdout", out)
    print_form(report, form)
    out.flush()
    assert isinstance(out.buffer, io.BytesIO)
    return out.buffer.getvalue().decode()


def test_markdown_has_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(REPORT, "markdown", monkeypatch) == (
        "## `` old -> new` ``\n"
        "\n"
        "1 added, 1 removed, 1 renamed, 2 changed.\n"
        "\n"
        "kernels and autogen are not compared: old and new\\` do not say them.\n"
        "\n"
        "### Everywhere\n"
        "\n"
        "- torch_version: `2.14 -> 2.15`\n"
        "- spelling: `<at> -> at` in 2 functions\n"
        "\n"
        "### Removed\n"
        "\n"
        "```diff\n"
        "  went\n"
        "-   schema: went()\n"
        "```\n"
        "\n"
        "### Added\n"
        "\n"
        "```diff\n"
        "  came\n"
        "+   schema: came()\n"
        "```\n"
        "\n"
        "### Renamed\n"
        "\n"
        "```diff\n"
        "  one -> other (88 % alike)\n"
        "-   node: A\n"
        "+   node: B\n"
        "```\n"
        "\n"
        "### Changed\n"
        "\n"
        "```diff\n"
        "  both\n"
        "-   backward self: grad * a\n"
        "+   backward self: grad * b\n"
        "```\n"
    )


def test_a_page_has_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    page = printed(REPORT, "html", monkeypatch)
    head, _, body = page.partition("<body>")
    first, *_, last = head.split("\n")
    assert first == "<!doctype html>"
    assert last.startswith("<title>old -&gt; new`</title><style>")
    assert '\n<html lang="en"><head><meta charset="utf-8">\n' in head
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert f'\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n' in head
    assert body == (
        "\n<h1>old -&gt; new`</h1><p>1 added, 1 removed, 1 renamed, 2 changed</p>\n"
        f"<p>{NOTE}</p>\n"
        "<h2>Everywhere</h2><ul>\n"
        "<li>torch_version: <code>2.<del>14</del><ins>15</ins></code></li>\n"
        "<li>spelling: <code>&lt;at&gt; -&gt; at  in 2 functions</code></li>\n"
        "</ul>\n"
        "<h2>Removed</h2>\n"
        "<h3><code>went</code></h3><table>\n"
        "<tr><th>schema</th><td><code><del>went()</del></code></td></tr>\n"
        "</table>\n"
        "<h2>Added</h2>\n"
        "<h3><code>came</code></h3><table>\n"
        "<tr><th>schema</th><td><code><ins>came()</ins></code></td></tr>\n"
        "</table>\n"
        "<h2>Renamed</h2>\n"
        "<h3><code>one -&gt; other (88 % alike)</code></h3><table>\n"
        "<tr><th>node</th><td><code><del>A</del><ins>B</ins></code></td></tr>\n"
        "</table>\n"
        "<h2>Changed</h2>\n"
        "<h3><code>both</code></h3><table>\n"
        "<tr><th>backward self</th><td><code>grad * <del>a</del><ins>b</ins></code></td></tr>\n"
        "</table>\n"
        "</body></html>\n"
    )


def test_a_report_without_differences_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = EMPTY._replace(before=Side("a", LINES._replace(facts=[])))
    compared = compared._replace(after=Side("b", LINES._replace(facts=[])))
    assert compared.note == "autogen is not compared: a and b do not say it"
    assert not compared.has_differences
    text = printed(compared, "markdown", monkeypatch)
    assert text == f"## `a -> b`\n\nno function.\n\n{compared.note}.\n"
    with_request = Side("c", LINES._replace(facts=[]), Request(find_files(catalogue=True)))
    assert compared._replace(before=with_request, after=with_request).note == ""
    assert compared._replace(before=with_request).note.endswith(": b does not say it")
    body = printed(compared, "html", monkeypatch).partition("<body>")[2]
    assert (
        body == f"\n<h1>a -&gt; b</h1><p>no function</p>\n<p>{compared.note}</p>\n</body></html>\n"
    )


@pytest.mark.parametrize(
    ("found", "differs"),
    [
        (FullDifference(added=REPORT.found.added), True),
        (FullDifference(removed=REPORT.found.removed), True),
        (FullDifference(renamed=REPORT.found.renamed), True),
        (FullDifference(changed=REPORT.found.changed), True),
        (FullDifference(documents=(Change("used_dispatch_keys", "", "a", "b"),)), True),
        # The release that is followed is what was asked to differ.
        (FullDifference(documents=REPORT.found.documents), False),
    ],
)
def test_what_counts_as_a_difference(found: FullDifference, differs: bool) -> None:
    assert EMPTY._replace(found=found).has_differences == differs
