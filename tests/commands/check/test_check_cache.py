"""`check` with a cache finds what it finds without one, and after an edit looks at less."""

from __future__ import annotations

import random
import re
from pathlib import Path

import msgspec
import pytest

from derivload.commands.check.command import _kept, check
from derivload.commands.check.result import Checked
from derivload.diagnostics import Diagnostic
from derivload.engine import load
from derivload.loading.paths import Files, find_files
from derivload.store.store import Store
from support.paths import TAGS
from support.project import Project, Ran


class Kept(Project):
    """A catalogue with a state in a store that `emit` left there."""

    def emit(self, *more: str) -> Ran:
        return super().emit("--cache-dir", str(self.cache), *more)

    def files(self) -> Files:
        return find_files(str(self.derivatives), [str(self.natives)])

    def checked(self) -> list[Diagnostic]:
        """What is found with the cache; the same as without."""
        found = check(self.files(), lambda: Store(str(self.cache))).diagnostics
        assert found == check(self.files()).diagnostics
        return found

    def check_incrementally(self) -> list[Diagnostic]:
        """What is found with the cache; fails where everything has to be loaded for it."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(load, "load_texts", None)
            return check(self.files(), lambda: Store(str(self.cache))).diagnostics


@pytest.fixture
def project(tmp_path: Path) -> Kept:
    made = Kept(tmp_path)
    assert made.emit().status == 0
    assert made.checked() == []
    return made


@pytest.mark.parametrize(("code", "is_taken"), [("DL602", True), ("DL999", False)])
def test_a_result_with_a_code_of_no_rule_is_not_taken(code: str, is_taken: bool) -> None:
    result = Checked([Diagnostic("f.yaml", 1, 1, code, "odd")], "2.15", "", 1, 1, [])
    assert _kept(msgspec.json.encode(result)) == (result if is_taken else None)


def test_after_an_edit_what_it_did_not_touch_is_not_loaded(project: Kept) -> None:
    project.edit("grad * luster", "grad * luster * 2")
    assert project.check_incrementally() == []
    project.edit("luster * 2", "luster * 3")
    assert project.check_incrementally() == []


def test_after_an_emit_the_state_that_it_left_serves(project: Kept) -> None:
    project.edit("grad * luster", "grad * luster * 2")
    assert project.checked() == []
    assert project.emit().status == 0
    project.edit("luster * 2", "luster * 3")
    assert project.check_incrementally() == []


def test_a_warning_that_an_edit_brings_is_found(project: Kept) -> None:
    project.edit("grad * luster", "grad * lustre")
    assert [d.code for d in project.checked()] == ["DL602"]
    assert [d.code for d in project.check_incrementally()] == ["DL602"]  # kept by content
    project.edit("grad * lustre", "grad * luster * 2")
    assert project.checked() == []


def test_an_error_that_an_edit_brings_is_found(project: Kept) -> None:
    project.edit("grad * luster", "grad * self.sizes()")
    assert [d.code for d in project.checked()] == ["DL420"]


def test_a_state_with_warnings_is_not_taken_for_one_without(project: Kept) -> None:
    project.edit("grad * luster", "grad * lustre")
    assert project.emit().status == 0
    assert [d.code for d in project.checked()] == ["DL602"]
    project.edit("gleam_slope(self)", "gleam_slope(self) * 2")
    assert [d.code for d in project.checked()] == ["DL602"]


def test_a_name_that_another_family_calls_is_not_told_without_it(project: Kept) -> None:
    # `handed_on` is a function only because gleam's formula calls it.
    project.edit("grad * luster", "handed_on_to(grad, handed_on)")
    project.edit("gleam_slope(self)", "handed_on(self)")
    assert project.checked() == []
    assert project.emit().status == 0
    assert project.checked() == []
    project.edit("handed_on(self)", "gleam_slope(self)")
    assert [d.code for d in project.checked()] == ["DL602"]


def test_other_tags_are_another_load(project: Kept) -> None:
    project[TAGS].write_text(project[TAGS].read_text("utf-8") + "- tag: lone\n", "utf-8")
    assert [d.code for d in project.checked()] == ["DL230"]


def test_any_sequence_of_edits_finds_what_a_check_of_everything_finds(
    seed: int, project: Kept
) -> None:
    chance = random.Random(seed)
    original = project.derivatives.read_text("utf-8")
    words = sorted(set(re.findall(r"\w+", original)))
    incremental = 0
    for _ in range(25):
        text = original if chance.random() < 0.3 else project.derivatives.read_text("utf-8")
        places = [m.span() for m in re.finditer(r"(?<=  self: ).*", text)]
        start, end = chance.choice(places)
        formula = (
            f"{text[start:end]} * {chance.choice(words)}" if "'" not in text[start:end] else ""
        )
        formula = formula if '"' not in formula else ""
        project.derivatives.write_text(text[:start] + (formula or "grad") + text[end:], "utf-8")
        found = project.checked()
        incremental += not found
        if not any(d.severity == "error" for d in found) and chance.random() < 0.5:
            assert project.emit().status == 0, seed
    assert incremental < 25, seed
