"""Revisions of git as sides, and the inputs of now as the other one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.out_dirs import posix
from support.paths import CATALOGUE, FILES, NATIVES
from support.project import Project, Ran

NAMES = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": os.devnull}
SETTINGS = """\
derivatives = "inputs/derivatives.yaml"
native-functions = "inputs/native_functions.yaml"
tags = "inputs/tags.yaml"
"""


class Repository(Project):
    """A repository whose settings name its inputs. Each `commit` is a revision."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "inputs")
        self.root = folder
        (folder / "derivload.toml").write_text(SETTINGS)
        self.git("init", "-q", "-b", "main")
        self.commit()

    def git(self, *arguments: str) -> None:
        names = {**NAMES, "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
        environment = {**os.environ, **names}
        subprocess.run(["git", *arguments], cwd=self.root, env=environment, check=True)

    def commit(self) -> None:
        self.git("add", "--", ".")
        self.git("commit", "-q", "--allow-empty", "-m", "one")

    def diff(self, *arguments: str) -> Ran:
        return self.call("diff", *arguments, "--no-cache", "--format=text")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    made.edit("self: grad * luster", "self: grad * 2 * luster")
    made.commit()
    return made


@pytest.mark.parametrize(
    "sides", [["HEAD~1", "HEAD"], ["HEAD~1..HEAD"], ["HEAD~1.."], ["main~1", "main"]]
)
def test_two_revisions(repository: Repository, sides: list[str]) -> None:
    done = repository.diff(*sides)
    assert done.status == 1, done.err
    assert "- grad * luster" in done.out
    assert "+ grad * 2 * luster" in done.out


def test_what_a_branch_changed(repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "mine", "HEAD~1")
    repository.edit("self: grad * luster", "self: grad * 3 * luster")
    repository.commit()
    done = repository.diff("main...mine")
    assert done.status == 1, done.err
    assert "- grad * luster" in done.out
    assert "+ grad * 3 * luster" in done.out
    assert "- grad * 2 * luster" in repository.diff("main..mine").out
    assert repository.diff("main...nobody").status == 2


def test_revision_and_the_inputs_of_now(repository: Repository) -> None:
    assert repository.diff("HEAD").status == 0
    repository.edit("self: grad * 2 * luster", "self: grad * 3 * luster")
    done = repository.diff("HEAD")
    assert done.status == 1
    assert "+ grad * 3 * luster" in done.out
    assert "HEAD -> the working tree: 1 changed" in done.out
    assert repository.diff("HEAD", ".").status == 1


def test_settings_that_are_not_to_be_read_name_nothing(repository: Repository) -> None:
    assert repository.diff("HEAD").status == 0
    assert repository.diff("HEAD", "--no-settings").status == 2


def test_from_a_folder_below(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository.folder)
    assert repository.diff("HEAD~1", "HEAD", "gild").status == 1


def test_mistake_is_told_at_its_revision(repository: Repository) -> None:
    repository.edit("self: grad * 2 * luster", "self: grads[7]")
    repository.commit()
    repository.edit("self: grads[7]", "self: grad")
    done = repository.diff("HEAD", ".")
    assert done.status == 2
    assert done.err.startswith("HEAD:inputs/derivatives.yaml:")


def test_file_that_a_revision_has_not(repository: Repository) -> None:
    (repository.root / "derivload.toml").write_text(SETTINGS.replace("tags.yaml", "labels.yaml"))
    repository.rename("tags.yaml", "labels.yaml")
    done = repository.diff("HEAD", ".")
    assert done.status == 2
    assert "HEAD has no inputs/labels.yaml" in done.err


def test_overlay_outside_of_the_repository_is_as_it_is(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    overlay = tmp_path_factory.mktemp("backend") / "overlay.yaml"
    overlay.write_text("- func: mine(Tensor self) -> Tensor\n")
    settings = repository.root / "derivload.toml"
    settings.write_text(
        SETTINGS.replace(
            'native-functions = "inputs/native_functions.yaml"',
            f'native-functions = ["inputs/native_functions.yaml", "{overlay}"]',
        )
    )
    done = repository.diff("HEAD~1", "HEAD")
    assert done.status == 1, done.err


def test_nothing_is_left_behind(
    repository: Repository,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    repository.diff("HEAD~1", "HEAD")
    assert [*scratch.iterdir()] == []


def make_tree(root: Path, version: str) -> tuple[Path, Path]:
    """Lay the catalogue out as a checkout of PyTorch: the folders of its formulas and functions."""
    native = root / "aten" / "src" / "ATen" / "native"
    autograd = root / "tools" / "autograd"
    for folder in (native, autograd):
        folder.mkdir(parents=True)
    for name in FILES:
        folder = autograd if name == FILES[0] else native
        (folder / name).write_bytes((CATALOGUE / name).read_bytes())
    (root / "version.txt").write_text(version)
    return autograd, native


def test_pytorch_tree_is_followed_in_its_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout has its own place for each file, and its version."""
    _, native = make_tree(tmp_path, "2.14.0\n")
    repository = Repository(tmp_path)
    (tmp_path / "derivload.toml").unlink()
    repository.commit()
    monkeypatch.chdir(tmp_path)
    path = native / NATIVES
    path.write_text(path.read_text().replace("    CPU, CUDA: gild\n", "    CPU, MPS: gild\n"))
    (tmp_path / "version.txt").write_text("2.15.0\n")
    repository.commit()
    done = repository.diff("HEAD~1", "HEAD")
    assert done.status == 1, done.err
    assert "~ torch_version: 2.14 -> 2.15" in done.out
    assert "kernels  - CPU, CUDA" in done.out


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """With a torchgen beside the inputs, of which a revision gets all files."""
    (tmp_path / "torchgen").mkdir()
    autograd, _ = make_tree(tmp_path, "2.15.0\n")
    repository = Repository(tmp_path)
    (tmp_path / "derivload.toml").unlink()
    (tmp_path / "torchgen" / "a.py").write_text("")
    repository.commit()
    monkeypatch.chdir(tmp_path)
    path = autograd / FILES[0]
    path.write_text(path.read_text().replace("self: grad * luster", "self: luster * grad"))
    repository.commit()
    return repository


@posix
def test_names_of_any_bytes_and_links(checkout: Repository) -> None:
    torchgen = checkout.root / "torchgen"
    (torchgen / "two\nlines.py").write_text("")
    Path(os.fsdecode(os.fsencode(torchgen) + b"/\xff.py")).write_text("")
    (torchgen / "link.py").symlink_to("a.py")
    (torchgen / "out.py").symlink_to("/etc/passwd")
    checkout.commit()
    done = checkout.diff("HEAD~2", "HEAD")
    assert (done.status, "- grad * luster" in done.out) == (1, True), done.err


def made(*arguments: str, given: bytes) -> str:
    asked = ["git", *arguments, "--stdin"]
    return subprocess.run(asked, input=given, capture_output=True, check=True).stdout.decode()[:-1]


@posix
def test_no_name_of_a_forged_repository_leads_out(
    checkout: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)

    def tree(mode: bytes, name: bytes, number: str) -> str:
        entry = b"%s %s\0%s" % (mode, name, bytes.fromhex(number))
        return made("hash-object", "-t", "tree", "-w", "--literally", given=entry)

    forged = tree(b"100644", b"evil.py", made("hash-object", "-w", given=b"evil"))
    for name in (b"..", b"..", b"torchgen"):
        forged = tree(b"40000", name, forged)
    commit = f"tree {forged}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nevil\n"
    number = made("hash-object", "-t", "commit", "-w", given=commit.encode())
    checkout.git("update-ref", "refs/heads/evil", number)
    listed = subprocess.run(["git", "ls-tree", "-r", "evil"], capture_output=True, check=True)
    assert b"torchgen/../../evil.py" in listed.stdout
    checkout.diff("evil", "HEAD")
    assert [*scratch.iterdir()] == []


@posix
@pytest.mark.parametrize("what", ["HEAD:tools/autograd/derivatives.yaml", "HEAD:tools"])
def test_a_damaged_repository_is_told(checkout: Repository, what: str) -> None:
    asked = ["git", "rev-parse", what]
    number = subprocess.run(asked, capture_output=True, check=True).stdout.decode().strip()
    (checkout.root / ".git" / "objects" / number[:2] / number[2:]).unlink()
    done = checkout.diff("HEAD", "HEAD~1")
    assert done.status == 3
    assert "git cannot read all of HEAD: is its repository damaged?\n" in done.err
