"""A regular expression that is compiled late is like one that was compiled at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from derivload.patterns import _METHODS, lazy

TEXT = "a1 b22\nA333"


@pytest.mark.parametrize("method", _METHODS)
@pytest.mark.parametrize("flags", [0, re.IGNORECASE | re.MULTILINE])
def test_each_method_gives_the_same(method: str, flags: int) -> None:
    arguments = ["-", TEXT] if method.startswith("sub") else [TEXT]
    late, early = lazy(r"^a(\d+)", flags), re.compile(r"^a(\d+)", flags)
    for _ in range(2):
        assert shown(getattr(late, method)(*arguments)) == shown(getattr(early, method)(*arguments))


def shown(found: object) -> object:
    if isinstance(found, re.Match):
        return found.span(), found.groups()
    return [*map(shown, found)] if isinstance(found, Iterator) else found


def test_bytes_are_searched_too_and_all_else_is_that_of_the_compiled_one() -> None:
    late = lazy(rb"b(\d)")
    assert late.findall(TEXT.encode()) == [b"2"]
    assert (late.pattern, late.groups, late.flags) == (rb"b(\d)", 1, 0)
    with pytest.raises(AttributeError):
        late.other  # type: ignore[attr-defined]  # noqa: B018


def test_it_is_compiled_once_and_not_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    make = re.compile

    def compile_(text: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(text)
        return make(text, flags)

    monkeypatch.setattr(re, "compile", compile_)
    late = lazy("a")
    assert compiled == []
    assert late.search("a")
    assert late.search("a")
    assert late.sub("b", "a") == "b"
    assert compiled == ["a"]
