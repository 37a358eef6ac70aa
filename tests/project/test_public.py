"""What is public: listed, typed, documented, and usable from outside."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import typing
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

import derivload
import derivload.pytorch
from derivload.cli import main
from support.building import build, environment_with, run
from support.paths import CATALOGUE, ROOT

PROGRAM = ROOT / "tests" / "support" / "public_names.py"
PAGES = {derivload: "python.md", derivload.pytorch: "pytorch.md"}
NAMES = [(module, name) for module in PAGES for name in module.__all__ if name != "__version__"]
RECORDS = [name for module, name in NAMES if hasattr(getattr(module, name), "__struct_fields__")]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def in_code(text: str) -> set[str]:
    """The words that a page has between backticks, outside its examples."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return {word for part in re.findall(r"`([^`]+)`", text) for word in re.split(r"\W+", part)}


# --- listed


@pytest.mark.parametrize("module", PAGES)
def test_dir_shows_what_is_public_and_nothing_else(module: ModuleType) -> None:
    assert dir(module) == sorted(module.__all__)
    assert len({*module.__all__}) == len(module.__all__)


@pytest.mark.parametrize("module", PAGES)
def test_a_name_that_is_not_there_is_an_attribute_error(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"'{module.__name__}' has no attribute 'no_such"):
        getattr(module, "no_such_name")  # noqa: B009 - mypy would not let it stand there


def test_importing_and_listing_imports_nothing_more() -> None:
    code = "import sys, __future__; before = {*sys.modules}; import derivload; dir(derivload)"
    code += "; print(*sorted({*sys.modules} - before))"
    found = run([sys.executable, "-c", code], cwd=ROOT / "src").split()
    assert found == ["derivload", "derivload.version"]


def test_a_star_imports_what_is_public() -> None:
    held: dict[str, object] = {}
    exec("from derivload import *", held)
    assert {*held} - {"__builtins__"} == {*derivload.__all__}


# --- typed


def annotations_of(thing: object) -> Iterator[object]:
    """The types in a public signature: of a function, or of a class's fields and methods."""
    yield from typing.get_type_hints(thing).values()
    if inspect.isclass(thing):
        for name, member in vars(thing).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                yield from annotations_of(member)


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_every_public_name_is_typed(module: ModuleType, name: str) -> None:
    thing = getattr(module, name)
    assert not [type_ for type_ in annotations_of(thing) if "Any" in str(type_)]
    if inspect.isfunction(thing):
        signature = inspect.signature(thing)
        assert {*typing.get_type_hints(thing)} == {*signature.parameters, "return"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_is_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert "derivload/py.typed" in archive.namelist()


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the wheel installed and no source at hand."""
    return environment_with(wheel, tmp_path_factory.mktemp("environment") / "with")


def test_a_program_that_uses_every_name_runs(python: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_bytes(PROGRAM.read_bytes())
    for module, name in NAMES:
        assert f"{module.__name__}.{name}" in program.read_text("utf-8"), "the program uses it"
    run([str(python), program.name, *map(str, inputs(tmp_path))], cwd=tmp_path)


@pytest.mark.thorough
def test_a_program_that_uses_every_name_is_well_typed(python: Path, tmp_path: Path) -> None:
    """Checked by mypy in strict mode. `script/test` checks it beside the source."""
    program = tmp_path / "program.py"
    program.write_bytes(PROGRAM.read_bytes())
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python)]
    run([*mypy, "--cache-dir", str(tmp_path / "mypy"), program.name], cwd=tmp_path)


def inputs(folder: Path) -> list[Path]:
    """The arguments of the program: two files, one with mistakes, and the documents."""
    derivatives, natives = (CATALOGUE / f"{n}.yaml" for n in ("derivatives", "native_functions"))
    mistaken = folder / "mistaken.yaml"
    mistaken.write_text("- name: 3\n", "utf-8")
    named = [f"--native-functions={natives}", f"--derivatives={derivatives}"]
    assert main(["emit", *named, "--places", "--out-dir", str(folder / "out")]) == 0
    named[-1] = f"--derivatives={mistaken}"
    command = [sys.executable, "-m", "derivload", "check", *named, "--format", "json"]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout
    (folder / "out" / "diagnostics.json").write_bytes(told)
    return [derivatives, natives, mistaken, folder / "out"]


# --- documented


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_every_public_name_is_documented(module: ModuleType, name: str) -> None:
    thing = getattr(module, name)
    own = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
    assert own and not own.startswith(f"{name}("), "a docstring of its own"
    assert name in in_code(page(PAGES[module])), f"docs/{PAGES[module]} names it"


@pytest.mark.parametrize("name", RECORDS)
def test_every_field_of_a_record_is_documented(name: str) -> None:
    thing = getattr(derivload, name)
    where = {"DiagnosticsDocument": "diagnostics.md", "ReportedDiagnostic": "diagnostics.md"}
    text = page({"Diagnostic": "python.md", **where}.get(name, "documents.md"))
    assert {*thing.__struct_fields__} - in_code(text) == set()
    assert name in in_code(text), "the page says what it is called in Python"


def test_the_example_of_the_documents_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", page("documents.md"), re.DOTALL)
    inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    exec(example, {})
    assert "Default GildBackward0" in capsys.readouterr().out


def test_the_page_of_versions_names_the_public_modules() -> None:
    text = page("versions.md")
    assert all(f"`{module.__name__}`" in text for module in PAGES)
    for subject in ("Python", "the documents", "the command line", "exit statuses", "the cache"):
        assert f"\n| {subject} |" in text
    assert "docs/versions.md" in (ROOT / "README.md").read_text("utf-8")


def test_records_are_frozen() -> None:
    records = [getattr(derivload, name) for name in RECORDS]
    assert all(issubclass(record, msgspec.Struct) for record in records)
    assert all(record.__struct_config__.frozen for record in records)
