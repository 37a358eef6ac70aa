"""`check --fix`: what is written, what is not, and what is said of it."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.commands.check import fixing
from derivload.commands.check.fix import Texts, fix_all
from derivload.diagnostics import Diagnostic, Edit, Fix
from support.checks import DERIVATIVES, INPUTS, NATIVES, TAGS, WARNED, project
from support.paths import CATALOGUE, FILES
from support.paths import NATIVES as NATIVES_FILE
from support.paths import TAGS as TAGS_FILE
from support.project import Project

__all__ = ["project"]  # fixtures

# A mistake whose fix is safe: the list is to be a text.
LISTED = NATIVES + "  variants: [function, method]  # both\n"
# One whose fix may not be what was meant.
UNKNOWN = NATIVES + "  colour: other\n"


def natives() -> bytes:
    return Path("native_functions.yaml").read_bytes()


# --------------------------------------------------------------------------- what is written


def test_safe_fixes_are_applied(project: Project) -> None:
    project.write(DERIVATIVES, LISTED)
    ran = project.check("--fix")
    assert natives().decode() == LISTED.replace("[function, method]", "function, method")
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.splitlines()[0] == "derivload: fixed 1 mistake in native_functions.yaml"


def test_others_need_to_be_asked_for(project: Project) -> None:
    project.write(DERIVATIVES, UNKNOWN)
    ran = project.check("--fix")
    assert natives().decode() == UNKNOWN
    assert ran.status == 1
    assert ran.err.splitlines()[-1] == "derivload: 1 can be fixed with --fix --unsafe-fixes"
    assert project.check("--fix", "--unsafe-fixes").status == 0
    assert natives().decode() == NATIVES


def test_what_is_left_is_reported(project: Project) -> None:
    project.write(WARNED, LISTED)
    ran = project.check("--fix", "--format", "github")
    assert ran.out.startswith("::warning file=derivatives.yaml,line=3,")
    assert ran.status == 0


def test_several_mistakes_of_an_entry_are_fixed_in_rounds(project: Project) -> None:
    text = NATIVES + "  variants: [function, method]\n  manual_cpp_binding: 'true'\n"
    project.write(DERIVATIVES, text)
    ran = project.check("--fix")
    assert ran.status == 0
    assert "derivload: fixed 2 mistakes in native_functions.yaml" in ran.err
    assert natives().decode().endswith("variants: function, method\n  manual_cpp_binding: True\n")


def test_a_fix_that_uncovers_a_mistake_is_followed_by_its_fix(project: Project) -> None:
    project.write(DERIVATIVES, "-" + LISTED[2:])
    assert project.check("--fix").status == 0
    assert natives().decode() == LISTED.replace("[function, method]", "function, method")


def test_only_the_spans_change(project: Project) -> None:
    before = ("# é\r\n" + LISTED.replace("\n", "\r\n") + "\r\n# end").encode()
    Path("native_functions.yaml").write_bytes(before)
    assert project.check("--fix").status == 0
    assert natives() == before.replace(b"[function, method]", b"function, method")


def test_mode_and_links_stay(project: Project, tmp_path: Path) -> None:
    project.write(DERIVATIVES, LISTED)
    file, link = Path("native_functions.yaml"), Path("real.yaml")
    file.rename(link)
    file.symlink_to(link)
    link.chmod(0o640)
    assert project.check("--fix").status == 0
    assert file.is_symlink()
    assert stat.S_IMODE(link.stat().st_mode) == 0o640
    assert b"[" not in link.read_bytes()


def test_other_names_of_a_file_stay_its_names(project: Project) -> None:
    project.write(DERIVATIVES, LISTED)
    other = Path("other.yaml")
    os.link("native_functions.yaml", other)
    assert project.check("--fix").status == 0
    assert other.samefile("native_functions.yaml")
    assert other.read_bytes() == natives() == LISTED.replace("[", "").replace("]", "").encode()


def test_a_file_that_changed_meanwhile_is_not_written(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(DERIVATIVES, LISTED)
    edited = LISTED + "# An edit.\n"

    def fix_and_edit(*given: object, **more: object) -> object:
        fixed = fix_all(*given, **more)  # type: ignore[arg-type]
        project.write(DERIVATIVES, edited)
        return fixed

    monkeypatch.setattr(fixing, "fix_all", fix_and_edit)
    ran = project.check("--fix")
    assert natives().decode() == edited
    assert ran.status == 3
    assert ran.err == (
        "derivload: error: native_functions.yaml: has changed since it was checked: "
        "nothing was written\n"
    )


def test_nothing_to_fix_writes_nothing(project: Project) -> None:
    before = Path("native_functions.yaml").stat()
    assert project.check("--fix").status == 0
    assert Path("native_functions.yaml").stat() == before


# ------------------------------------------------------------------------ which files and rules


def test_ignored_warnings_are_not_fixed(project: Project) -> None:
    twice = DERIVATIVES + "\n" + DERIVATIVES
    project.write(twice)
    assert project.check("--fix", "--ignore", "DL601").status == 0
    assert Path("derivatives.yaml").read_text("utf-8") == twice
    project.check("--fix")
    assert Path("derivatives.yaml").read_text("utf-8") == DERIVATIVES


def test_settings_may_ask_for_fixes(project: Project) -> None:
    project.write(DERIVATIVES, UNKNOWN)
    Path("derivload.toml").write_text("[check]\nunsafe-fixes = true\n", "utf-8")
    assert project.check().status == 1
    assert project.check("--fix").status == 0
    assert natives().decode() == NATIVES


def tree(folder: Path, text: str) -> Path:
    """A PyTorch checkout, as far as check needs one."""
    for name, held in (
        ("tools/autograd/derivatives.yaml", DERIVATIVES),
        ("aten/src/ATen/native/native_functions.yaml", text),
        ("aten/src/ATen/native/tags.yaml", TAGS),
        ("version.txt", "2.15.0\n"),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(held, "utf-8")
    return folder


def test_a_tree_that_was_only_named_is_not_changed(project: Project) -> None:
    tree(Path("pytorch"), LISTED)
    overlay = LISTED.replace("gild", "shine")
    Path("overlay.yaml").write_text(overlay, "utf-8")
    named = ("--pytorch", "pytorch", "--native-functions", "overlay.yaml")
    ran = project.call("check", *named, "--fix")
    inside = Path("pytorch/aten/src/ATen/native/native_functions.yaml")
    assert inside.read_text("utf-8") == LISTED
    assert "[" not in Path("overlay.yaml").read_text("utf-8")
    assert ran.status == 1
    assert ran.err.splitlines()[-1] == "derivload: 1 can be fixed with --fix from inside pytorch"


def test_the_tree_around_the_current_folder_is_ones_own(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tree(Path("pytorch"), LISTED).resolve()
    monkeypatch.chdir(folder / "tools")
    assert project.call("check", "--fix").status == 0
    inside = folder / "aten/src/ATen/native/native_functions.yaml"
    assert "[" not in inside.read_text("utf-8")


# ---------------------------------------------------------------------------- --diff, --fix-only


def test_a_diff_changes_nothing(project: Project) -> None:
    text = LISTED.rstrip("\n")
    project.write(DERIVATIVES, text)
    ran = project.check("--diff")
    assert natives().decode() == text
    assert ran.status == 1
    assert ran.out == (
        "--- native_functions.yaml\n"
        "+++ native_functions.yaml\n"
        "@@ -1,4 +1,4 @@\n"
        " - func: gild(Tensor self, Tensor leaf) -> Tensor\n"
        "   dispatch:\n"
        "     CPU: gild\n"
        "-  variants: [function, method]  # both\n"
        "\\ No newline at end of file\n"
        "+  variants: function, method  # both\n"
        "\\ No newline at end of file\n"
    )
    assert ran.err == "derivload: would fix 1 mistake in native_functions.yaml\n"
    assert project.check("--diff", "--fix").out == ran.out


def test_a_diff_is_what_patch_reads(project: Project) -> None:
    Path("native_functions.yaml").write_bytes(LISTED.replace("\n", "\r\n").encode())
    diff = project.run("check", *INPUTS, "--diff").out
    subprocess.run(["patch", "--binary"], input=diff.encode(), capture_output=True, check=True)
    assert b"[" not in natives()
    assert natives().count(b"\r\n") == 4
    assert project.check("--diff").status == 0


def test_without_changes_a_diff_is_empty(project: Project) -> None:
    project.write(WARNED)
    ran = project.check("--diff")
    assert ran == (0, "", "")


def test_fix_only_reports_nothing_else(project: Project) -> None:
    project.write(DERIVATIVES + "- name: 3\n", LISTED)
    ran = project.check("--fix-only")
    assert ran == (0, "", "derivload: fixed 1 mistake in native_functions.yaml\n")


# ------------------------------------------------------------------------------ a wrong fix


def test_a_fix_that_does_not_remove_its_mistake_is_not_applied() -> None:
    good = Fix("write it anew", (Edit("f", 2, 3, 2, 4, "right"),), True)
    bad = Fix("write it anew", (Edit("f", 1, 3, 1, 3, "\n"),), True)

    def find(texts: Texts) -> list[Diagnostic]:
        """Each line with an `x` is wrong. The fix of the first only moves it down."""
        lines = enumerate(texts["f"].split("\n"), 1)
        return [
            Diagnostic("f", line, text.find("x") + 1, "DL006", "it is wrong", fixes=(fix,))
            for line, text in lines
            for fix in [good if line == 2 else bad]
            if "x" in text
        ]

    texts = {"f": "- x\n- x\n"}
    fixed = fix_all(texts, find(texts), find, is_unsafe=False)
    assert fixed.texts == {"f": "- x\n- right\n"}
    assert [one.fix for one in fixed.refused] == [bad]


def test_a_fix_without_its_place_is_not_applied() -> None:
    lost = Fix("write it anew", (Edit("f", 1, 9, 1, 9, "x"),), True)
    found = [Diagnostic("f", 1, 1, "DL006", "it is wrong", fixes=(lost,))]
    fixed = fix_all({"f": "a"}, found, lambda _: found, is_unsafe=False)
    assert (fixed.texts, [one.fix for one in fixed.refused]) == ({"f": "a"}, [lost])


def test_fixes_that_undo_each_other_end() -> None:
    def find(texts: Texts) -> list[Diagnostic]:
        is_a = texts["f"] == "a"
        fix = Fix("turn it over", (Edit("f", 1, 1, 1, 2, "b" if is_a else "a"),), True)
        code = "DL006" if is_a else "DL007"
        return [Diagnostic("f", 1, 1, code, "it is wrong", fixes=(fix,))]

    fixed = fix_all({"f": "a"}, find({"f": "a"}), find, is_unsafe=False)
    assert (fixed.texts, len(fixed.applied), len(fixed.refused)) == ({"f": "b"}, 1, 1)


def test_fixes_that_make_what_the_next_ones_fix_end() -> None:
    def find(texts: Texts) -> list[Diagnostic]:
        """Each round fixes one mistake, and makes another one."""
        fix = Fix("write more", (Edit("f", 1, 1, 1, 1, "a"),), True)
        return [Diagnostic("f", 1, 1, "DL006", f"{texts['f']} is wrong", fixes=(fix,))]

    fixed = fix_all({"f": "a"}, find({"f": "a"}), find, is_unsafe=False)
    assert len(fixed.refused) == 1
    assert fixed.texts["f"] == "a" * (1 + len(fixed.applied))


def test_an_entry_may_have_more_mistakes_than_rounds_without_progress() -> None:
    def find(texts: Texts) -> list[Diagnostic]:
        fix = Fix("remove it", (Edit("f", 1, 1, 1, 2, ""),), True)
        count = texts["f"].count("a")
        return [
            Diagnostic("f", 1, 1, "DL006", f"{n} is wrong", fixes=(fix,))
            for n in reversed(range(count))
        ]

    texts = {"f": "a" * 200}
    fixed = fix_all(texts, find(texts), find, is_unsafe=False)
    assert (fixed.texts["f"], len(fixed.applied), fixed.refused) == ("", 200, [])


@pytest.mark.parametrize("tag", ["nondeterministic_seeded", "view_copy", "inplace_view"])
def test_a_tag_that_a_rule_asks_for_is_not_renamed_to_another(tag: str, tmp_path: Path) -> None:
    for name in FILES:
        text = (CATALOGUE / name).read_text("utf-8")
        if name == TAGS_FILE:
            text = text.replace(f"- tag: {tag}\n", f"- tag: {tag}x\n")
        (tmp_path / name).write_text(text, "utf-8")
    before = (tmp_path / NATIVES_FILE).read_bytes()
    files = ["--derivatives", str(tmp_path / FILES[0]), "--native-functions"]
    command = ["check", *files, str(tmp_path / NATIVES_FILE), "--no-cache", "--fix"]
    assert main([*command, "--unsafe-fixes"]) == 1
    assert (tmp_path / NATIVES_FILE).read_bytes() == before


def test_a_wrong_fix_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(DERIVATIVES, LISTED)
    monkeypatch.setattr("derivload.commands.check.fix._left", lambda chosen, *_: chosen)
    ran = project.check("--fix")
    assert natives().decode() == LISTED
    assert ran.err.splitlines()[0] == (
        "derivload: not applied: native_functions.yaml:4:13: DL007: write `function, method`: "
        "it does not remove the mistake; this is a bug of derivload's"
    )
