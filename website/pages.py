"""What the site has besides docs/: MkDocs calls the functions whose names begin with `on_`.

- README.md, CONTRIBUTING.md, CHANGELOG.md and the page of an example are pages of the menu.
- Every other file of the repository that a page links to is a page too, below `source/`: a
  Markdown file as it reads, any other as its text. A folder is a page that lists its files.
- `catalogue/` has what `derivload explore` writes of the catalogue of examples.
- `reference/` has a page for each public module, which mkdocstrings makes from its docstrings.

Pages are written for a reader of the repository, whose links lead to files of the repository.
Here these links are turned to the pages of the files.
"""

from __future__ import annotations

import posixpath
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Link, Navigation
from mkdocs.structure.pages import Page
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from pymdownx.slugs import slugify

_ROOT: Final = Path(__file__).parents[1]
# The pages of single files, by file.
_PAGES: Final = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "examples/backend/README.md": "example-backend.md",
}
_FILES: Final = {page: file for file, page in _PAGES.items()}
_ASSETS: Final = _ROOT / "website" / "assets"
_MODULES: Final = ("derivload", "derivload.pytorch")
_REFERENCE: Final = (
    "Made from docstrings. [What is public](../versions.md) says what of it later versions keep."
)
_EXPLORER: Final = "catalogue/index.html"
_CATALOGUE: Final = "src/derivload/catalog"
# What a folder of a checkout may hold that is not part of the repository.
_NOT_LISTED: Final = re.compile(r"\.|__pycache__|build$|node_modules|bazel-|pytorch$")

_FENCE: Final = re.compile(r"^(`{3,})[^`\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)
_FILE_NAME: Final = re.compile(r"^```([a-z]+) (\S+)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]+)")
# The code of a rule, but in what stands before `|`: inline code, links and headings.
_CODE: Final = re.compile(r"`[^`]*`|\[[^\]]*\]\([^)]*\)|^#.*$|\b(DL\d{3})\b", re.MULTILINE)
_RULE: Final = re.compile(r"^## (.+)$|^\| \[(DL\d+)\]\((.+?)\) \| (.+) \|$", re.MULTILINE)

Menu = list[dict[str, str]]


def on_config(config: MkDocsConfig) -> None:
    """Complete the settings of mkdocs.yml."""
    for entry in config.nav or []:
        if "Rules" in entry:
            entry["Rules"] = [entry["Rules"], *_menu_of_rules()]
    # GitHub's, which the links of the pages follow.
    config.mdx_configs.setdefault("toc", {})["slugify"] = slugify(case="lower")
    # They name the address of the site, and it has none.
    config.theme.static_templates -= {"404.html", "sitemap.xml"}


def _menu_of_rules() -> list[dict[str, Menu]]:
    """The rules by area, as their list has them."""
    menu: list[dict[str, Menu]] = []
    rules: Menu = []
    text = (_ROOT / "docs/rules/README.md").read_text("utf-8")
    for area, code, page, title in _RULE.findall(text):
        if area:
            rules = []
            menu.append({area: rules})
        else:
            rules.append({f"{code}: {title}": f"rules/{page}"})
    return menu


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    for source, page in _PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(_ROOT / source)))
    for asset in _ASSETS.iterdir():
        files.append(File.generated(config, f"assets/{asset.name}", abs_src_path=str(asset)))
    files.append(File.generated(config, _EXPLORER, content=_explorer()))
    for module in _MODULES:
        text = f"# {module}\n\n{_REFERENCE}\n\n::: {module}\n"
        files.append(File.generated(config, f"reference/{module}.md", content=text))
    linked = (
        source
        for file in files.documentation_pages()
        for source in _linked(file.content_string, _file_of(file.src_uri))
    )
    waiting = [*linked]
    while waiting:
        source = waiting.pop()
        page = _page_of(source)
        if files.get_file_from_path(page) is None:
            text = _text_of(source)
            files.append(File.generated(config, page, content=text))
            waiting += _linked(text, _file_of(page))
    return files


