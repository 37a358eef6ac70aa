"""What counts as a source of `derivload codegen`: whatever a generator imported, opened or asked
for, and whatever else decides what Python makes of it.

On a PyTorch of two operators, laid out like a checkout, one generator of which is edited to read
what the test is about.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from derivload.pytorch.codegen.upstream import forget
from support.child import child_environment
from support.derivwatch import Watch
from support.parsing import parse_once
from support.project import call, replace_in
from support.releases import Release
from support.small_pytorch import SmallPyTorch

pytestmark = pytest.mark.release

_NAME = 'class_type="TraceType"'
_HERE = "os.path.dirname(__file__)"
# By what a generator does: the body of a function that returns a name, and the file that decides
# which, relative to the generators' folder. "{}" stands for the name in it.
READS = {
    "imports a module of a subfolder": (
        "from .helpers.names import NAME\nreturn NAME",
        "helpers/names.py",
    ),
    "imports a module of the tree": (
        "import tools.names\nreturn tools.names.NAME",
        "../names.py",
    ),
    "imports a module beside torchgen": ("import names\nreturn names.NAME", "../../names.py"),
    "opens a file": (f"return open({_HERE} + '/name.txt').read().strip()", "name.txt"),
    "opens a file elsewhere": (
        f"import pathlib\nreturn pathlib.Path({_HERE}, '../name.json').read_text().strip()",
        "../name.json",
    ),
    "opens a template": (
        f"return open({_HERE} + '/templates/name.h').read().strip()",
        "templates/name.h",
    ),
    "has a template filled in": (
        (
            "from torchgen.utils import FileManager\n"
            f"files = FileManager('out', {_HERE} + '/templates', dry_run=False)\n"
            "return files.substitute_with_template('filled.h', dict).strip()"
        ),
        "templates/filled.h",
    ),
    "opens a template of a subfolder": (
        f"return open({_HERE} + '/templates/sub/name.h').read().strip()",
        "templates/sub/name.h",
    ),
}
# Likewise, where the file is not there at first and the name is then "one".
LOOKS = {
    "tries to import": (
        "try:\n    from .local import NAME\nexcept ImportError:\n    NAME = 'one'\nreturn NAME",
        "local.py",
    ),
    "tries to open": (
        (
            f"try:\n    return open({_HERE} + '/local.txt').read().strip()\n"
            "except FileNotFoundError:\n    return 'one'"
        ),
        "local.txt",
    ),
    "looks whether a file is there": (
        (
            f"import pathlib\npath = pathlib.Path({_HERE}, '..', 'local.txt')\n"
            "return path.read_text().strip() if path.exists() else 'one'"
        ),
        "../local.txt",
    ),
    "lists a folder": (
        f"return 'two' if len(os.listdir({_HERE} + '/templates')) > COUNT else 'one'",
        "templates/zzz.h",
    ),
}


class EditedProject:
    """A PyTorch with a generator that is edited, and what derivload made of it."""

    def __init__(self, release: Path, folder: Path) -> None:
        self.pytorch = SmallPyTorch(release, folder / "pytorch", is_checkout=True)
        (self.pytorch.root / "tools" / "__init__.py").touch()
        self.folder = folder
        self.out = folder / "out"
        self.generator = self.pytorch.autograd / "gen_trace_type.py"

    def name_by(self, *bodies: str) -> None:
        """Have a generator name a class by what the bodies of functions return, one word each."""
        replace_in(self.generator, _NAME, "class_type='_'.join(name() for name in _names)")
        text = self.generator.read_text("utf-8")
        for number, body in enumerate(bodies):
            lines = "".join(f"    {line}\n" for line in body.splitlines())
            text += f"\n\ndef _name{number}():\n    import os\n{lines}"
        names = "".join(f"_name{number}, " for number in range(len(bodies)))
        self.generator.write_text(f"{text}\n\n_names = ({names})\n", "utf-8")

    def put(self, place: str, name: str) -> Path:
        """Have the file at a place say a name."""
        path = self.pytorch.autograd / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'NAME = "{name}"\n' if path.suffix == ".py" else f"{name}\n", "utf-8")
        return path

    def command(self, *options: str) -> list[str]:
        return [
            *(sys.executable, "-m", "derivload", "codegen", "--subset", "libtorch"),
            *("--pytorch", str(self.pytorch.root), "--out-dir", str(self.out)),
            *("--cache-dir", str(self.folder / "cache"), *options),
        ]

    def run(self, *options: str) -> str:
        """Run derivload in this process; the exit that it took."""
        try:
            ran = call(self.command("--stats=json", *options)[3:])
        finally:
            forget()
        assert ran.status == 0, ran.err
        return str(json.loads(ran.out)["exit"])

    def start(self, *options: str, **variables: str) -> str:
        """The same in a process of its own, with environment variables."""
        done = self.try_run("--stats=json", *options, **variables)
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["exit"])

    def try_run(self, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        own = {"PYTHONDONTWRITEBYTECODE": "", **variables}
        return subprocess.run(
            self.command(*options),
            capture_output=True,
            encoding="utf-8",
            env=child_environment(**own),
            check=False,
        )

    @property
    def name(self) -> str:
        """The name in what was written."""
        text = (self.out / "TraceTypeEverything.cpp").read_text("utf-8")
        (found,) = set(re.findall(r"\b(?:one|two)(?:_one|_two)*\b", text))
        return str(found)


@pytest.fixture
def project(
    release: Release, newest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> EditedProject:
    parse_once(monkeypatch)
    return EditedProject(release(newest), tmp_path)


def named(two: int | None, count: int) -> str:
    """The name of which one word is "two" and the others are "one"."""
    return "_".join("two" if number == two else "one" for number in range(count))


# Generators leave files to be closed by the collector, and they run in this process here.
left_open = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@left_open
def test_what_a_generator_reads_is_a_source(project: EditedProject) -> None:
    bodies, places = zip(*READS.values(), strict=True)
    project.name_by(*bodies)
    paths = [project.put(place, "one") for place in places]
    depfile = project.folder / "depfile"
    project.run(f"--depfile={depfile}")
    assert project.name == named(None, len(READS))
    assert project.run(f"--depfile={depfile}") == "up-to-date"
    depends = depfile.read_text("utf-8").replace("/../", "/")
    for number, (reads, place, path) in enumerate(zip(READS, places, paths, strict=True)):
        assert str(path.resolve()) in depends, reads
        project.put(place, "two")
        assert project.run() != "up-to-date", reads
        assert project.name == named(number, len(READS)), reads
        if not number:
            shutil.rmtree(project.out)
            project.run()
            assert project.name == named(number, len(READS))
        project.put(place, "one")
    project.run()
    assert project.name == named(None, len(READS))


@pytest.mark.thorough
@left_open
def test_what_a_generator_looks_for_is_a_source(project: EditedProject) -> None:
    bodies, places = zip(*LOOKS.values(), strict=True)
    count = len(list((project.pytorch.autograd / "templates").iterdir()))
    project.name_by(*(body.replace("COUNT", str(count)) for body in bodies))
    project.run()
    assert project.name == named(None, len(LOOKS))
    assert project.run() == "up-to-date"
    for number, (looks, place) in enumerate(zip(LOOKS, places, strict=True)):
        path = project.put(place, "two")
        project.run()
        assert project.name == named(number, len(LOOKS)), looks
        path.unlink()
    project.run()
    assert project.name == named(None, len(LOOKS))


@pytest.mark.thorough
def test_a_template_that_a_generator_looks_for_is_a_source(project: EditedProject) -> None:
    looks = f"os.path.exists({_HERE} + '/templates/looked.h')"
    project.name_by(f"return 'one' if {looks} else 'two'")
    path = project.put("templates/looked.h", "three")
    project.run()
    path.unlink()
    project.run()
    assert project.name == "two"


@pytest.mark.thorough
def test_templates_are_sources_of_a_generator_that_starts_a_process(project: EditedProject) -> None:
    """Nobody sees what that process reads."""
    reads = f"'print(open(' + repr({_HERE} + '/templates/other.h') + ').read())'"
    project.name_by(
        "import subprocess, sys\n"
        f"return subprocess.check_output([sys.executable, '-c', {reads}], text=True).strip()"
    )
    for name in ("one", "two"):
        project.put("templates/other.h", name)
        project.start()
        assert project.name == name


@pytest.mark.thorough
def test_environment_variable_that_a_generator_asks_for_is_a_source(project: EditedProject) -> None:
    project.name_by("return os.environ.get('NAMED', 'one')")
    project.start()
    assert project.start() == "up-to-date"
    assert project.start(NAMED="two") != "up-to-date"
    assert project.name == "two"
    project.start()
    assert project.name == "one"


# `shutil` asks what the functions of `os` can do before it calls them.
COPIES_A_LINK = """
import pathlib, shutil, tempfile
with tempfile.TemporaryDirectory() as folder:
    link = pathlib.Path(folder, "link")
    link.symlink_to("one")
    shutil.copy2(link, folder + "/copy", follow_symlinks=False)
    assert os.stat in os.supports_dir_fd and os.stat in os.supports_fd
    return os.readlink(folder + "/copy")
