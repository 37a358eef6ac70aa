"""What is refused before a load: files in the place of others, and outputs that overwrite."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.engine.texts import Text, Texts
from derivload.identity import tool_files
from derivload.loading.collisions import refuse_collisions
from derivload.loading.errors import UsageError
from derivload.loading.swapped import refuse_swapped
from derivload.outputs.target import Target

NAME, FUNC, TAG = "- name: a\n  self: b\n", "- variants: x\n  func: a\n", "- tag: a\n"


def swapped(derivatives: str, natives: tuple[str, ...], tags: str, *more: str) -> str:
    texts = Texts(
        Text("d", derivatives),
        tuple(Text(f"n{number}", text) for number, text in enumerate(natives)),
        Text("t", tags),
        more_derivatives=tuple(Text(f"m{number}", text) for number, text in enumerate(more)),
    )
    try:
        refuse_swapped(texts)
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("other", ["", "[]\n", "- other: a\n", f"{NAME}{FUNC}{TAG}"])
def test_what_may_be_of_its_kind_is_not_refused(other: str) -> None:
    assert swapped(NAME, (FUNC, FUNC), TAG, NAME) == ""
    assert swapped(other, (FUNC, other), TAG, other) == swapped(NAME, (other,), other) == ""
    assert swapped(f"{TAG}{FUNC}", (f"{NAME}{TAG}",), f"{NAME}{FUNC}") == ""


def test_each_file_of_another_kind_is_named() -> None:
    end = ": were the files swapped?"
    derivatives = "given as derivatives.yaml, has the entries of a native_functions.yaml (`func:`)"
    natives = "given as native_functions.yaml, has the entries of a derivatives.yaml (`name:`)"
    tags = "given as tags.yaml, has the entries of a derivatives.yaml (`name:`)"
    assert swapped(FUNC, (FUNC,), TAG) == f"d, {derivatives}{end}"
    assert swapped(NAME, (FUNC,), TAG, NAME, FUNC) == f"m1, {derivatives}{end}"
    assert swapped(NAME, (FUNC, NAME * 3), NAME) == f"n1, {natives}; t, {tags}{end}"
    of_tags = "has the entries of a tags.yaml (`tag:`)"
    assert of_tags in swapped(TAG, (FUNC,), TAG) and of_tags in swapped(NAME, (TAG,), TAG)


def test_an_output_over_an_input_or_another_output_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(target: Target, names: list[str], inputs: list[str]) -> str:
        try:
            refuse_collisions(target, names, "stamp", inputs)
        except UsageError as error:
            return str(error)
        return ""

    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    for name in ("i", "out/a", "out/stamp"):
        Path(name).write_text("")
    out, depfile = Target("out"), Target("out", depfile="d")
    assert told(out, ["a", "b"], ["i"]) == told(depfile, ["a", "b"], ["i"]) == ""
    for path in ("out/a", "out/stamp"):
        again = "name another --out-dir"
        assert told(out, ["a"], [path]) == f"{path} would overwrite the input {path}: {again}"
    depfiles = "name another --depfile"
    assert told(Target("out", depfile="i"), ["a"], ["i"]) == (
        f"i would overwrite the input i: {depfiles}"
    )
    assert told(Target("out", depfile="out/../out/a"), ["a"], []) == (
        f"out/../out/a would overwrite the output out/a: {depfiles}"
    )
    tool = next(iter(tool_files()))
    assert told(Target("out", depfile=tool), ["a"], []) == (
        f"{tool} would overwrite the input {tool}: {depfiles}"
    )
    assert told(Target(str(Path(tool).parent)), [Path(tool).name], []) == ""  # no depfile has it
    for name in ("x/.derivload-stamp", ".derivwatch"):
        assert told(Target("out", depfile=name), ["a"], []) == (
            f"--depfile {name}: such names are derivload's own"
        )
    assert told(Target("out", depfile="derivload-x"), ["a"], []) == ""
