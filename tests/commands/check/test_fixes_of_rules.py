"""Each rule's fixes, applied to its bad example: the mistake is gone, and no new one came.

What a fix does is the same whatever the line ends of the file are.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from derivload.commands.check.fix import fix_of
from derivload.diagnostics import Diagnostic, Fix
from derivload.outputs.edits import EditedText
from derivload.rules import RULES
from support.rule_examples import found, of_generators, write_bad

# The rules whose example has a fix, and whether that is safe. What no fix can tell is left to
# people: which file was meant, which name a thing should have, what a formula should compute.
SAFE = set(
    """
    DL003 DL007 DL104 DL106 DL107 DL202 DL205 DL214 DL216 DL223 DL311 DL313 DL403 DL411
    DL420 DL430 DL608 DL621 DL703 DL707
    """.split()
)
UNSAFE = set(
    """
    DL006 DL009 DL101 DL112 DL117 DL201 DL203 DL204 DL206 DL207 DL208 DL209 DL210 DL211 DL212
    DL213 DL215 DL220 DL222 DL224 DL226 DL228 DL307 DL401 DL402 DL405 DL409 DL412 DL431 DL601 DL602
    DL603 DL604 DL606 DL607 DL611 DL612 DL614 DL619 DL623 DL625 DL801 DL802 DL803 DL804 DL805
    """.split()
)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("code", RULES)
def test_a_fix_removes_its_mistake_and_brings_no_other(
    code: str, line_end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_bad(code, Path())
    for path in Path().glob("*.yaml"):
        text = path.read_bytes().replace(b"\n", line_end.encode())
        path.write_bytes(text)
    before = found(Path(), codegen_rules=of_generators(code))
    for diagnostic in before:
        left = Counter(map(_mistake, before)) - Counter([_mistake(diagnostic)])
        for fix in diagnostic.fixes:
            assert Counter(map(_mistake, _found_with(fix, line_end, code))) == left, fix


def _mistake(diagnostic: Diagnostic) -> tuple[str, str, str]:
    return diagnostic.code, diagnostic.file, diagnostic.message


def _found_with(fix: Fix, line_end: str, code: str) -> list[Diagnostic]:
    """What is found with this fix. Then the files are as before."""
    (name,) = {edit.file for edit in fix.edits}
    path = Path(name)
    old = path.read_bytes()
    new = EditedText(old.decode()).apply(fix.edits)
    assert new.replace(line_end, "").isprintable() or line_end == "\n"
    path.write_bytes(new.encode())
    try:
        return found(Path(), codegen_rules=of_generators(code))
    finally:
        path.write_bytes(old)


def test_these_rules_have_fixes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    safe, unsafe = set(), set()
    for code in RULES:
        write_bad(code, Path())
        for diagnostic in found(Path(), codegen_rules=of_generators(code)):
            if fix_of(diagnostic, is_unsafe=False) is not None:
                safe.add(code)
            elif diagnostic.fixes:
                unsafe.add(code)
    assert (safe, unsafe) == (SAFE, UNSAFE)
