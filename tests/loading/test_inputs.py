"""Which files and which release the options mean, and what is said of options that mean nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from derivload import __version__
from derivload.cli import main
from support.child import child_environment
from support.paths import CATALOGUE

# Wrong usage


def usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a wrong usage; argparse raises, our own checks return."""
    try:
        status: object = main(arguments)
    except SystemExit as exit_:
        status = exit_.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--derivatives", "d.yaml"], "--native-functions is missing"),
        (["--native-functions", "n.yaml"], "--derivatives is missing"),
        (["--tags", "t.yaml"], "--derivatives is missing"),
        (
            ["--derivatives", "d.yaml", "--native-functions", "n.yaml"],
            "--tags is missing, and there is no tags.yaml beside n.yaml, which does not exist eith",
        ),
        (["--shards", "0"], "'0' is not a number from 1 to"),
        (["--shards", "-1"], "--shards"),
        (["--shards", "two"], "'two' is not a number"),
        (["--shards", "\u00b2"], "is not a number"),
        (["--catalogue", "--torch-version", "1.13"], "torch 1.13 is older than 2.1"),
        (["--catalogue", "--torch-version", "new"], "`new` is not a torch version"),
        (["--pytorch", "nowhere"], "nowhere does not exist"),
        (["--pytorch"], "--pytorch"),
        (["--colour"], "--colour"),
    ],
)
def test_wrong_usage(
    options: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in usage_error(["emit", "--out-dir", "out", *options], capsys)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_has_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--out-dir" in usage_error(["emit"], capsys)


# The release


def torch_version(out: Path) -> str:
    version: str = json.loads((out / "manifest.json").read_bytes())["torch_version"]
    return version


def test_a_version_newer_than_the_table_takes_its_newest_row(
    tmp_path: Path, newest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known, unknown = tmp_path / "known", tmp_path / "unknown"
    assert main(["emit", "--catalogue", "--out-dir", str(known)]) == 0
    capsys.readouterr()
    newer = ["--torch-version", "2.99", "--no-cache"]
    assert main(["emit", "--catalogue", "--out-dir", str(unknown), *newer]) == 0
    out, err = capsys.readouterr()
    row = newest.removesuffix(".0")
    note = f"derivload: note: torch 2.99 is newer than derivload knows; following {row}"
    assert (out, err.splitlines()[0]) == ("", note)
    assert torch_version(unknown) == row
    for file in known.glob("*.json"):
        assert (unknown / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("version", ["2.12", "2.12.1", "v2.12.0-rc1", "2.12.0+cu130"])
def test_an_older_version_is_followed(version: str, tmp_path: Path) -> None:
    assert (
        main(["emit", "--catalogue", "--out-dir", str(tmp_path), "--torch-version", version]) == 0
    )
    assert torch_version(tmp_path) == "2.12"
    functions = json.loads((tmp_path / "functions.json").read_bytes())["functions"]
    # The tag `out` comes by itself since 2.13.
    assert not any(
        "out" in function["tags"] and "generated" not in function["tags"] for function in functions
    )


# Where the inputs are found


CHECKOUT = {
    "derivatives.yaml": "tools/autograd",
    "native_functions.yaml": "aten/src/ATen/native",
    "tags.yaml": "aten/src/ATen/native",
}
PACKAGED = {
    "derivatives.yaml": "torchgen/packaged/autograd",
    "native_functions.yaml": "torchgen/packaged/ATen/native",
    "tags.yaml": "torchgen/packaged/ATen/native",
}


def lay_out(folder: Path, places: dict[str, str], version: tuple[str, str]) -> Path:
    for name, place in places.items():
        (folder / place).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CATALOGUE / name, folder / place / name)
    (folder / version[0]).parent.mkdir(parents=True, exist_ok=True)
    (folder / version[0]).write_text(version[1])
    return folder


@pytest.mark.parametrize("at", [".", "torchgen", "torch"])
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("version.txt", "2.14.1\n"),
        ("torch/version.py", "debug = False\n__version__ = '2.14.0a0+git1'\n"),
        ("torch-2.14.0+cpu.dist-info/METADATA", ""),
    ],
)
def test_a_torchgen_is_found_with_its_version(
    at: str, file: str, text: str, tmp_path: Path
) -> None:
    folder = lay_out(tmp_path / "site", PACKAGED, (file, text))
    (folder / "torch").mkdir(exist_ok=True)
    out = tmp_path / "out"
    assert main(["emit", "--pytorch", str(folder / at), "--out-dir", str(out)]) == 0
    assert torch_version(out) == "2.14"


