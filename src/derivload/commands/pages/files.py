"""The files of the pages: the page itself, its scripts and style, and the data.

A page may run our own script and nothing else. Its Content-Security-Policy allows scripts of its
own folder, or, where all is in one file, the one whose sha256 it names. It also has the browser
refuse to make markup of any text.

A page that is opened from a file may read no other file, but it may run scripts. So data comes in
scripts that call `derivload(name, text)` with a text of JSON. In one file, data is in elements that
are no script, and no `<` stands in them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import jinja2
from markupsafe import Markup

from derivload.commands.pages.contents import Contents
from derivload.commands.pages.data import data_of
from derivload.commands.pages.filters import FILTERS, filter_groups
from derivload.commands.pages.table import table_of
from derivload.outputs.digests import digest_of
from derivload.version import __version__

_FOLDER: Final = Path(__file__).parent
# In the order in which they build on each other.
_SCRIPTS: Final = (
    *("elements", "data", "state", "search", "filters", "table", "schemas", "formulas"),
    *("drawing", "pictures", "families", "operator", "changes", "coverage", "main"),
)
_PAGE: Final = "index.html"
_STYLE: Final = "explore.css"
_SCRIPT: Final = "explore.js"
_VERSION: Final = "version"


class PageFile(NamedTuple):
    """A file of the pages, in the form that `Writing` takes: it holds no functions."""

    name: str
    data: bytes
    functions: int
    sha256: str


def render_files(
    contents: Contents, *, is_single: bool = False, is_live: bool = False
) -> Iterator[PageFile]:
    """The files of pages, without their manifest.

    `is_single` puts all into one file. `is_live` has the page look for new data from time to time,
    and show it.
    """
    table = table_of(contents)
    data = [*data_of(contents, table)]
    page = {
        "title": contents.name,
        "torch_version": contents.lines.torch_version,
        "count": len(table.schema),
        "groups": filter_groups(table),
        "filters": FILTERS,
        "comparisons": table.comparisons,
        "is_live": is_live,
        "version": __version__,
    }
    if is_single:
        yield _file(_PAGE, _single(page, data))
        return
    files = [
        _file(_STYLE, _style().encode()),
        _file(_SCRIPT, _script().encode()),
        *(_file(f"data/{name}.js", _as_script(name, text)) for name, text in data),
        _file(_PAGE, _render({**page, "policy": _policy("self", "self")})),
    ]
    yield from files
    # Last, so that a page which looks for it finds all else in its place.
    version = digest_of("".join([file.sha256 for file in files]).encode())
    yield _file(f"{_VERSION}.js", _as_script(_VERSION, f'"{version}"'.encode()))


def _file(name: str, data: bytes) -> PageFile:
    return PageFile(name, data, 0, digest_of(data))


def _as_script(name: str, text: bytes) -> bytes:
    """A script that calls `derivload` with a text of JSON, which has no line ends."""
    quoted = text.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
    return b"derivload('%s','%s');\n" % (name.encode(), quoted)


def _single(page: dict[str, object], data: Sequence[tuple[str, bytes]]) -> bytes:
    script, style = _script(), _style()
    policy = _policy(_source(script), _source(style))
    texts = [(name, text.replace(b"<", b"\\u003c").decode()) for name, text in data]
    inside = {
        "script": Markup(script),
        "style": Markup(style),
        "data": [(name, Markup(text)) for name, text in texts],
    }
    return _render({**page, **inside, "policy": policy})


def _source(text: str) -> str:
    """How a policy names a script or a style that is written in the page."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _policy(script: str, style: str) -> str:
    """A policy that allows one source of scripts and one of styles.

    No text can become markup, and only our own policy of types may name scripts to be added.
    """
    return (
        f"default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types derivload"
    )


def _render(values: dict[str, object]) -> bytes:
    return _template().render(values).encode("utf-8", "replace")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("index.html")


@cache
def _script() -> str:
    """All scripts as one, in a function of their own."""
    parts = [(_FOLDER / "static" / f"{name}.js").read_text("utf-8") for name in _SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"


@cache
def _style() -> str:
    return (_FOLDER / "static" / _STYLE).read_text("utf-8")
