"""What the page of an operator says, for each form of operator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.browser import Opened, browser, opened
from support.paths import DERIVATIVES, NATIVES
from support.project import Project, call

__all__ = ["browser"]  # a fixture
OVERLAY = """\
- func: anvil::planish(Tensor self, int[2] size=[1,2], *, Scalar? grit=None) -> Tensor
  dispatch:
    CPU: planish
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("operators")
    project = Project(root)
    overlay = root / "overlay.yaml"
    overlay.write_text(OVERLAY, "utf-8")
    project.overlays.append(overlay)
    project.append(
        NATIVES,
        "- func: sunder(Tensor self, Tensor(a!)[] parts) -> (Tensor left, Tensor right)\n"
        "  dispatch:\n    CPU, CUDA: sunder\n",
    )
    project.append(
        DERIVATIVES,
        "- name: sunder(Tensor self, Tensor(a!)[] parts) -> (Tensor left, Tensor right)\n"
        "  output_differentiability: [True, False]\n"
        "  self: at::gild(grad_left, 2.0) + self.t_of(left)\n",
    )
    done = call(["explore", *project.options, "--no-cache", "--out-dir", str(project.out)])
    assert done.status == 0, done.err
    return project.out


@pytest.fixture
def pages(browser: Browser, folder: Path) -> Iterator[Opened]:
    pages = opened(browser, folder, "#coverage")
    yield pages
    assert pages.complaints == []
    pages.page.context.close()


def text_of(pages: Opened, name: str) -> str:
    pages.go(f"#op/{name}")
    pages.page.locator("#other-page h1", has_text=name).first.wait_for()
    return pages.page.locator("#other-page").inner_text()


def test_types_are_explained(pages: Opened) -> None:
    text_of(pages, "anvil::planish")
    types = pages.page.locator(".schema-line abbr").evaluate_all(
        "(all) => all.map((one) => [one.textContent, one.title])"
    )
    said = dict(types)
    assert said["Tensor"] == "a tensor"
    assert said["int[2]"].startswith("a list of 2, for which one value may stand")
    assert said["Scalar?"] == "a number of any type, or None"
    assert said["*"] == "arguments from here on are given by name"
    rows = pages.page.locator("section", has_text="Arguments and returns").locator("tbody tr")
    cells = [row.split("\t") for row in rows.all_inner_texts()]
    assert [row[0] for row in cells] == ["self", "size", "grit", "→ result"]
    assert [row[3] for row in cells] == ["", "[1,2]", "None", ""]


def test_an_operator_of_an_overlay(pages: Opened) -> None:
    text = text_of(pages, "anvil::planish")
    assert "from an overlay" in text
    assert "overlay.yaml:1" in text
    assert "derivatives.yaml has no formula for it" in text
    pages.go("#?is=from-overlay")
    assert pages.rows() == ["anvil::planish"]


def test_outputs_gradients_and_operators_in_formulas(pages: Opened) -> None:
    text = text_of(pages, "sunder")
    assert "Differentiable outputs: left. Not differentiable: right." in text
    assert "There is no forward formula." in text
    links = pages.page.locator("code.formula a").evaluate_all(
        "(all) => all.map((a) => [a.textContent, [a.title, a.getAttribute('href')]])"
    )
    said = dict(links)
    assert said["grad_left"][0] == "the gradient of output left"
    assert said["gild"] == ["the operator gild", "#op/gild"]
    assert said["left"][0] == "output left: Tensor"
    assert "t_of" not in said


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gild.out", "None: out variants are never differentiable."),
        ("gild_", "The node is GildBackward0. The formulas are those of gild."),
    ],
)
def test_whose_formulas_there_are_or_why_there_are_none(pages: Opened, name: str, why: str) -> None:
    assert why in text_of(pages, name)


def test_warnings_are_those_of_check(pages: Opened) -> None:
    pages.go("#?is=has-warnings")
    pages.wait_for_status("1 of ")
    (name,) = pages.rows()
    text = text_of(pages, name)
    assert re.search(r"Warnings\nDL6\d\d ", text)
    assert "derivatives.yaml:" in text


def test_a_variant_says_what_it_was_generated_from(pages: Opened) -> None:
    assert "generated from gild_" in text_of(pages, "gild.out")
    pages.page.locator("svg.drawing a", has_text="gild_").click()
    pages.page.wait_for_url("**#op/gild_")


def test_a_dispatch_key_leads_to_all_that_have_it(pages: Opened) -> None:
    text_of(pages, "sunder")
    pages.page.get_by_role("link", name="CUDA", exact=True).click()
    pages.page.wait_for_selector("#rows tr")
    assert pages.page.url.endswith("#?key=CUDA")
    assert pages.page.get_by_role("checkbox", name="CUDA", include_hidden=True).first.is_checked()