def test_a_checkout_is_found_with_its_version(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "pytorch", CHECKOUT, ("version.txt", "2.14.0a0\n"))
    # A build leaves copies there, which may be old.
    (lay_out(folder, PACKAGED, ("ignored", "")) / PACKAGED["tags.yaml"] / "tags.yaml").write_text(
        "no list"
    )
    out = tmp_path / "out"
    assert main(["emit", "--pytorch", str(folder), "--out-dir", str(out)]) == 0
    assert torch_version(out) == "2.14"


def test_a_version_on_the_command_line_goes_before_the_one_found(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "site", PACKAGED, ("version.txt", "2.14.0\n"))
    out = tmp_path / "out"
    options = ["--torch-version", "2.15", "--out-dir", str(out)]
    assert main(["emit", "--pytorch", str(folder), *options]) == 0
    assert torch_version(out) == "2.15"


def test_a_torchgen_that_does_not_say_its_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lay_out(tmp_path / "site", PACKAGED, ("notes.txt", "2.14.0\n"))
    out = ["--out-dir", str(tmp_path / "out")]
    said = usage_error(["emit", "--pytorch", str(folder), *out], capsys)
    assert "give --torch-version X.Y" in said
    assert main(["emit", "--pytorch", str(folder), "--torch-version", "2.14", *out]) == 0


def note_installed(folder: Path, name: str, metadata: str, torchgen: str | None = None) -> None:
    """Note that a torch was installed there, with this text as torchgen/gen.py."""
    notes = folder / name
    notes.mkdir(parents=True)
    (notes / ("METADATA" if name.endswith(".dist-info") else "PKG-INFO")).write_text(metadata)
    if torchgen is not None:
        digest = base64.urlsafe_b64encode(hashlib.sha256(torchgen.encode()).digest()).rstrip(b"=")
        (notes / "RECORD").write_text(f"torchgen/gen.py,sha256={digest.decode()},1\n")


@pytest.mark.parametrize(
    ("name", "metadata"),
    [
        ("torch-2.14.0+cu130.dist-info", "Name: torch\n"),
        ("Torch-2.14.0.dist-info", "Name: torch\n"),
        # Python goes by what stands inside.
        ("torch-2.15.0.dist-info", "Name: torch\nVersion: 2.14.0\n\nVersion: 2.13"),
        ("torch-2.14.0-py3.11.egg-info", "Name: torch\n"),
    ],
)
def test_installed_version_is_what_python_says(name: str, metadata: str, tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "site", PACKAGED, ("torchvision-0.1.dist-info/METADATA", ""))
    (folder / "torch-note-info").touch()
    note_installed(folder, name, metadata)
    out = tmp_path / "out"
    assert main(["emit", "--pytorch", str(folder), "--out-dir", str(out)]) == 0
    assert torch_version(out) == "2.14"


def test_of_several_installed_versions_the_one_with_this_torchgen_is_taken(tmp_path: Path) -> None:
    """`pip install --target` leaves the notes of the one that was there before."""
    folder = lay_out(tmp_path / "site", PACKAGED, ("torchgen/gen.py", "two"))
    note_installed(folder, "torch-2.10.0.dist-info", "", "one")
    note_installed(folder, "torch-2.14.0.dist-info", "", "two")
    note_installed(folder, "torch-2.9.0.dist-info", "", "nine")
    out = tmp_path / "out"
    assert main(["emit", "--pytorch", str(folder), "--out-dir", str(out)]) == 0
    assert torch_version(out) == "2.14"
    (folder / "torchgen" / "gen.py").write_text("one")
    assert main(["emit", "--pytorch", str(folder), "--out-dir", str(out)]) == 0
    assert torch_version(out) == "2.10"


def test_another_version_that_is_installed_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lay_out(tmp_path / "site", PACKAGED, ("notes.txt", ""))
    note_installed(folder, "torch-2.15.0.dist-info", "")
    command = ["emit", "--pytorch", str(folder), "--out-dir", str(tmp_path / "out")]
    assert main(command) == 0
    (folder / "other-1.0.dist-info").mkdir()
    capsys.readouterr()
    assert main(command) == 0
    assert "up to date" in capsys.readouterr().err
    note_installed(folder, "torch-2.10.0.dist-info", "")
    said = usage_error(command, capsys)
    assert "(torch-2.10.0.dist-info, torch-2.15.0.dist-info)" in said
    assert "give --torch-version X.Y" in said
    assert main([*command, "--torch-version", "2.10"]) == 0


def test_several_notes_of_one_release_are_one(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "site", PACKAGED, ("notes.txt", ""))
    for name in ("torch-2.14.0.dist-info", "torch-2.14.1.dist-info"):
        note_installed(folder, name, "")
    out = tmp_path / "out"
    assert main(["emit", "--pytorch", str(folder), "--out-dir", str(out)]) == 0
    assert torch_version(out) == "2.14"


# The module


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "derivload", "--version"],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (f"derivload {__version__}\n", "")
