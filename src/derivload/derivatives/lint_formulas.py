"""Warnings about each formula by itself: its text, its key, and the gradients that it uses.

These are DL607 and DL609 to DL620. Upstream accepts all of this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from derivload.derivatives.backward import used_gradient_indices
from derivload.derivatives.brackets import Unmatched, find_unmatched
from derivload.derivatives.definition import Definition, Formulas
from derivload.derivatives.formula_text import check_text
from derivload.derivatives.forward import AUTO_ELEMENT_WISE, AUTO_LINEAR
from derivload.derivatives.identifiers import words
from derivload.derivatives.info import is_forward_derivative_definition, split_names
from derivload.derivatives.meant import NON_DIFFERENTIABLE, as_word, is_non_differentiable
from derivload.derivatives.model import DifferentiabilityInfo
from derivload.diagnostics import Mistake, Path, Remedy, occurrence_of
from derivload.native.function import NativeFunction
from derivload.patterns import lazy
from derivload.remedies import remove, write
from derivload.spelling import nearest

_NEGATIVE: Final = lazy(r"\bgrads\[\s*-\s*\d+\s*\]")
_CALLED: Final = lazy(r"\bgrads\s*\(")
_ALONE: Final = lazy(r"\bgrads\b(?!\s*[.\[(])")
_OPERATORS: Final = frozenset("+-*/,<=&|?:")
WORDS: Final = frozenset({NON_DIFFERENTIABLE, AUTO_ELEMENT_WISE, AUTO_LINEAR})
"""Words that may stand in the place of a formula."""


def is_keyword(formula: str) -> bool:
    """Whether a formula is a word such as `auto_linear`, in whatever way it is written."""
    return as_word(formula) in WORDS


def check_texts(
    definition: Definition,
    formulas: Formulas,
    function: NativeFunction | None,
    suspicious: Collection[str],
) -> Iterator[Mistake]:
    """The mistakes in the text of each formula (DL607, DL610 to DL614, DL620).

    `function` is None if it is not known. `suspicious` are the formulas in which there may be one.
    """
    for raw_names, formula in formulas.formulas:
        if formula not in suspicious:
            continue
        path = (*formulas.path, raw_names)
        unmatched = find_unmatched(formula)
        if unmatched is not None:
            rest = formula[unmatched.at :].rstrip()
            help_ = unmatched.help
            yield Mistake(
                code="DL607",
                message=unmatched.message,
                path=path,
                words=rest,
                help=help_,
                occurrence=-1,
                remedies=_matched(formula, unmatched, path),
            )
        names = None if function is None else _names_of(function)
        for flaw in check_text(formula, names, definition.name):
            occurrence = occurrence_of(formula, flaw.words, flaw.at)
            remedies: tuple[Remedy, ...] = ()
            if flaw.instead is not None:
                remedies = (write(flaw.instead, flaw.words, path=path, occurrence=occurrence),)
            yield Mistake(
                code=flaw.code,
                message=flaw.message,
                path=path,
                words=flaw.words,
                help=flaw.help,
                occurrence=occurrence,
                remedies=remedies,
            )


def _matched(formula: str, unmatched: Unmatched, path: Path) -> tuple[Remedy, ...]:
    """What makes the brackets match, if that can be told."""
    before, instead = formula[: unmatched.at], unmatched.instead
    is_cut = instead is not None and instead.rstrip(")]} ")[-1:] in _OPERATORS
    if instead is None or is_cut or find_unmatched(f"{before}{instead}") is not None:
        return ()
    rest = formula[unmatched.at :].rstrip()
    return (write(instead, rest, path=path, occurrence=-1),)


def _names_of(function: NativeFunction) -> set[str]:
    named = {argument.name for argument in function.schema.arguments.flat_all}
    return named | {r.name for r in function.schema.returns if r.name is not None}


def check_keys(formulas: Formulas, function: NativeFunction) -> Iterator[Mistake]:
    """The mistakes in the keys, and words such as `auto_linear` that are not for their key.

    These are DL609, DL616, DL617 and DL619.
    """
    if _has_usual_keys(formulas, function):
        return
    arguments = [a.name for a in function.schema.arguments.flat_all]
    outputs = _outputs(function)
    named = {name for raw_names, _ in formulas.formulas for name in split_names(raw_names)}
    first: dict[str, str] = {}
    for raw_names, formula in formulas.formulas:
        names = split_names(raw_names)
        path = (*formulas.path, raw_names)
        is_forward = is_forward_derivative_definition(arguments, names)
        yield from _misplaced(formula, names, is_forward=is_forward, path=path)
        known = outputs if is_forward else arguments
        kind = "output" if is_forward else "argument"
        # If none of the names is known, that is an error.
        unknown = [name for name in names if name not in known]
        for name in unknown if len(unknown) < len(names) else ():
            message = f"`{name}` is no {kind} of `{function.qualified}`, as the others in this key"
            close = tuple(nearest(name, [other for other in known if other not in named], 1))
            yield Mistake("DL616", message, path, name, on_key=True, meant=close)
        if is_non_differentiable(formula):
            continue  # beside a formula, it is an error
        for argument in () if is_forward else function.schema.arguments.flat_all:
            if argument.name in names and not argument.type.is_tensor_like:
                type_ = argument.type.text
                message = f"`{argument.name}` is of the type `{type_}`, so it has no gradient"
                leave_out = (remove(*path),) if len(names) == 1 else ()
                yield Mistake(
                    code="DL619",
                    message=message,
                    path=path,
                    words=argument.name,
                    on_key=True,
                    remedies=leave_out,
                )
        for name in names:
            if name in first:
                message = f"`{name}` has a formula already, under `{first[name]}`"
                yield Mistake("DL617", message, path, name, on_key=True)
            first[name] = raw_names


def _has_usual_keys(formulas: Formulas, function: NativeFunction) -> bool:
    """Whether each key is a tensor or `result`, and each word in its place: nearly always."""
    tensors = {a.name for a in function.schema.arguments.flat_all if a.type.is_tensor_like}
    for raw_names, formula in formulas.formulas:
        if raw_names != "result" and raw_names not in tensors:
            return False
        if is_keyword(formula):
            is_of_argument = formula == NON_DIFFERENTIABLE
            if formula not in WORDS or is_of_argument != (raw_names in tensors):
                return False
    return True


def _outputs(function: NativeFunction) -> list[str]:
    """The names that a key of several outputs may have."""
    returns = function.schema.returns
    return [
        *(f"result{i}" for i in range(len(returns))),
        *(r.name for r in returns if r.name is not None),
    ]


def _misplaced(
    formula: str, names: Sequence[str], *, is_forward: bool, path: tuple[str | int, ...]
) -> Iterator[Mistake]:
    word = as_word(formula)
    # Of this word, torchgen passes over blanks and capitals.
    known = formula.strip().lower() if word == NON_DIFFERENTIABLE else formula
    if word == NON_DIFFERENTIABLE and is_forward:
        message = f"`{NON_DIFFERENTIABLE}` is for arguments, and `{names[0]}` is an output"
        help_ = "remove the line; `output_differentiability` says it of outputs"
        yield Mistake("DL609", message, path, help=help_, remedies=(remove(*path),))
    elif word in WORDS:
        if word != NON_DIFFERENTIABLE and not is_forward:
            message = f"`{word}` is a forward formula, and `{names[0]}` is an argument"
            help_ = "write the backward formula, and this under an output, such as `result`"
            yield Mistake("DL609", message, path, help=help_)
        elif known != word:
            message = f"torchgen knows this word only as `{word}`"
            help_ = f"write `{word}`"
            yield Mistake("DL609", message, path, help=help_, remedies=(write(word, path=path),))


def check_gradients(
    formulas: Formulas, function: NativeFunction, info: DifferentiabilityInfo
) -> Iterator[Mistake]:
    """The uses of gradients that there are not, or that an argument hides (DL615, DL618)."""
    arguments = [a.name for a in function.schema.arguments.flat_all]
    hidden = {"grad", "grads", *info.available_named_gradients}.intersection(arguments)
    indifferent = without_gradient(function, info)
    if not hidden and not indifferent and all("grads" not in f for _, f in formulas.formulas):
        return
    count = _differentiable_outputs(function, info)
    for raw_names, formula in formulas.formulas:
        if "grad" not in formula:
            continue
        if is_forward_derivative_definition(arguments, split_names(raw_names)):
            continue
        path = (*formulas.path, raw_names)
        if "grads" in formula:
            yield from _check_list(formula, count, path)
        for index in dict.fromkeys(used_gradient_indices(formula)):
            if count is not None and count <= index < len(function.schema.returns):
                yield _no_gradient(f"grads[{index}]", count, path)
        used = words(formula)
        for name in sorted(used.intersection(indifferent)):
            message = f"`{name}` is the gradient of an output that is not differentiable"
            yield Mistake("DL615", message, path, name, help="see `output_differentiability`")
        for name in sorted(used.intersection(hidden)):
            message = f"`{name}` is an argument and the name of a gradient, and the code has both"
            yield Mistake("DL618", message, path, name)


def _check_list(formula: str, count: int | None, path: Path) -> Iterator[Mistake]:
    """The uses of `grads` that are no gradient of an output, whatever the outputs are."""
    for wrong in dict.fromkeys(_NEGATIVE.findall(formula)):
        message = f"`{wrong}` is the gradient of no output: these are counted from 0"
        yield Mistake("DL615", message, path, wrong)
    if _CALLED.search(formula):
        message = "`grads` is a list, and is called here"
        yield Mistake("DL615", message, path, "grads", help="write `grads[0]`")
    elif count == 1 and _ALONE.search(formula):
        message = "`grads` is the list of all gradients, and there is one differentiable output"
        yield Mistake("DL615", message, path, "grads", help="write `grad`", meant=("grad",))


def _no_gradient(words_: str, count: int, path: tuple[str | int, ...]) -> Mistake:
    outputs = f"{count or 'no'} differentiable output{'' if count == 1 else 's'}"
    message = f"`{words_}` is out of range: there {'is' if count == 1 else 'are'} {outputs}"
    help_ = "write `grad`, the gradient of the one differentiable output" if count == 1 else ""
    return Mistake("DL615", message, path, words_, help=help_)


def _differentiable_outputs(function: NativeFunction, info: DifferentiabilityInfo) -> int | None:
    """How many gradients a backward node is given; None if the outputs are lists of tensors."""
    returns = function.schema.returns
    if any(r.type.is_tensor_like and r.type.kind == "list" for r in returns):
        return None
    if info.output_differentiability is not None:
        return sum(info.output_differentiability)
    return sum(r.type.is_tensor_like for r in returns)


def without_gradient(function: NativeFunction, info: DifferentiabilityInfo) -> frozenset[str]:
    """The names that gradients would have if all outputs were differentiable."""
    if info.output_differentiability is None or all(
        r.name is None for r in function.schema.returns
    ):
        return frozenset()
    pairs = zip(function.schema.returns, info.output_differentiability, strict=False)
    names = {f"grad_{r.name}" for r, has_gradient in pairs if r.name and not has_gradient}
    taken = {argument.name for argument in function.schema.arguments.flat_all}
    return frozenset(names - taken)
