"""Bad input: status 1, every mistake with its place, outputs as they were, never a traceback."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from derivload.cli import main
from derivload.cpp.dialect import NEWEST
from derivload.engine.load import Text, Texts, load_texts
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.rules import RULES
from derivload.sources.entries import split_entries
from support.paths import CATALOGUE

DERIVATIVES, NATIVES, TAGS = "derivatives.yaml", "native_functions.yaml", "tags.yaml"
FILES = (DERIVATIVES, NATIVES, TAGS)
_OPTIONS = {DERIVATIVES: "--derivatives", NATIVES: "--native-functions", TAGS: "--tags"}


class Outcome(NamedTuple):
    """How a run ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def found(self) -> list[tuple[str, int, int, str]]:
        """File, line, column (0 where there is none) and code of each diagnostic."""
        pattern = re.compile(r"^(?:.*[/\\])?([\w.]+?)(?::(\d+):(\d+))?: error\[(DL\d+)\]: .", re.M)
        return [
            (file, int(line or 0), int(column or 0), code)
            for file, line, column, code in pattern.findall(self.err)
        ]


class Project:
    """A folder with the three files of the catalogue, and outputs made from them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys
        for name in FILES:
            shutil.copyfile(CATALOGUE / name, folder / name)
        assert self.emit().status == 0
        self._before = self._outputs()

    def __getitem__(self, name: str) -> Path:
        return self._folder / name

    def _outputs(self) -> dict[str, tuple[bytes, int, int]]:
        return {
            path.name: (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns)
            for path in sorted((self._folder / "out").glob("[!.]*"))
        }

    def emit(self) -> Outcome:
        inputs = [part for name in FILES for part in (_OPTIONS[name], str(self[name]))]
        status = main(["emit", *inputs, "--out-dir", str(self["out"])])
        return Outcome(status, *self._capsys.readouterr())

    def fails(self) -> list[tuple[str, int, int, str]]:
        """Run, see that it fails as it ought to, and give what it found."""
        outcome = self.emit()
        assert (outcome.status, outcome.out) == (1, "")
        assert self._outputs() == self._before
        assert "Traceback" not in outcome.err
        found = outcome.found
        assert found
        assert outcome.err.count("\n  help: ") >= len(found)
        errors = "1 error" if len(found) == 1 else f"{len(found)} errors"
        assert outcome.err.endswith(f"derivload: {errors}; nothing was written\n")
        return found

    def prepend(self, name: str, text: str) -> None:
        self[name].write_text(text + self[name].read_text("utf-8"), "utf-8")


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    return Project(tmp_path, capsys)


# --------------------------------------------------------------------------------- whole files


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(project: Project, name: str) -> None:
    project[name].unlink()
    assert project.fails() == [(name, 0, 0, "DL001")]


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_file(project: Project, name: str) -> None:
    project[name].unlink()
    project[name].mkdir()
    assert project.fails() == [(name, 0, 0, "DL001")]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b"\xff\xfe-\0 \0", 1, 1), (b"# one\n# \xc3\xa9\xe9 two\n", 2, 4), (b"- a: \xc3", 1, 6)],
)
def test_bytes_that_are_no_utf_8(
    project: Project, name: str, data: bytes, line: int, column: int
) -> None:
    project[name].write_bytes(data)
    assert project.fails() == [(name, line, column, "DL002")]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "a: b\n", "some text\n", "3\n", "{}\n"])
def test_no_list_of_entries(project: Project, name: str, text: str) -> None:
    project[name].write_text(text, "utf-8")
    assert (name, 1, 1, "DL004") in project.fails()


def test_all_files_that_cannot_be_read_are_told_in_one_run(project: Project) -> None:
    project[DERIVATIVES].write_bytes(b"# \xe9\n")
    project[NATIVES].unlink()
    project[TAGS].unlink()
    project[TAGS].mkdir()
    assert project.fails() == [
        (DERIVATIVES, 1, 3, "DL002"),
        (NATIVES, 0, 0, "DL001"),
        (TAGS, 0, 0, "DL001"),
    ]


# ------------------------------------------------------------------------------------- entries


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- a: 'x\n", (1, 6, "DL003")),
        ("- a: [x\n\n", (1, 6, "DL003")),
        ("- a: x\n   b: y\n", (2, 5, "DL003")),
        ("- a: x\nb: y\n", (2, 1, "DL003")),
        ("- a: \x07\n", (1, 6, "DL003")),
        ("- just text\n", (1, 1, "DL005")),
        ("- [x, y]\n", (1, 1, "DL005")),
        ("- \n", (1, 1, "DL005")),
    ],
)
def test_yaml_that_is_no_list_of_mappings(
    project: Project, name: str, text: str, found: tuple[int, int, str]
) -> None:
    project.prepend(name, text)
    assert project.fails() == [(name, *found)]


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("- a: x\n  b c\n  d: e\n", (2, 3), "write `key: value`"),
        (
            "- a: x\n    b: y\n",
            (2, 6),
            "indent it like the keys beside it; a value with `: ` in it needs quotes",
        ),
        ("- a: x\n b: y\n", (2, 2), "indent it like the keys of its entry, by two spaces"),
        ("- a: x\n\tb: y\n", (2, 1), "indent with spaces"),
        ("- a:\n\tb: y\n", (2, 1), "indent with spaces"),
        (
            "- a: x: y\n",
            (1, 7),
            "indent it like the keys beside it; a value with `: ` in it needs quotes",
        ),
        ("- a: 'x\n", (1, 6), "close the quotes"),
        ("- a: [x\n  b: y\n", (2, 4), "close the bracket, or quote the value"),
        (
            "- a: 'x' y\n",
            (1, 10),
            "end the value with its closing quote or bracket, or quote all of it",
        ),
        ("- a: - x\n", (1, 6), "quote the value: `- ` begins an item of a list"),
        ("- a: *x\n", (1, 6), "quote the value: this sign has a meaning in YAML"),
        ("- a: !x y\n", (1, 6), "quote the value: this sign has a meaning in YAML"),
        ("- a: @x\n", (1, 6), "quote the value: this sign has a meaning in YAML"),
        ('- a: "\\q"\n', (1, 7), "write two backslashes for one, or use single quotes"),
        ("<<<<<<< HEAD\n- a: x\n=======\n", (1, 1), "resolve it, and remove its marks"),
        ("- a: x\n>>>>>>> edit\n", (2, 1), "resolve it, and remove its marks"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_remedy(
    project: Project, text: str, place: tuple[int, int], remedy: str
) -> None:
    project.prepend(TAGS, text)
    outcome = project.emit()
    assert outcome.found == [(TAGS, *place, "DL003")]
    assert f"\n  help: {remedy}\n" in outcome.err


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        (NATIVES, "- func: f(Tensor self) -> Tensor\n  colour: red\n", (2, 3, "DL006")),
        (DERIVATIVES, "- name: gleam(Tensor self) -> Tensor\n  colour: red\n", (2, 3, "DL430")),
        (TAGS, "- colour: red\n", (1, 3, "DL008")),
        (DERIVATIVES, "- name: nope(Tensor self) -> Tensor\n  self: grad\n", (1, 9, "DL405")),
        (NATIVES, "- func: f(Tenser self) -> Tensor\n", (1, 11, "DL104")),
        (NATIVES, "- func: f(Tensor self)\n", (1, 9, "DL101")),
        (DERIVATIVES, "- name: gleam\n  self: grad\n", (1, 9, "DL101")),
        (DERIVATIVES, "- name: gleam(Tensor self)\n  self: grad\n", (1, 9, "DL405")),
    ],
)
def test_entries_that_say_nothing(
    project: Project, name: str, text: str, found: tuple[int, int, str]
) -> None:
    project.prepend(name, text)
    assert project.fails() == [(name, *found)]


def test_mistakes_of_all_files_are_told_in_one_run(project: Project) -> None:
    project.prepend(DERIVATIVES, "- name: gleam(Tensor self) -> Tensor\n  self: 1\n- name: 'x\n\n")
    project.prepend(NATIVES, "- func: f(Tenser self) -> Tensor\n- func: g(Tensor self) -> 3\n")
    project.prepend(TAGS, "- tag: x\n- y\n")
    assert project.fails() == [
        (DERIVATIVES, 2, 9, "DL402"),
        (DERIVATIVES, 3, 9, "DL003"),
        (NATIVES, 1, 11, "DL104"),
        (NATIVES, 2, 27, "DL104"),
        (TAGS, 1, 8, "DL230"),
        (TAGS, 2, 1, "DL005"),
    ]


HOSTILE = {
    "nested lists": "- func: " + "[" * 100_000 + "\n",
    "nested mappings": "- func: " + "{a: " * 100_000 + "\n",
    "nested items": "- " * 100_000 + "x\n",
    "nested keys": "- " + "? " * 100_000 + "x\n",
    "nested types": f"- func: f(int{'?' * 10_000} x) -> Tensor\n",
    "a long size": f"- func: f(int[{'9' * 5000}] x) -> Tensor\n",
    "a long number": f"- func: {'9' * 5000}\n",
    "a long hexadecimal number": f"- func: 0x{'f' * 5000}\n",
    "itself": "- &a\n  func: *a\n",
    "doubled and doubled": "- func: [&a0 x"
    + "".join(f", &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))
    + "]\n",
    "too many returns": f"- func: f(Tensor x) -> ({', '.join(['Tensor'] * 30)})\n"
    "  autogen: f.out\n  dispatch:\n    CPU: f\n",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_input_that_was_made_to_break_a_reader(
    tmp_path: Path, child_environment: dict[str, str], kind: str
) -> None:
    # In a process of its own: a stack that overflows would take this one along.
    for name in FILES:
        shutil.copyfile(CATALOGUE / name, tmp_path / name)
    native = (tmp_path / NATIVES).read_text("utf-8")
    (tmp_path / NATIVES).write_text(HOSTILE[kind] + native, "utf-8")
    options = [part for name in FILES for part in (_OPTIONS[name], name)]
    command = [sys.executable, "-m", "derivload", "emit", *options, "--out-dir", "out"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=child_environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    outcome = Outcome(done.returncode, done.stdout, done.stderr)
    assert (outcome.status, outcome.out) == (1, ""), outcome.err[-1000:]
    assert "Traceback" not in outcome.err
    assert {(file, line) for file, line, _, _ in outcome.found} == {(NATIVES, 1)}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "formula", [f"grads[{'9' * 5000}]", f"result{'9' * 5000}", "(" * 10_000, "self" * 10_000]
)
def test_formulas_that_were_made_to_break_a_reader(project: Project, formula: str) -> None:
    schema = "gleam(Tensor self) -> Tensor"
    project.prepend(DERIVATIVES, f"- name: {schema}\n  self: grad\n  ? {formula}\n  : {formula}\n")
    assert [(name, code) for name, _, _, code in project.fails()] == [(DERIVATIVES, "DL430")]


# -------------------------------------------------------------------- what is no mistake at all


@pytest.mark.parametrize(
    "convert",
    [
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"\n", b"\r"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b"---\n" + data,
        lambda data: data.rstrip(b"\n"),
    ],
    ids=["crlf", "cr", "byte order mark", "document marker", "no line end at the end"],
)
def test_files_that_say_the_same_give_the_same_outputs(
    project: Project, convert: Callable[[bytes], bytes]
) -> None:
    for name in FILES:
        data = project[name].read_bytes()
        assert b"\r" not in data
        project[name].write_bytes(convert(data))
    outcome = project.emit()
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err.endswith(": up to date\n")


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_whatever_the_line_ends_are_the_same_is_said(project: Project, line_end: bytes) -> None:
    project.prepend(NATIVES, "# one\n- func: f(Tenser self) -> Tensor\n")
    assert project.fails() == [(NATIVES, 2, 11, "DL104")]
    expected = project.emit()
    project[NATIVES].write_bytes(project[NATIVES].read_bytes().replace(b"\n", line_end))
    assert project.emit() == expected


# ------------------------------------------------------------------------------ small mutations
#
# One character of one entry is replaced, taken away or doubled. The entry is loaded with those of
# its family alone, for speed; a sample is loaded in the whole catalogue.

TELLING = "\n\t '\"#:,-([{)]}!*&|>%@`?=.<_a0A~\\/é\x85\u2028\0\x7f"
_FAMILY = re.compile(r"- \w+: (?:\w+::)?(?:_foreach_|__i)?([a-z]+)")


class Mutant(NamedTuple):
    texts: Texts
    told: str


@cache
def catalogue() -> Texts:
    return Request(find_files()).inputs.texts


def texts_of(texts: Texts) -> dict[str, str]:
    return {
        DERIVATIVES: texts.derivatives.text,
        NATIVES: texts.native_functions[0].text,
        TAGS: texts.tags.text,
    }


def as_texts(texts: dict[str, str]) -> Texts:
    made = {name: Text(name, text) for name, text in texts.items()}
    return Texts(made[DERIVATIVES], (made[NATIVES],), made[TAGS])


@cache
def entries(name: str) -> list[str]:
    split = split_entries(name, texts_of(catalogue())[name])
    assert split
    return [entry.text for entry in split]


def family_of(entry: str) -> str:
    match = _FAMILY.match(entry)
    assert match is not None, entry
    return match[1]


def with_family(name: str, index: int) -> Iterator[tuple[str, str]]:
    """The three files with the entries of one family; the entry itself comes first in its own."""
    chosen = entries(name)[index]
    family = "gild" if name == TAGS else family_of(chosen)
    for other in FILES:
        others = [e for e in entries(other) if e != chosen]
        if other != TAGS:
            others = [e for e in others if family_of(e) in (family, "gild")]
        yield other, "".join([chosen, *others] if other == name else others)


def changes(text: str, at: int) -> list[str]:
    """All mutations of a text at one place."""
    new = [*TELLING, "", text[at] * 2]
    return [text[:at] + part + text[at + 1 :] for part in new if part != text[at]]


def mutants(name: str, longer: bool, chance: random.Random, thinning: int) -> Iterator[Mutant]:
    """All mutants of a file's entries, or one at each place, of derivatives.yaml at every one;
    fewer where they are thinned.
    """
    step = 1 if longer else thinning if name == DERIVATIVES else 2 * thinning
    for index, entry in enumerate(entries(name)):
        family = dict(with_family(name, index))
        for at in range(chance.randrange(step), len(entry), step):
            found = changes(family[name], at)
            for text in found if longer else [chance.choice(found)]:
                yield Mutant(as_texts({**family, name: text}), f"{name}, entry {index}, at {at}")


def check(mutant: Mutant) -> bool:
    """Load a mutant, see that all that is said of it can be shown; tell whether it is right."""
    try:
        diagnostics = load_texts(mutant.texts, NEWEST).diagnostics
        shown = [diagnostic.render() for diagnostic in diagnostics]
    except Exception as error:
        raise AssertionError(f"{mutant.told}: {error!r}\n{mutant.texts}") from error
    lines = {name: text.count("\n") + 1 for name, text in texts_of(mutant.texts).items()}
    for diagnostic, text in zip(diagnostics, shown, strict=True):
        assert diagnostic.code in RULES, text
        assert 1 <= diagnostic.line <= lines[diagnostic.file], text
        assert 1 <= diagnostic.column <= len(diagnostic.source_line) + 1, text
        assert text.count("\n") <= 3, text
    return not diagnostics


@pytest.mark.parametrize("name", FILES)
def test_every_family_is_right_by_itself(name: str) -> None:
    for index in range(len(entries(name))):
        if name != TAGS:
            family = dict(with_family(name, index))
            assert check(Mutant(as_texts(family), f"{name}, entry {index}")), family


@pytest.mark.parametrize("name", FILES)
def test_a_changed_character_gives_diagnostics_or_nothing(
    request: pytest.FixtureRequest, name: str, thinning: int
) -> None:
    longer = bool(request.config.getoption("--long", default=False))
    seed = random.randrange(1 << 30)
    verdicts = [check(mutant) for mutant in mutants(name, longer, random.Random(seed), thinning)]
    assert 0.05 < sum(verdicts) / len(verdicts) < 0.95


def test_a_changed_character_in_the_whole_catalogue(
    request: pytest.FixtureRequest, thinning: int
) -> None:
    longer = bool(request.config.getoption("--long", default=False))
    texts = texts_of(catalogue())
    for _ in range(20_000 if longer else 400 // thinning):
        name = random.choice(FILES)
        at = random.randrange(len(texts[name]))
        changed = random.choice(changes(texts[name], at))
        check(Mutant(as_texts({**texts, name: changed}), f"{name} at {at}"))
