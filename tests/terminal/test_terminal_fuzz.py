"""A fuzzer over all commands: nothing that they print steers a terminal."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.paths import DERIVATIVES, NATIVES, TAGS
from support.terminal_runs import assert_fit, hostile
from support.terminal_texts import FORMATS, TerminalProject, project

__all__ = ["project"]  # fixtures


def _places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], bool]]:
    """The way to each text in a value, and whether it is a key."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), True
            yield from _places(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _places(item, (*path, i))
    else:
        yield path, False


def _spoil(dice: random.Random, entries: list[dict[str, Any]], bad: str) -> None:
    """Put a text into some key or value."""
    path, is_key = dice.choice(list(_places(entries)))
    *before, last = path
    holder: Any = entries
    for step in before:
        holder = holder[step]
    if is_key:
        holder[f"{last}{bad}" if dice.random() < 0.5 else bad] = holder.pop(last)
        return
    text = str(holder[last])
    at = dice.randrange(len(text) + 1)
    holder[last] = f"{text[:at]}{bad}{text[at:]}"


def _spoiled(dice: random.Random, project: TerminalProject) -> None:
    """Make names and contents of the inputs hostile, in places that chance has it."""
    for name in (DERIVATIVES, NATIVES, TAGS):
        path = project[name]
        entries = yaml.safe_load(path.read_text("utf-8"))
        for _ in range(dice.choice([0, 1, 3])):
            _spoil(dice, entries, hostile(dice, surrogates=dice.random() < 0.2))
        path.write_text(yaml.safe_dump(entries, sort_keys=False, width=1000), "utf-8")
        if dice.random() < 0.3:
            path.write_bytes(path.read_bytes() + b"- x: \x1b[31m\xff\n")
        if dice.random() < 0.5:
            bad = hostile(dice, surrogates=True).replace("/", "")
            project.rename(name, f"{bad}.yaml")


def _commands(dice: random.Random, project: TerminalProject) -> list[Sequence[str]]:
    out = hostile(dice, surrogates=True)
    inputs = project.options
    return [
        *(["check", *inputs, "--format", form] for form in FORMATS),
        ["emit", *inputs, "--out-dir", out],
        ["emit", *inputs, "--out-dir", out, "--cache-dir", hostile(dice), "--stats"],
        ["show", *inputs, dice.choice(["gild", "wel", hostile(dice, surrogates=True)])],
        ["watch", *inputs, "--once", "--out-dir", out, "--exec", f"true # {hostile(dice)}"],
        ["watch", *inputs, "--once", "--json", "--out-dir", out],
    ]


def test_nothing_but_what_is_meant_comes_out(
    longer: bool,
    seed: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dice = random.Random(seed)
    for number in range(60 if longer else 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        project = TerminalProject(Path())
        _spoiled(dice, project)
        for command in _commands(dice, project):
            ran = project.call(*command)
            print(command, ran)
            assert_fit(ran.out, annotations="github" in command)
            assert_fit(ran.err)
            assert ran.status in (0, 1, 2, 3)
            if command[-1] in ("json", "sarif"):
                json.loads(ran.out)
        command = dice.choice([c for c in _commands(dice, project) if "github" not in c])
        project.fit_on_terminal(*command)
