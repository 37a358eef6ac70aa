"""What a backend adds to the files of a load, and what is refused of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from derivload.cpp.dialect import DIALECTS
from derivload.loading.additions import add_to, check_sections, dialect_with
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files, find_files
from derivload.sources.additions import NOTHING, Additions

NEWEST = DIALECTS["2.15"]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    names = [
        str(tmp_path / name) for name in ("derivatives.yaml", "native_functions.yaml", "tags.yaml")
    ]
    for name in names:
        Path(name).write_text("[]", "utf-8")
    return find_files(names[0], [names[1]], names[2])


def _spell(option: str, value: str) -> str:
    return f"--{option} {value}".rstrip()


def _added(files: Files, *more: str, backends: tuple[str, ...] = (), **named: Any) -> Files:
    add_to(files, more, Additions(**named), _spell, backends)
    return files


def test_overlays_are_named_once_and_not_the_file_itself(files: Files) -> None:
    found = _added(files, "b.yaml", files.derivatives, "a.yaml", "b.yaml", backends=("c.yaml",))
    assert found.more_derivatives == ("b.yaml", "a.yaml")
    assert found.backends == ("c.yaml",)


def test_a_file_that_is_named_again_by_another_path_is_no_overlay_either(
    files: Files, tmp_path: Path
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "copy.yaml").write_text("[]", "utf-8")
    link, copy = tmp_path / "link.yaml", str(tmp_path / "copy.yaml")
    link.symlink_to(files.derivatives)
    (native,) = files.native_functions
    files.native_functions += (native, f"{tmp_path}/inner/../native_functions.yaml", copy)
    gone, again = str(tmp_path / "gone.yaml"), f"{tmp_path}/./gone.yaml"
    (tmp_path / "also.yaml").symlink_to(copy)
    found = _added(files, str(link), copy, backends=(gone, again, str(tmp_path / "also.yaml")))
    assert found.more_derivatives == (copy,)
    assert found.native_functions == (native, copy)
    assert found.backends == (gone, copy)  # the name that it has as an overlay
    # The link may lead elsewhere when the next run looks.
    assert (str(link), b"[]") in found.consulted


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"override": True}, "--override is about overlays: name one with --native_functions"),
        ({"entry_keys": ("a", "")}, "--entry_key NAME is empty: name a key of entries"),
        ({"sections": ("",)}, "--section NAME is empty: name a section of an overlay"),
        ({"sections": ("mine",)}, "--section is about overlays: name one with --native_functions"),
    ],
)
def test_what_has_no_effect_is_refused(named: dict[str, Any], message: str, files: Files) -> None:
    with pytest.raises(UsageError) as caught:
        _added(files, **named)
    assert str(caught.value) == message


def test_what_has_an_effect_is_not(files: Files) -> None:
    assert _added(files, "a.yaml", override=True).additions.override
    assert _added(files, sections=("mine",), backends=("c.yaml",)).additions.sections != ()
    files.native_functions += ("overlay.yaml",)
    found = _added(files, override=True, sections=("mine",), entry_keys=("a",))
    assert found.more_derivatives == ()
    assert found.additions.entry_keys == ("a",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine:\n- func: a\n", ""),
        ("'mine': []", ""),
        ('other: 1\n"mine" : []', ""),
        ("mines: []\n", "no overlay has a section `mine`, did you mean `mines`?"),
        ("- func: mine\n", "no overlay has a section `mine`"),
        ("notmine: []", "no overlay has a section `mine`"),
        ("# mine: ours\nmines:\n", "no overlay has a section `mine`; did you mean `mines`?"),
    ],
)
def test_a_section_that_is_named_is_there(text: str, message: str) -> None:
    additions = Additions(sections=("mine",))
    if not message:
        check_sections(additions, ["other: []", text])
        return
    with pytest.raises(UsageError) as caught:
        check_sections(additions, ["other: []", text])
    assert str(caught.value).startswith(message.partition(",")[0])
    assert ("mines" in str(caught.value)) == ("mines" in message)


def test_without_sections_no_text_is_looked_at() -> None:
    check_sections(NOTHING, [])
    check_sections(Additions(sections=("custom",)), [])


def test_a_backends_keys_are_the_dialects(files: Files) -> None:
    del files
    assert dialect_with(NEWEST, NOTHING, is_known=True) is NEWEST
    added = Additions(dispatch_keys=("PrivateUse1",))
    for is_known in (True, False):
        found = dialect_with(NEWEST, added, is_known=is_known)
        assert found.dispatch_keys == NEWEST.dispatch_keys | {"PrivateUse1"}
        assert found.version == "2.15"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("CPU", "torchgen 2.15 lists the dispatch key `CPU` already: do not add it again"),
        ("PrivateUse9", "torchgen 2.15 has no dispatch key `PrivateUse9`, did you mean"),
        ("xyzzy", "torchgen 2.15 has no dispatch key `xyzzy`"),
    ],
)
def test_a_key_that_torchgen_does_not_have_or_lists(key: str, message: str) -> None:
    added = Additions(dispatch_keys=(key,))
    with pytest.raises(UsageError) as caught:
        dialect_with(NEWEST, added, is_known=True)
    assert message.partition(", did")[0] in str(caught.value)
    assert key in dialect_with(NEWEST, added, is_known=False).dispatch_keys


def test_an_entry_key_of_torchgens_own_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^the entry key `dispatch` is torchgen's own"):
        dialect_with(NEWEST, Additions(entry_keys=("dispatch",)), is_known=True)
    assert dialect_with(NEWEST, Additions(entry_keys=("mine",)), is_known=True) is NEWEST
