"""The page of each rule, made from the table of rules and their explanations.

`check --explain` prints one page. `python -m derivload.commands.check.pages FOLDER` writes all
pages anew, with a list of them. A test fails if the pages in docs/rules are stale.

`explanations/*.yaml` has an explanation for each code, with these keys:

- `why`: why the rule exists.
- `bad` and `fixed`: an example that breaks the rule, and its fixed form. Each is the text of one
  file, or a mapping from file to text.
- `file`: the file of these texts. Default: derivatives for DL4, DL5, DL6 and DL8, backend for
  DL7, otherwise native_functions.
- `beside`: the texts of other files, the same for both forms.
- `missing`: the mistake is that the file does not exist.
- `alone`: nothing may be added to the text to make it a complete file.
- `long`: how many letters each `…` in the bad text stands for.
"""

from __future__ import annotations

import sys
import textwrap
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec

from derivload.commands.about import shipped
from derivload.rules import RULES

InputFile = Literal[
    "derivatives",
    "derivatives_overlay",
    "native_functions",
    "native_functions_overlay",
    "tags",
    "backend",
    "deprecated",
]
_FOLDER: Final = Path(__file__).parents[2] / "explanations"
_FLOORS: Final = {
    "DL0": ("files", "Files and YAML"),
    "DL1": ("schemas", "Schemas and C++"),
    "DL2": ("entries", "Entries of native_functions.yaml and tags.yaml"),
    "DL3": ("functions", "Between functions"),
    "DL4": ("derivatives", "Entries of derivatives.yaml"),
    "DL5": ("matching", "Which function gets which derivatives"),
    "DL6": ("warnings", "Warnings: upstream accepts this, but it is probably wrong"),
    "DL7": ("backends", "What backends register"),
    "DL8": ("generators", "What PyTorch's own generators refuse"),
}
# The file that an example is of, where that is not native_functions.yaml.
_FILES: Final[dict[str, InputFile]] = {
    "DL4": "derivatives",
    "DL5": "derivatives",
    "DL6": "derivatives",
    "DL7": "backend",
    "DL8": "derivatives",
}

_WIDTH: Final = 96

Example = dict[InputFile, str]


class Explanation(msgspec.Struct, frozen=True):
    """Why a rule exists, an example that breaks it, and its fixed form. Texts are by file."""

    why: str
    bad: Example
    fixed: Example
    beside: Example
    missing: bool
    alone: bool
    long: int


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    """An explanation as written in its YAML file."""

    why: str
    bad: str | Example
    fixed: str | Example
    file: InputFile | None = None
    beside: Example = {}
    missing: bool = False
    alone: bool = False
    long: int = 0


@cache
def read_explanations(floor: str) -> dict[str, Explanation]:
    """The explanations of the rules whose codes begin with `floor`, such as "DL1", by code."""
    import yaml

    name, _ = _FLOORS[floor]
    text = (_FOLDER / f"{name}.yaml").read_text("utf-8")
    written = msgspec.convert(yaml.safe_load(text), dict[str, _Written])
    own: InputFile = _FILES.get(floor, "native_functions")
    return {code: _explanation(one, own) for code, one in written.items()}


def _explanation(written: _Written, own: InputFile) -> Explanation:
    file = written.file or own

    def by_file(text: str | Example) -> Example:
        return {file: text} if isinstance(text, str) else text

    return Explanation(
        why=written.why,
        bad=by_file(written.bad),
        fixed=by_file(written.fixed),
        beside=written.beside,
        missing=written.missing,
        alone=written.alone,
        long=written.long,
    )


def render_page(code: str) -> str:
    """The page of a rule, in Markdown that also reads well as plain text."""
    return _page(code, read_explanations(code[:3])[code])


def page_uri(code: str) -> str:
    """The address of the page of a rule, as a file on this machine; "" if it is not there."""
    page = Path(shipped("docs"), "rules", f"{code}.md").absolute()
    return page.as_uri() if page.is_file() else ""


def render_pages() -> dict[str, str]:
    """All pages, and README.md, which lists them, by file name."""
    lines = ["# The rules", "", "`derivload check --explain CODE` prints any of these pages.", ""]
    pages = {}
    for floor, (_, title) in _FLOORS.items():
        lines += [f"## {title}", "", "| code | what is wrong |", "| --- | --- |"]
        explanations = read_explanations(floor)
        for code in [code for code in RULES if code.startswith(floor)]:
            lines.append(f"| [{code}]({code}.md) | {RULES[code].title} |")
            pages[f"{code}.md"] = _page(code, explanations[code])
        lines.append("")
    return {"README.md": "\n".join(lines).rstrip() + "\n", **pages}


def _page(code: str, explanation: Explanation) -> str:
    rule = RULES[code]
    why = f"{rule.severity.capitalize()}. {explanation.why}"
    parts = [f"# {code}: {rule.title}", _wrapped(why)]
    if explanation.beside:
        parts += ["Both examples go with:", *map(_block, explanation.beside.items())]
    if explanation.missing:
        parts.append("Wrong: the file does not exist.")
    else:
        parts += ["Wrong:", *map(_block, explanation.bad.items())]
    if rule.help:
        parts.append(_wrapped(f"What to do: {rule.help}."))
    parts += ["Fixed:", *map(_block, explanation.fixed.items())]
    return "\n\n".join(parts) + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _block(example: tuple[InputFile, str]) -> str:
    file, text = example
    return f"```yaml\n# {file}.yaml\n{_shown(text)}```"


def _shown(text: str) -> str:
    """The text, with bytes that are not UTF-8 written as escapes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _write_pages(folder: Path) -> None:
    pages = render_pages()
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.md"):
        if stale.name not in pages:
            stale.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    _write_pages(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/rules"))
