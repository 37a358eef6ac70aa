"""The values of constants, from the source of a module."""

from __future__ import annotations

from typing import Final

import pytest

from derivload.tree.constants import Constants, CppName, EnumMember, UnreadableError
from derivload.tree.modules import Tree

TYPES: Final = "class BaseCppType: pass\n"
HEAD: Final = """
from enum import Enum, auto
from torchgen.api.types.types_base import BaseCppType
class Key(Enum):
    A = auto()
    B = C = 2
words = ["a", "b"]
some = {"a"}
"""


def read(text: str) -> object:
    """The value of `x` in a module with this text after its head."""
    modules = {"torchgen/a.py": HEAD + text, "torchgen/api/types/types_base.py": TYPES}
    return Constants(Tree(modules)).read("torchgen.a:x")


VALUES: Final[dict[str, object]] = {
    "x = 1": 1,
    "x: int = 1": 1,
    "x = 'a' + 'b'": "ab",
    "x = words": ["a", "b"],
    "x = ('a', *words)": ["a", "a", "b"],
    "x = {'a', *words}": frozenset("ab"),
    "x = {'a': 1, **{'b': 2}}": {"a": 1, "b": 2},
    "x = words + ['c']": ["a", "b", "c"],
    "x = some | {'b'}": frozenset("ab"),
    "x = {'a': 1} | {'a': 2}": {"a": 2},
    "x = Key.A": EnumMember("torchgen.a:Key", "A"),
    "x = Key.C": EnumMember("torchgen.a:Key", "C"),
    "x = BaseCppType('at', 'T')": CppName("at", "T"),
    "x = set()": frozenset(),
    "x = frozenset(words)": frozenset("ab"),
    "x = list(some)": ["a"],
    "x = tuple(words)": ["a", "b"],
    "x = 'a b'.split()": ["a", "b"],
    "x = [w + '_' for w in words]": ["a_", "b_"],
    "x = [words for words in words] + words": ["a", "b", "a", "b"],
    "x = ['a']\nx.append('b')": ["a", "b"],
    "x = ['a']\nx.extend(words)": ["a", "a", "b"],
    "x = ['a']\nx += words": ["a", "a", "b"],
    "x = {'a'}\nx.add('b')": frozenset("ab"),
    "x = {'a'}\nx.update(['b'])": frozenset("ab"),
    "x = {'a'}\nx |= {'b'}": frozenset("ab"),
    "x = {'a': 1}\nx.update({'b': 2})": {"a": 1, "b": 2},
    "x = {'a': 1}\nx |= {'b': 2}": {"a": 1, "b": 2},
    "x = ['a']\nx.extend(some)": ["a", "a"],
    "x = words + [*some]": ["a", "b", "a"],
    "x = ['a']\ny = ['b']\ny.append('c')": ["a"],
    "y = ['a']\ny.append('b')\nx = y + ['c']": ["a", "b", "c"],
}


@pytest.mark.parametrize("text", VALUES)
def test_plain_data_is_read(text: str) -> None:
    assert read(text) == VALUES[text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1.5",
        "x = -1",
        "x = None",
        "x: int",
        "x, y = 1, 2",
        "x = y = 1",
        "x = none",
        "x = x",
        "from torchgen.none import none\nx = none",
        "from os import sep\nx = sep",
        "x = Key.D",
        "x = Key.A.value",
        "x = 'a' + 1",
        "x = words - ['a']",
        "x = ['a'] | ['b']",
        "x = some + some",
        "x = {**words}",
        "x = [*'ab']",
        "x = list()",
        "x = list(words, words)",
        "x = list(reversed=words)",
        "x = sorted(words)",
        "def list(of): return []\nx = list(words)",
        "def set(of): return []\nx = set(words)",
        "x = BaseCppType('at')",
        "x = BaseCppType('at', 1)",
        "x = 'a b'.split('a')",
        "x = 'a b'.split(sep='a')",
        "x = 'a b'.strip()",
        "x = words.split()",
        "x = [w for w in words if w]",
        "x = [w for v in words for w in words]",
        "x = [w for w, in words]",
        "x = ['a']\nx = ['b']",
        "x = ['a']\nx |= ['b']",
        "x += words",
        "x.append('a')",
        "x = words.x",
        "x = words[0].x",
        "x = {'a': 1} | words",
        "x = some | {'a': 1}",
        "x = words + {'a': 1}",
        "x = words()",
        "x = Key('at', 'T')",
        "x = BaseCppType.of('at', 'T')",
        "x = {'a'}\ny.add('b')\nx |= words",
        "x = ['a']\nx.update({'a': 1})",
        "x = {'a': 1}\nx.update(['a'])",
        "x = {'a': 1}\nx |= some",
        "x = some\nx |= {'a': 1}",
        "x = f(words)",
        "x = words + ['c']\nwords.append('d')",
        "x = words + ['c']; words += ['d']",
        "x = ['a']\nx += words\nwords.append('d')",
    ],
)
def test_what_is_no_plain_data_is_not_read(text: str) -> None:
    with pytest.raises(UnreadableError):
        read(text)


def test_the_members_of_an_enum() -> None:
    constants = Constants(Tree({"torchgen/a.py": HEAD}))
    assert constants.members("torchgen.a:Key") == {"A", "B", "C"}
    with pytest.raises(UnreadableError):
        constants.members("torchgen.a:words")


def test_what_is_in_no_module_of_the_tree_is_not_read() -> None:
    constants = Constants(Tree({"torchgen/a.py": HEAD}))
    for read in (constants.read, constants.members):
        with pytest.raises(UnreadableError):
            read("torchgen.none:x")


def test_what_cannot_be_read_is_named() -> None:
    for text, named in {
        "x = {**words}": r"\*\*",
        "x = 'a' + 1": r"Add\(\)",
        "x = words.split()": "split",
        "x = [w for w in words if w]": "a comprehension",
        "x = {'a': 1} | words": "a sum",
        "x = none": "torchgen.a:none",
    }.items():
        with pytest.raises(UnreadableError, match=f"^{named}$"):
            read(text)


def test_constants_that_refer_to_each_other_are_followed_for_a_while() -> None:
    chain = "".join(f"v{i} = v{i + 1}\n" for i in range(15))
    assert read(f"{chain}v15 = 1\nx = v0") == 1
    with pytest.raises(UnreadableError):
        read("x = y\ny = x")


def test_data_that_refers_to_others_too_often_is_not_read() -> None:
    assert read(f"x = [{'words, ' * 10_000}]") == [["a", "b"]] * 10_000
    with pytest.raises(UnreadableError, match="words"):
        read(f"x = [{'words, ' * 20_001}]")
