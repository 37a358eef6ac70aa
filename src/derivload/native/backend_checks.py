"""Checks what a backend registers against the functions that there are.

The rules are those of torchgen's `parse_backend_yaml`. Files in a form of a backend's own are held
to fewer: their tools check them in other ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from derivload.diagnostics import Invalid
from derivload.native.backend import BackendFile, Registration
from derivload.native.function import NativeFunction
from derivload.schema.names import read_operator_name
from derivload.sources.entries import MAX_MISTAKES
from derivload.sources.sections import Flaw
from derivload.spelling import Guesses, operators_of


class Declared:
    """The functions of a load, as far as files of backends are checked against them."""

    def __init__(self, functions: Sequence[NativeFunction]) -> None:
        self._functions = functions
        self._guesses = Guesses()
        self._advised = 0
        self.by_name = {function.name.text: function for function in functions}
        self.keys = frozenset().union(*[function.dispatch for function in functions])
        self._groups: dict[str, list[NativeFunction]] | None = None

    def group(self, function: NativeFunction) -> list[NativeFunction]:
        """The variants that torchgen takes together with a function."""
        if self._groups is None:
            self._groups = {}
            for each in self._functions:
                self._groups.setdefault(each.signatures.exact, []).append(each)
        group = self._groups[function.signatures.exact]
        return group if any(each.schema.is_out for each in group) else [function]

    def advice(self, name: str) -> tuple[str, tuple[str, ...]]:
        """What to write instead of a name that no function has: a sentence, and names.

        Nothing, if so many were asked for that no more mistakes are reported.
        """
        self._advised += 1
        if self._advised > MAX_MISTAKES:
            return "", ()
        if " - " in name:
            return "indent its dash like those of the other items", ()
        several = name.replace(",", " ").split()
        if len(several) > 1 and all(each in self.by_name for each in several):
            return f"write each of them in a line of its own: `- {several[0]}`", ()
        schema, parenthesis, _ = name.partition("(")
        if parenthesis and schema in self.by_name:
            return "", (schema,)
        plain = name.rpartition("::")[2]
        if plain != name and plain in self.by_name:
            return f"write it without its namespace: `{plain}`", (plain,)
        meant = [other for other in operators_of(name) if other in self.by_name]
        if meant:
            return "", (meant[0],)
        base = plain.partition(".")[0]
        overloads = [known for known in self.by_name if known.partition(".")[0] == base]
        if overloads:
            listed = ", ".join(f"`{known}`" for known in overloads[:8])
            if len(overloads) == 1:
                return f"the overloads of `{base}` are: {listed}", tuple(overloads)
            # Which overload was left out, nobody knows; one that is misspelt can be told.
            by_overload = {known.partition(".")[2]: known for known in overloads}
            close = self._guesses.nearest(plain.partition(".")[2], by_overload)
            if close and close[0]:
                return "", (by_overload[close[0]],)
            return f"the overloads of `{base}` are: {listed}", ()
        return "", tuple(self._guesses.nearest(plain, self.by_name, 3))


def check_backend(
    file: BackendFile, declared: Declared, is_lost: Callable[[str], bool]
) -> Iterator[Flaw]:
    """The mistakes and warnings between a file and the functions (DL706 to DL708, DL621 to DL623).

    `is_lost` tells of a name whether its function may be one that could not be read.
    """
    known = {r.name for r in file.registrations if r.is_declared} | declared.by_name.keys()
    for registration in file.registrations:
        name = registration.name
        if name not in known and not is_lost(name):
            flaw = _unknown(name, registration, declared)
            yield flaw._replace(code="DL623") if file.may_name_unknown else flaw
    yield from _named_twice(file)
    if not any(flaw.code == "DL703" and flaw.meant for flaw in file.flaws):
        # Else an operator may get a kernel by the section that is misspelt.
        yield from _idle_symints(file, known, declared, is_lost)
    if not file.is_own:
        yield from _taken_keys(file, declared)
        yield from _mixed(file, declared)


def _unknown(name: str, registration: Registration, declared: Declared) -> Flaw:
    try:
        read_operator_name(name, namespaces=False)
    except Invalid as invalid:
        return Flaw("DL707", invalid.message, registration.spot, invalid.help)
    message = f"there is no operator `{name}`"
    help_, meant = declared.advice(name)
    return Flaw("DL707", message, registration.spot, help_, name, meant)


def _named_twice(file: BackendFile) -> Iterator[Flaw]:
    first: dict[tuple[str, str, str], Registration] = {}
    for registration in sorted(file.registrations, key=lambda one: one.spot):
        # A backend's own sections say different things of one operator. So do any two sections, if
        # the key is unknown.
        is_apart = file.is_own or not registration.key
        section = registration.section if is_apart else ""
        key = (registration.name, registration.key, section)
        other = first.setdefault(key, registration)
        # Of op-plugin's, each may be for other releases of PyTorch.
        if other is not registration and other.said == registration.said:
            where = f" under `{other.section}`" if other.section != registration.section else ""
            message = f"`{registration.name}` is named already, in line {other.spot.line}{where}"
            name = registration.name
            yield Flaw("DL621", message, registration.spot, words=name, is_superfluous=True)


def _idle_symints(
    file: BackendFile, known: set[str], declared: Declared, is_lost: Callable[[str], bool]
) -> Iterator[Flaw]:
    registered = {registration.name for registration in file.registrations}
    for name, spot in file.symints:
        if name in registered or is_lost(name):
            continue
        if name not in known:
            message = f"there is no operator `{name}`, so `symint` has no effect on it"
            help_, meant = declared.advice(name)
            yield Flaw("DL622", message, spot, help_, name, meant, is_superfluous=True)
        elif not file.is_own:
            message = f"`{name}` gets no kernel here, so `symint` has no effect on it"
            yield Flaw("DL622", message, spot, words=name, is_superfluous=True)


def _taken_keys(file: BackendFile, declared: Declared) -> Iterator[Flaw]:
    for key in dict.fromkeys(r.key for r in file.registrations if r.key):
        if key in declared.keys:
            message = f"native_functions.yaml and its overlays have kernels for {key} already"
            help_ = "give the backend's kernels in one place: there, or here under another key"
            yield Flaw("DL706", message, file.spot, help_)


def _mixed(file: BackendFile, declared: Declared) -> Iterator[Flaw]:
    of_autograd = [r for r in file.registrations if r.section == "autograd"]
    others = {r.name: r for r in reversed(file.registrations) if r.section != "autograd"}
    for registration in of_autograd:
        function = declared.by_name.get(registration.name)
        if function is None:
            continue
        for variant in declared.group(function):
            other = others.get(variant.name.text)
            if other is not None:
                message = (
                    f"`{registration.name}` has a kernel under `autograd`, and "
                    f"`{other.name}` one under `{other.section}`, in line {other.spot.line}"
                )
                yield Flaw("DL708", message, registration.spot)
                break
