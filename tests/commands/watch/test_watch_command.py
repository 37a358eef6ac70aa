"""derivwatch within the process of the test: what its options mean, and how it starts and ends."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path

import pytest

from derivload.commands.options.command_line import make_parser
from derivload.commands.settings.apply import parse_options
from derivload.commands.watch import command
from derivload.commands.watch.followed import FollowedOptions
from derivload.commands.watch.lock import OutDirLock
from derivload.exit_status import BAD_INPUT, BAD_USAGE, DONE, ENVIRONMENT
from derivload.loading.errors import UsageError
from support.derivwatch import Inputs
from support.out_dirs import posix
from support.project import Ran
from support.settings_runs import THREE, Place, place

__all__ = ["place"]  # a fixture

pytestmark = posix


class Once(Inputs):
    """Runs of `derivwatch --once`."""

    def once(self, *more: str) -> Ran:
        return self.call("watch", *self.options, "--once", "--out-dir", str(self.out), *more)


@pytest.fixture
def inputs(tmp_path: Path) -> Once:
    return Once(tmp_path / "inputs")


def test_it_writes_what_emit_does(inputs: Once) -> None:
    ran = inputs.once("--shards", "2", "--places")
    assert ran.status == DONE
    assert "wrote" in ran.out
    written = inputs.documents()
    assert "places.json" in written
    assert "differentiability_1.json" in written
    inputs.out = inputs.folder / "emitted"
    inputs.emit("--shards", "2", "--places")
    assert inputs.documents() == written


@pytest.mark.parametrize(("more", "is_said"), [((), True), (("--quiet",), False)])
def test_quiet_says_nothing_of_what_goes_well(
    inputs: Once, more: tuple[str, ...], is_said: bool
) -> None:
    ran = inputs.once(*more)
    assert (ran.status, bool(ran.out)) == (DONE, is_said)
    inputs.save("grads[9]")
    ran = inputs.once(*more)
    assert ran.status == BAD_INPUT
    assert "nothing was written" in ran.out


def test_json_has_the_pid_the_warnings_and_the_command(inputs: Once) -> None:
    inputs.save("grad * lustre")
    ran = inputs.once("--json", "--exec", "exit 7")
    started, began, ended = (json.loads(line) for line in ran.out.splitlines())
    assert (started["event"], started["pid"]) == ("started", os.getpid())
    assert started["warnings_count"] == len(started["warnings"])
    assert "DL602" in [warning["code"] for warning in started["warnings"]]
    assert (began["state"], ended["state"], ran.status) == ("started", "ended", 7)
    # Nothing that was unwanted is told.
    ran = inputs.once("--json", "--ignore", "DL602")
    codes = [warning["code"] for warning in json.loads(ran.out)["warnings"]]
    assert "DL602" not in codes


def test_it_writes_pages_beside_the_documents_but_not_into_their_folder(inputs: Once) -> None:
    pages = inputs.folder / "pages"
    assert inputs.once("--explore", str(pages)).status == DONE
    # An open page does not look for changes of what has ended.
    assert "data-live" not in (pages / "index.html").read_text("utf-8")
    ran = inputs.once("--explore", str(inputs.out))
    assert ran.status == BAD_USAGE
    assert "--explore and --out-dir need folders of their own" in ran.err


def test_a_folder_to_which_another_one_writes_is_left_alone(inputs: Once) -> None:
    lock = inputs.out / ".derivwatch.lock"
    with OutDirLock(str(inputs.out)):
        ran = inputs.once()
        assert ran.status == ENVIRONMENT
        who = f"a derivwatch with pid {os.getpid()}"
        assert ran.err == f"derivwatch: error: {inputs.out}: {who} already writes there\n"
        lock.write_bytes(b"")
        assert "another derivwatch already writes there" in inputs.once().err
    assert inputs.documents() == {}


@pytest.mark.parametrize("is_own_process", [True, False])
def test_a_process_of_its_own_has_garbage_collected(inputs: Once, is_own_process: bool) -> None:
    words = ["watch", *inputs.options, "--once", "--out-dir", str(inputs.out)]
    options = parse_options(make_parser(), words)
    options.is_own_process = is_own_process
    gc.disable()
    try:
        assert command.run(options) == DONE
        assert gc.isenabled() == is_own_process
    finally:
        gc.enable()


def test_it_says_which_inputs_it_found(place: Place) -> None:
    place.write(THREE)
    done = place.run("watch", "--once", "--out-dir", "out", "--verbose")
    assert done.status == DONE
    assert done.out.endswith(", in/tags.yaml, as derivload.toml says\n")
    assert "input      in/derivatives.yaml" in done.err


# The settings, while it runs


def followed(*words: str) -> FollowedOptions:
    options = parse_options(make_parser(), words)
    options.is_own_process = True
    return FollowedOptions(options)


@pytest.fixture
def settings(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place whose settings name the inputs, as the current folder."""
    place.write(THREE)
    monkeypatch.chdir(place.folder)
    return place


def test_what_names_the_inputs_is_followed(settings: Place) -> None:
    options = followed("watch", "--out-dir", "out")
    assert options.now().derivatives == ["in/derivatives.yaml"]
    assert options.now().is_own_process is True
    settings.write(THREE.replace("in/derivatives", "other/derivatives"))
    assert options.now().derivatives == ["other/derivatives.yaml"]


def test_another_spelling_of_a_path_changes_nothing(settings: Place) -> None:
    settings.write(f'{THREE}cache-dir = "c"\n')
    options = followed("watch", "--out-dir", "out")
    settings.write(f'{THREE}cache-dir = "./c/../c"\n')
    options.now()


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("shards = 2\n", "the settings changed shards: start derivwatch again to follow them"),
        (
            "poll = true\nno-cache = true\n",
            "the settings changed poll, no-cache: start derivwatch again to follow them",
        ),
        ('cache-dir = "c"\n', "the settings changed cache-dir: start derivwatch again to follow"),
    ],
)
def test_of_what_was_started_long_ago_it_says_to_start_again(
    settings: Place, added: str, message: str
) -> None:
    options = followed("watch", "--out-dir", "out")
    settings.write(THREE + added)
    with pytest.raises(UsageError) as raised:
        options.now()
    assert str(raised.value).startswith(message)
    settings.write(THREE)
    options.now()


def test_another_command_that_follows_them_calls_itself_this(settings: Place) -> None:
    options = followed("check", "--watch")
    settings.write(f'{THREE}ignore = ["DL602"]\n')
    with pytest.raises(UsageError) as raised:
        options.now()
    assert str(raised.value) == "the settings changed ignore: start this again to follow them"


def test_settings_that_no_longer_go_with_the_command_line_are_told(
    settings: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.write(f'{THREE}out-dir = "out"\n')
    options = followed("watch")
    settings.write(THREE)
    with pytest.raises(UsageError) as raised:
        options.now()
    assert str(raised.value) == "the settings do not go with the command line any more"
    assert "--out-dir" in capsys.readouterr().err
