"""Every rule's page, and its example: the bad one breaks the rule, the fixed one breaks none.

What is said of each bad example stands, whole, in reference/messages.txt, to be read aloud.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.commands.check.pages import _write_pages, render_pages
from derivload.rules import RULES
from support.paths import REFERENCE, ROOT
from support.rule_examples import EXPLANATIONS, found, found_in, of_generators, write_bad

PAGES = ROOT / "docs" / "rules"
MESSAGES = REFERENCE / "messages.txt"


def test_every_rule_is_explained() -> None:
    assert EXPLANATIONS.keys() == RULES.keys()


def messages() -> dict[str, str]:
    """What is said of each rule's bad example, by code."""
    _, *parts = re.split(r"(?m)^# (DL\d+)\n", MESSAGES.read_text("utf-8"))
    return {code: text.strip("\n") for code, text in zip(parts[::2], parts[1::2], strict=True)}


@pytest.mark.parametrize("code", RULES)
def test_the_bad_example_breaks_the_rule_and_the_message_reads_so(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_bad(code, Path())
    diagnostics = found(Path(), codegen_rules=of_generators(code))
    assert {d.code for d in diagnostics} == {code}, [d.render() for d in diagnostics]
    assert "\n".join(d.render() for d in diagnostics) == messages()[code]


def test_there_is_a_message_for_each_rule() -> None:
    assert list(messages()) == list(RULES)


@pytest.mark.parametrize("code", RULES)
def test_the_fixed_example_breaks_none(code: str, tmp_path: Path) -> None:
    explanation = EXPLANATIONS[code]
    example = {**explanation.beside, **explanation.fixed}
    diagnostics = found_in(tmp_path, example, codegen_rules=of_generators(code))
    assert [d.render() for d in diagnostics] == []


def test_the_pages_are_those_that_the_table_gives() -> None:
    stored = {path.name: path.read_text("utf-8") for path in PAGES.iterdir()}
    assert stored == render_pages(), "run `python -m derivload.commands.check.pages docs/rules`"


def test_pages_are_written_into_a_folder_and_those_of_no_rule_removed(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "rules"
    _write_pages(folder)
    (folder / "DL999.md").touch()
    (folder / "README.md").write_text("stale", "utf-8")
    _write_pages(folder)
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == render_pages()


@pytest.mark.parametrize("code", RULES)
def test_explain_prints_the_page(code: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["check", "--explain", code.lower()]) == 0
    out, err = capsysbinary.readouterr()
    assert out.decode() == (PAGES / f"{code}.md").read_text("utf-8")
    assert err == b""


def test_a_page_reads_so(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    main(["check", "--explain", "DL420"])
    assert (
        capsysbinary.readouterr().out.decode()
        == """\
# DL420: concrete sizes

Error. Sizes may be symbols while a program is traced, but these functions support only numbers.

Both examples go with:

```yaml
# native_functions.yaml
- func: gild(Tensor self) -> Tensor
  dispatch:
    CPU: gild
```

Wrong:

```yaml
# derivatives.yaml
- name: gild(Tensor self) -> Tensor
  self: grad.expand_symint(self.sizes())
```

Fixed:

```yaml
# derivatives.yaml
- name: gild(Tensor self) -> Tensor
  self: grad.expand_symint(self.sym_sizes())
```
"""
    )


def test_an_unknown_rule_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--explain", "DL999"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        "derivload: error: rule DL999 does not exist; the first is DL001, the last DL842\n",
    )
