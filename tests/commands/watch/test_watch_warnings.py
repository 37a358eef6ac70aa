"""derivwatch shows the warnings that a save brings, and names those that it fixes."""

from __future__ import annotations

from pathlib import Path

from support.derivwatch import Inputs, Watch
from support.paths import DERIVATIVES
from support.watch_runs import inputs, run, watch

__all__ = ["inputs", "watch"]  # fixtures

BEFORE, MISSPELT = "grad * luster", "grad * lustre"


def test_a_save_tells_its_warnings_and_which_it_fixes(watch: Watch, inputs: Inputs) -> None:
    assert watch.events[0]["warnings"] == []
    inputs.save(MISSPELT)
    event = watch.expect("reloaded")
    (found,) = event["warnings"]
    assert (found["code"], found["severity"], event["warnings_count"]) == ("DL602", "warning", 1)
    assert event["fixed"] == []
    # An edit of its entry tells it again, an edit elsewhere does not.
    inputs.save(f"{MISSPELT} * 2")
    event = watch.expect("reloaded")
    assert ([w["code"] for w in event["warnings"]], event["fixed"]) == (["DL602"], [])
    text = inputs.derivatives.read_text("utf-8")
    inputs.derivatives.write_text(f"# A comment.\n{text}", "utf-8")
    event = watch.expect("reloaded")
    assert (event["warnings"], event["fixed"]) == ([], [])
    inputs.save(BEFORE)
    event = watch.expect("reloaded")
    assert (event["warnings"], event["fixed"]) == ([], ["DL602 of `gild`"])


def test_for_people_a_warning_comes_with_its_line(inputs: Inputs, tmp_path: Path) -> None:
    inputs.save(MISSPELT)
    done = run(inputs, tmp_path / "out", "--once")
    assert done.returncode == 0
    assert f"{DERIVATIVES}:14:16: warning[DL602]: `lustre` is not an argument" in done.stdout
    assert "  help: did you mean `luster`?\n" in done.stdout
    assert " ms; 1 warning\n" in done.stdout


def test_what_is_ignored_is_not_told(inputs: Inputs, tmp_path: Path) -> None:
    inputs.save(MISSPELT)
    done = run(inputs, tmp_path / "out", "--once", "--ignore", "DL602")
    assert (done.returncode, "warning" in done.stdout) == (0, False)
