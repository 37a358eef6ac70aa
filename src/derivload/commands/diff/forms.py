"""The forms of `derivload diff` that are no text for a terminal: Markdown, HTML, JSON.

What stands in YAML may hold anything. In Markdown it stands between fences that are longer than any
in it, in HTML it is escaped, and a page has no script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from derivload.commands.diff.document import render_json, words_of
from derivload.commands.diff.report import DiffReport
from derivload.commands.diff.text import summary_of
from derivload.commands.watch.text import widespread_text
from derivload.engine.difference import Change
from derivload.terminal.layout import visible
from derivload.terminal.stdout import Stdout
from derivload.terminal.text import encodable

_TICKS: Final = re.compile("`+")
_STYLE: Final = (
    "body{font-family:sans-serif;margin:2em auto;max-width:70em;padding:0 1em}"
    "code{overflow-wrap:anywhere}"
    "del{background:#fdd;color:#700}ins{background:#dfd;color:#050}"
    "th{text-align:left;vertical-align:top;padding-right:1em;font-weight:normal}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}"
    "del{background:#400;color:#fbb}ins{background:#030;color:#bfb}}"
)


def print_form(report: DiffReport, form: str) -> None:
    """Print a report as "markdown", "html" or "json"."""
    stdout = Stdout()
    if form == "json":
        stdout.write_json(render_json(report))
    elif form == "html":
        stdout.write_bytes(("\n".join(_html(report)) + "\n").encode("utf-8", "replace"))
    else:
        stdout.write_bytes(("\n".join(_markdown(report)) + "\n").encode("utf-8", "replace"))


Block = tuple[str, tuple[Change, ...]]
"""The name of a function, and its changes."""


def _sections(report: DiffReport) -> Iterator[tuple[str, list[Block]]]:
    """The sections of a report, each with its functions."""
    found = report.found
    yield "Removed", [(one.name, one.changes) for one in found.removed]
    yield "Added", [(one.name, one.changes) for one in found.added]
    renamed = [
        (f"{one.before} -> {one.after} ({round(one.measure * 100)} % alike)", one.changes)
        for one in found.renamed
    ]
    yield "Renamed", renamed
    yield "Changed", [(one.name, one.changes) for one in report.changed]


def _markdown(report: DiffReport) -> Iterator[str]:
    yield f"## {_code(f'{report.before.name} -> {report.after.name}')}"
    yield ""
    yield f"{summary_of(report).rpartition(': ')[2]}."
    if report.note:
        yield f"\n{_prose(report.note)}."
    if report.widespread or report.found.documents:
        yield "\n### Everywhere\n"
        for change in report.found.documents:
            yield f"- {change.what}: {_code(f'{change.before} -> {change.after}')}"
        for one in report.widespread:
            edit, _, count = widespread_text(one).rpartition("  ")
            yield f"- {one.what}: {_code(edit)} {count}"
    for title, blocks in _sections(report):
        if blocks:
            yield f"\n### {title}\n"
            yield from _fenced([line for block in blocks for line in _block(*block)])


def _block(name: str, changes: Sequence[Change]) -> Iterator[str]:
    yield f"  {visible(name)}"
    labels = [f"{change.what} {change.of}".strip() for change in changes]
    for label, change in zip(labels, changes, strict=True):
        if change.before is not None:
            yield f"-   {visible(label)}: {visible(change.before)}"
        if change.after is not None:
            yield f"+   {visible(label)}: {visible(change.after)}"


def _fenced(lines: Sequence[str]) -> Iterator[str]:
    longest = max([2, *(len(ticks) for line in lines for ticks in _TICKS.findall(line))])
    fence = "`" * (longest + 1)
    yield f"{fence}diff"
    yield from (encodable(line) for line in lines)
    yield fence


def _code(text: str) -> str:
    """A text as code in a line of Markdown."""
    text = encodable(visible(text))
    longest = max([0, *map(len, _TICKS.findall(text))])
    fence = "`" * (longest + 1)
    pad = " " if longest or not text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _prose(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", encodable(visible(text)))


def _html(report: DiffReport) -> Iterator[str]:
    title = escape(encodable(f"{visible(report.before.name)} -> {visible(report.after.name)}"))
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield (
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{title}</h1><p>{_escaped(summary_of(report).rpartition(': ')[2])}</p>"
    if report.note:
        yield f"<p>{_escaped(report.note)}</p>"
    if report.widespread or report.found.documents:
        yield "<h2>Everywhere</h2><ul>"
        for change in report.found.documents:
            yield f"<li>{_escaped(change.what)}: {_marked(change)}</li>"
        for one in report.widespread:
            yield f"<li>{_escaped(one.what)}: <code>{_escaped(widespread_text(one))}</code></li>"
        yield "</ul>"
    for heading, blocks in _sections(report):
        if blocks:
            yield f"<h2>{heading}</h2>"
        for name, changes in blocks:
            yield f"<h3><code>{_escaped(name)}</code></h3><table>"
            for change in changes:
                label = _escaped(f"{change.what} {change.of}".strip())
                yield f"<tr><th>{label}</th><td>{_marked(change)}</td></tr>"
            yield "</table>"
    yield "</body></html>"


def _marked(change: Change) -> str:
    """A change as HTML, word by word."""
    if change.before is None or change.after is None:
        tag = "ins" if change.before is None else "del"
        text = change.after if change.before is None else change.before
        return f"<code><{tag}>{_escaped(text or '')}</{tag}></code>"
    parts = []
    for words in words_of(change):
        if words.before == words.after:
            parts.append(_escaped(words.after))
            continue
        parts += [f"<del>{_escaped(words.before)}</del>"] if words.before else []
        parts += [f"<ins>{_escaped(words.after)}</ins>"] if words.after else []
    return f"<code>{''.join(parts)}</code>"


def _escaped(text: str) -> str:
    """A text that can be no markup. Spaces at its ends stay: it may be a part of a line."""
    shown = visible(text)
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    kept = f"{' ' if before else ''}{shown}{' ' if after else ''}" if shown else " " * bool(text)
    return escape(encodable(kept))
