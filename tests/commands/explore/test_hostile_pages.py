"""Texts of YAML that would be markup or script, if a page ever took them for that."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect

from support.browser import browser, opened
from support.paths import DERIVATIVES, NATIVES, TAGS
from support.project import Project, call

__all__ = ["browser"]  # a fixture
SCRIPT: Final = "</script><script>window.pwned = 1</script>"
IMAGE: Final = "<img src=x onerror='window.pwned = 2'>"
QUOTES: Final = "\\'); window.pwned = 3; //"
ATTRIBUTE: Final = '" onmouseover="window.pwned = 4" x="'
CLOSED: Final = "</script><script>pwned()</script>"
COMMENT: Final = "<!--<script>"
ELEMENT: Final = "document.createElement('script')"
FORMULAS: Final = (SCRIPT, IMAGE, QUOTES, ATTRIBUTE, COMMENT, "\u2028\u2029", "javascript:pwned()")


def formula_of(number: int) -> str:
    return f"f_{number}(grad, {FORMULAS[number]!r})"


def fill(project: Project) -> None:
    """Put hostile texts wherever the loader lets any text through."""
    for number in range(len(FORMULAS)):
        # A default has no `=` in it.
        how = f", str how={CLOSED!r}" if number == 0 else ""
        schema = f"hostile_{number}(Tensor self{how}) -> Tensor".replace("'", "''")
        formula = formula_of(number).replace("'", "''")
        project.append(NATIVES, f"- func: '{schema}'\n  dispatch:\n    CPU: hostile\n")
        definition = f"- name: '{schema}'\n  self: '{formula}'\n  result: '{formula}'\n"
        project.append(DERIVATIVES, definition)
    project.append(TAGS, f"- tag: hostile\n  desc: |\n    {SCRIPT} {IMAGE}\n")
    project.append(NATIVES, "- func: hostile_tag(Tensor self) -> Tensor\n  tags: hostile\n")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders whose names are hostile too, with hostile files."""
    root = tmp_path_factory.mktemp("hostile")
    for name in ("<img src=x onerror=pwned()>", "new'\"&<b>"):
        project = Project(root / name)
        names = {"derivatives": DERIVATIVES, "native-functions": NATIVES, "tags": TAGS}
        settings = "".join(f'{key} = "{file}"\n' for key, file in names.items())
        (project.folder / "derivload.toml").write_text(settings, "utf-8")
        fill(project)
        if name.startswith("new"):
            project.edit("f_0(grad", "g_0(grad")
    return root


def pages_of(root: Path, *more: str) -> Path:
    sides = sorted(str(path) for path in root.iterdir() if path.is_dir())
    out = root.parent / f"{root.name}-pages{''.join(more)}"
    done = call(["explore", *sides, "--no-cache", "--out-dir", str(out), *more])
    assert done.status == 0, done.err
    return out


@pytest.mark.parametrize("form", [[], pytest.param(["--single-file"], marks=pytest.mark.thorough)])
def test_no_text_becomes_markup_or_script(browser: Browser, root: Path, form: list[str]) -> None:
    out = pages_of(root, *form)
    pages = opened(browser, out)
    assert "<b>" in pages.page.title()
    scripts = (out / "index.html").read_text("utf-8").count("<script")
    places = ["#", "#?q=hostile", "#coverage", "#compare/1", "#op/hostile_tag"]
    places += [f"#op/hostile_{number}" for number in range(len(FORMULAS))]
    # Nor does what stands in an address.
    places += [f"#op/{IMAGE}", f"#?q={IMAGE}&tag={SCRIPT}", f"#compare/{SCRIPT}", "#op/%E0%A4%A"]
    for place in places:
        pages.go(place)
        pages.page.wait_for_timeout(50)
        pages.page.locator("summary, #rows td, code").evaluate_all(
            "(all) => all.forEach((one) => one.dispatchEvent(new Event('mouseover')))"
        )
        assert pages.page.evaluate("window.pwned") is None, place
        assert (
            pages.page.locator("img, iframe, object, embed, main b:not(.schema-line b)").count()
            == 0
        )
        # There is one more while data is read.
        expect(pages.page.locator("script")).to_have_count(scripts)
        unsafe = "[...document.querySelectorAll('[href]')].map((a) => a.getAttribute('href'))"
        links = pages.page.locator("body").evaluate(f"() => {unsafe}")
        assert all(re.match(r"#|explore\.css$", link) for link in links), place
    assert pages.complaints == []


def test_they_are_shown_as_they_are(browser: Browser, root: Path) -> None:
    pages = opened(browser, pages_of(root))
    for number in range(len(FORMULAS)):
        pages.go(f"#op/hostile_{number}")
        pages.page.locator("#other-page h1", has_text=f"hostile_{number}").wait_for()
        formula: Any = pages.page.locator("code.formula").first.text_content()
        assert formula[1:] == formula_of(number)[1:]
    pages.go("#op/hostile_tag")
    pages.page.locator("#other-page h1", has_text="hostile_tag").wait_for()
    assert SCRIPT in pages.page.locator("#other-page").inner_text()


@pytest.mark.parametrize("form", [[], ["--single-file"]])
def test_the_policy_stops_what_would_get_through(
    browser: Browser, root: Path, form: list[str]
) -> None:
    pages = opened(browser, pages_of(root, *form))
    for attempt in (
        "document.body.innerHTML = '<img src=x onerror=pwned()>'",
        f"document.body.append(Object.assign({ELEMENT}, {{text: 'window.pwned = 1'}}))",
        f"document.body.append(Object.assign({ELEMENT}, {{src: 'data:,window.pwned = 1'}}))",
        "document.body.setAttribute('onclick', 'window.pwned = 1'); document.body.click()",
    ):
        pages.page.evaluate(f"() => {{ try {{ {attempt} }} catch {{}} }}")
        assert pages.page.evaluate("window.pwned") is None, attempt
    assert pages.complaints
    assert pages.page.locator("#rows tr").count()