def _explorer() -> str:
    """The pages of `derivload explore` about the catalogue, as one file."""
    inputs = [
        *("--derivatives", f"{_CATALOGUE}/derivatives.yaml"),
        *("--native-functions", f"{_CATALOGUE}/native_functions.yaml"),
    ]
    with TemporaryDirectory() as folder:
        out = ["--out-dir", folder, "--single-file", "--quiet", "--no-cache", "--no-settings"]
        command = [sys.executable, "-m", "derivload", "explore", *inputs, *out]
        subprocess.run(command, cwd=_ROOT, check=True)
        return Path(folder, "index.html").read_text("utf-8")


def on_nav(nav: Navigation, *, config: MkDocsConfig, files: Files) -> None:
    """Put the explorer behind the releases: no Markdown makes its page."""
    place = 1 + next(n for n, item in enumerate(nav.items) if item.title == "Releases")
    nav.items.insert(place, Link("Explorer", _EXPLORER))


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write a page as Markdown for the site: its links, and the file names above its code.

    Each code of a rule is a link to its page there.
    """
    here = page.file.src_uri
    source = _file_of(here)

    def way_to(target: str) -> str:
        return posixpath.relpath(_page_of(target), posixpath.dirname(here) or ".")

    def linked(code: re.Match[str]) -> str:
        page = f"docs/rules/{code[1]}.md"
        is_linked = page != source and (_ROOT / page).exists()
        return f"[{code[1]}]({way_to(page)})" if is_linked else code[0]

    def text_of(text: str) -> str:
        turned = _LINK.sub(lambda link: way_to(_resolved(link[0], source)), _COMMENT.sub("", text))
        return _CODE.sub(linked, turned)

    return _changed(
        markdown,
        text=text_of,
        code=lambda code: _FILE_NAME.sub(r'```\1 title="\2"', code),
    )


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:
    """Give the theme's search the name that screen readers ask for."""
    return output.replace('role="dialog">', 'role="dialog" aria-label="Search">', 1)


def _linked(markdown: str, source: str) -> Iterator[str]:
    """The files and folders of the repository that a page links to."""
    for link in _LINK.findall(_FENCE.sub("", markdown)):
        path = _resolved(link, source)
        if (_ROOT / path).exists():
            yield path


def _resolved(link: str, source: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), link))


def _page_of(source: str) -> str:
    """The page of a file or a folder of the repository."""
    if (_ROOT / source).is_dir():
        source = f"{source}/README.md"
    if source in _PAGES:
        return _PAGES[source]
    if source.startswith("docs/"):
        return source.removeprefix("docs/")
    return f"source/{source}" if source.endswith(".md") else f"source/{source}.md"


def _file_of(page: str) -> str:
    """The file whose page this is, or whose place in the repository it takes."""
    if page in _FILES:
        return _FILES[page]
    return page.removeprefix("source/") if page.startswith("source/") else f"docs/{page}"


def _text_of(source: str) -> str:
    """The Markdown of the page of a file or a folder."""
    path = _ROOT / source
    if path.is_dir():
        readme = path / "README.md"
        text = readme.read_text("utf-8") if readme.exists() else f"# {source}\n"
        names = sorted(entry.name for entry in path.iterdir() if not _NOT_LISTED.match(entry.name))
        entries = "".join(f"- [`{name}`]({name})\n" for name in names if name != "README.md")
        return f"{text}\n## In this folder\n\n{entries}"
    if path.suffix == ".md":
        return path.read_text("utf-8")
    try:
        language = get_lexer_for_filename(path.name).aliases[0]
    except ClassNotFound:
        language = "text"
    text = path.read_text("utf-8").rstrip("\n")
    # The search is for what is written about derivload, not for its text.
    return f"---\nsearch:\n  exclude: true\n---\n# {source}\n\n`````{language}\n{text}\n`````\n"


def _changed(markdown: str, *, text: Callable[[str], str], code: Callable[[str], str]) -> str:
    """Markdown with its text changed by one function and its blocks of code by another."""
    done, end = "", 0
    for fence in _FENCE.finditer(markdown):
        done += text(markdown[end : fence.start()]) + code(fence[0])
        end = fence.end()
    return done + text(markdown[end:])