"""


def test_a_generator_can_copy_a_link(project: EditedProject) -> None:
    project.name_by(COPIES_A_LINK.strip())
    project.start()
    assert project.name == "one"


def test_two_edits_to_a_helper_in_one_second_are_seen(project: EditedProject) -> None:
    """Python takes what it compiled of the first for that of the second."""
    body, place = READS["imports a module of the tree"]
    project.name_by(body)
    for name in ("one", "two"):
        path = project.put(place, name)
        os.utime(path, (1e9, 1e9))
        project.start()
        assert project.name == name


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONOPTIMIZE": "1"},
        {"PYTHONWARNINGS": "ignore"},
    ],
    ids="".join,
)
@pytest.mark.thorough
def test_what_changes_what_python_does_counts(
    variables: Mapping[str, str], project: EditedProject
) -> None:
    project.name_by(
        "import warnings\nwarnings.warn('old', FutureWarning)\n"
        "assert not os.path.exists('no')\nreturn 'one'"
    )
    assert project.start(**variables) != "up-to-date"
    assert project.start(**variables) == "up-to-date"
    assert project.start() not in ("up-to-date", "stored")


@pytest.mark.thorough
def test_assertion_that_fails_is_not_hidden_by_a_run_without(project: EditedProject) -> None:
    project.name_by("assert False, 'no'\nreturn 'one'")
    project.start(PYTHONOPTIMIZE="1")
    done = project.try_run()
    assert done.returncode == 1
    assert "AssertionError: no" in done.stderr


def test_locale_is_nothing_to_what_a_generator_reads(project: EditedProject) -> None:
    body, place = READS["opens a file"]
    project.name_by(f"{body[: -len('.strip()')]}.strip().replace('\\u00e9', 'o')")
    (project.pytorch.autograd / place).write_text("\u00e9ne\n", "utf-8")
    ascii_alone = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    project.start(**ascii_alone)
    assert project.name == "one"


@pytest.mark.parametrize(
    ("name", "then"),
    [
        # Emacs keeps one beside a file with changes that were not saved.
        (".#gen_autograd.py", "up-to-date"),
        # This one could become a module.
        ("gen_other.py", "stored"),
    ],
)
def test_link_to_nowhere_is_no_source(project: EditedProject, name: str, then: str) -> None:
    places = ("tools/autograd", "torchgen", "tools/autograd/templates")
    links = [project.pytorch.root / place / name for place in places]
    for link in links:
        link.symlink_to("me@host.123:1")
    depfile = project.folder / "depfile"
    project.run(f"--depfile={depfile}")
    assert name not in depfile.read_text("utf-8")
    for link in links:
        link.unlink()
    assert project.run(f"--depfile={depfile}") == then


LISTS = f"return '_'.join(sorted(os.listdir({_HERE} + '/../listed')))"


@pytest.fixture
def watch(project: EditedProject) -> Iterator[Watch]:
    project.name_by(READS["imports a module beside torchgen"][0], LISTS)
    project.put("../../names.py", "one")
    project.put("../listed/one", "")
    options = ["--codegen", "--subset", "libtorch", "--pytorch", str(project.pytorch.root)]
    watch = Watch([*options, "--cache-dir", str(project.folder / "cache")], project.out)
    try:
        yield watch
    finally:
        watch.close()


def test_derivwatch_sees_what_a_generator_read(project: EditedProject, watch: Watch) -> None:
    watch.expect("started")
    watch.rest()
    assert project.name == "one_one"
    project.put("../../names.py", "two")
    while not watch.expect("reloaded")["written"]:
        pass
    assert project.name == "two_one"
    watch.rest()
    project.put("../listed/two", "")
    while not watch.expect("reloaded")["written"]:
        pass
    assert project.name == "two_one_two"


@pytest.mark.thorough
def test_derivwatch_lives_on_beside_a_link_to_nowhere(project: EditedProject, watch: Watch) -> None:
    watch.expect("started")
    watch.rest()
    (project.pytorch.autograd / ".#derivatives.yaml").symlink_to("me@host.123:1")
    (project.pytorch.autograd / ".#gen_autograd.py").symlink_to("me@host.123:1")
    project.pytorch.edit_a_formula()
    while not watch.expect("reloaded")["written"]:
        pass
