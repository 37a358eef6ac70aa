"""Options that would have no effect beside others, or without them: they are refused.

Somebody who gives such an option expects something that will not happen. The options that all
commands have, and those about the cache, may always be given: an alias has them, or a build tool.
"""

from __future__ import annotations

from derivload.commands.options.inputs import INPUTS, WARNINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from derivload.commands.options.parser import OptionParser

_SELECTION = "--disable-autograd --selected-op-list-path --operators-yaml-path"
_GENERATORS = f"--subset {_SELECTION} --force-schema-registration"
_OF_CHECK = (
    "--format --strict --statistics --stdin-filename --fix --unsafe-fixes --diff --watch"
    " --codegen-rules --no-codegen-rules"
)
# In the options of a pair: all that `add_inputs` adds, and all that `add_warnings` adds.
_GROUPS = (INPUTS, WARNINGS)


class _Pair:
    """Options of a command that mean nothing beside `other`, or, if it `needs` that, without it.

    `other` is an option, or an option or argument with a value, such as `--subset python`, or
    several of which one is enough, with `or` between them.
    """

    __slots__ = ("command", "needs", "options", "other")

    def __init__(self, command: str, options: str, other: str, *, needs: bool = False) -> None:
        self.command = command
        self.options = options
        self.other = other
        self.needs = needs


PAIRS = (
    _Pair("emit", "--depfile-target --depfile-for", "--depfile", needs=True),
    _Pair("codegen", "--depfile-target --depfile-for", "--depfile", needs=True),
    _Pair("codegen", "--depfile --depfile-target --depfile-for --stats --jobs", "--list-outputs"),
    # These generators make code for every operator.
    _Pair("codegen", _SELECTION, "--subset pybindings"),
    _Pair("codegen", _SELECTION, "--subset python"),
    _Pair("watch", _GENERATORS, "--codegen", needs=True),
    _Pair("watch", "--places --explore", "--codegen"),
    _Pair("watch", _SELECTION, "--subset pybindings"),
    _Pair("watch", _SELECTION, "--subset python"),
    _Pair("watch", "--on-busy", "--exec", needs=True),
    _Pair("watch", "--on-busy --poll --debounce", "--once"),
    _Pair("check", f"{INPUTS} {WARNINGS} {_OF_CHECK}", "--explain"),
    _Pair("check", "--no-codegen-rules", "--codegen-rules"),
    _Pair("check", "--stdin-filename", "files -", needs=True),
    _Pair("check", "--unsafe-fixes", "--fix or --fix-only or --diff", needs=True),
    _Pair("check", "--format --strict --statistics --fix-only", "--diff"),
    _Pair("check", "--format --strict --statistics", "--fix-only"),
    _Pair("check", "--fix --fix-only --diff", "--watch"),
    *(_Pair("diff", "--stat", f"--format {form}") for form in ("markdown", "json", "html")),
    _Pair("verify", "--keep --codegen", "--compiled"),
    *(
        _Pair("cache", "--max-size --older-than", f"action {action}")
        for action in ("stats", "verify", "clear", "push", "pull")
    ),
    *(
        _Pair("cache", "--remote", f"action {action}")
        for action in ("verify", "prune", "clear", "push", "pull")
    ),
)


def refuse_without_effect(parser: OptionParser, options: argparse.Namespace) -> None:
    """Exit with a sentence if an option that was given would have no effect."""
    for name, why in without_effect(parser, options):
        if _dest(name) in options.given:
            parser.error(f"{name} has no effect {why}")


def without_effect(parser: OptionParser, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The options that would have no effect, given or not, and why."""
    for pair in PAIRS:
        if pair.command == options.command and _is_there(pair.other, options) != pair.needs:
            other = pair.other.removeprefix("action ").removeprefix("files ")
            for name in _names(parser, pair.options):
                yield name, f"{'without' if pair.needs else 'with'} {other}"


def _names(parser: OptionParser, options: str) -> Iterator[str]:
    """The names of options, of which groups have all of theirs."""
    for word in options.split():
        yield from parser.options_of(word) if word in _GROUPS else (word,)


def _is_there(other: str, options: argparse.Namespace) -> bool:
    return any(_is_given(one, options) for one in other.split(" or "))


def _is_given(other: str, options: argparse.Namespace) -> bool:
    name, _, value = other.partition(" ")
    found = getattr(options, _dest(name))
    if isinstance(found, list):
        return value in found
    return found == value if value else found not in (None, False)


def _dest(name: str) -> str:
    """The name under which argparse stores an option."""
    return name.lstrip("-").replace("-", "_")
