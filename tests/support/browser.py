"""A real browser, without a window, and pages opened in it from files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from support.telling import Unavailable

# Nothing of these looks for a network.
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# Milliseconds, for a machine with much else to do.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser(unavailable: Unavailable) -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        unavailable("there is no chromium on this machine")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS])
        yield made
        made.close()


class Opened(NamedTuple):
    """A page, and what the browser complained of meanwhile."""

    page: Page
    complaints: list[str]

    def go(self, place: str) -> None:
        """Go to a place within the pages: an address that begins with `#`."""
        self.page.evaluate("(hash) => { location.hash = hash }", place)

    def rows(self) -> list[str]:
        """The names in the table, as far as rows are made."""
        return self.page.locator("#rows th a").all_inner_texts()

    def status(self) -> str:
        return self.page.locator("#status").inner_text()

    def wait_for_status(self, start: str) -> None:
        """Wait until so many functions pass."""
        expect(self.page.locator("#status")).to_have_text(re.compile(f"^{re.escape(start)}"))

    def wait_for_heading(self, text: str) -> None:
        """Wait for the page with this heading, other than the table."""
        expect(self.page.locator("#other-page h1")).to_have_text(re.compile(text))


def opened(browser: Browser, folder: Path, place: str = "", **context: Any) -> Opened:
    """Open the pages in a folder, as a double click does: from the file, without a server."""
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("requestfailed", lambda request: complaints.append(f"no answer: {request.url}"))
    page.goto(f"{(folder / 'index.html').as_uri()}{place}")
    page.wait_for_selector("#rows tr, #other-page h1", state="attached")
    return Opened(page, complaints)


def axe_of(unavailable: Unavailable) -> str:
    """The source of axe-core, which finds what hinders people who do not see or use a mouse."""
    npm = shutil.which("npm")
    root = ""
    if npm is not None:
        command = [npm, "root", "--global"]
        root = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    path = Path(root, "axe-core", "axe.min.js")
    if not path.is_file():
        unavailable("there is no axe-core on this machine")
    return path.read_text("utf-8")


def serious(page: Page, axe: str) -> list[str]:
    """What axe finds on a page that is serious or worse."""
    # As the tools of a browser do it: the page's own policy lets no other script in.
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": axe})
    script = "axe.run().then((found) => JSON.stringify(found.violations))"
    wanted = {"expression": script, "awaitPromise": True}
    found = session.send("Runtime.evaluate", wanted)["result"]["value"]
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in json.loads(found)
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
