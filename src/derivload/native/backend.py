"""What a backend registers: a file in the format of torchgen's gen_backend_stubs, read.

torchgen's form is a mapping. `backend:` names the dispatch key, and lists name the operators that
have a kernel: `supported:` and `full_codegen:` for that key, `autograd:` for its Autograd key.
`symint:` names those of them whose kernels take SymInts. The rules are those of torchgen's
`parse_backend_yaml`, which is the same in all releases.

Backends that extend torchgen have forms of their own. These hold what torchgen's rules forbid:

- Further sections, such as `custom:`, whose entries declare operators of the backend, or `quant:`.
- Items that are mappings, with the name or the schema in `func:` and keys for their own tools.
- No mapping at all, but a list of such items, each with a dispatch table of its own or without.
  ExecuTorch's have the name in `op:`, and the kernels in a list.

Such a file is read for what it registers, and its further keys are passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from derivload.cpp.dialect import Dialect
from derivload.sources.entries import MAX_MISTAKES, describe
from derivload.sources.plain import Value
from derivload.sources.sections import Flaw, Section, SectionFile, SectionItem, Spot
from derivload.spelling import ask, nearest
from derivload.tuples import NamedTuple

# So many sections are compared with those that there are: no file has more.
_MOST_ASKED: Final = 50
OWN_BACKEND: Final = "PrivateUse1"
"""The dispatch key of backends that are not part of PyTorch."""

_START: Final = Spot(1, 1, 1)
_AUTOGRAD: Final = "Autograd"
_Roles = dict[str, str | None]
"""Sections that name operators: what their dispatch keys begin with, or None if they have none."""
_SECTIONS: Final[_Roles] = {
    "supported": "",
    "full_codegen": "",
    "autograd": _AUTOGRAD,
    "symint": None,
}
# The same in backends' own forms: those of torch_npu, op-plugin and torch_mlu.
_OWN_SECTIONS: Final[_Roles] = {
    **_SECTIONS,
    "aten": "",
    "official": "",
    "quant": "",
    "nestedtensor": "",
}
_DECLARING: Final[_Roles] = {"custom": "", "custom_autograd": _AUTOGRAD}
_REQUIRED: Final = ("backend", "cpp_namespace")
_FLAGS: Final = ("use_out_as_primary", "device_guard")
_UNREAD: Final = ("class_name", "non_native", "ir_gen")
_KEYS: Final = frozenset([*_REQUIRED, *_FLAGS, *_UNREAD, *_SECTIONS])
MARKS: Final = frozenset({"backend", "cpp_namespace", *_OWN_SECTIONS} - {"aten"})
"""Keys that tell a file of this format from an overlay."""
_ANOTHER_KIND: Final = {
    "name": ("defines derivatives", "--derivatives"),
    "tag": ("declares tags", "--tags"),
}


class Registration(NamedTuple):
    """An operator that has a kernel for a dispatch key, and where the file says so.

    `is_declared` tells that the item declares the operator too. `said` is the whole item, if it is
    a mapping.
    """

    name: str
    key: str
    section: str
    spot: Spot
    is_declared: bool = False
    said: Value = None


class BackendFile(NamedTuple):
    """What a file says. `is_own` tells that it has a form of the backend's own.

    `may_name_unknown` tells that it may name operators that are not here: it is for a PyTorch that
    the backend changes, or its tools pass over such names. `symints` are the names in `symint:`.
    `passed_over` are the sections that were not read, and `spot` is where the backend is named.
    """

    name: str
    is_own: bool
    registrations: list[Registration]
    symints: list[tuple[str, Spot]]
    flaws: list[Flaw]
    passed_over: tuple[str, ...] = ()
    may_name_unknown: bool = False
    spot: Spot = _START


def read_backend(file: SectionFile, dialect: Dialect, declaring: Collection[str]) -> BackendFile:
    """Read a file. `declaring` are the sections that declare operators, besides known ones."""
    flaws: list[Flaw] = []
    read: BackendFile | None = None
    if file.is_list and file.sections is not None:
        read = _read_list(file, file.sections[0].items or [])
    elif file.sections is not None:
        sections = {s.key: s for s in file.sections if isinstance(s.key, str)}
        more: _Roles = {**dict.fromkeys(declaring, ""), **_DECLARING}
        if not sections.keys().isdisjoint({*_OWN_SECTIONS, *more} - _KEYS):
            read = _OwnFormReader(file, sections, dialect, more).read()
        else:
            read = _FormReader(file, sections, dialect).read()
    elif not file.diagnostics:
        message = f"a backend's file is a mapping with `backend:`; this is {describe(file.value)}"
        flaws.append(Flaw("DL701", message, _START))
    return read or BackendFile(file.name, False, [], [], flaws)


class _FormReader:
    """Reads torchgen's form."""

    def __init__(self, file: SectionFile, sections: dict[str, Section], dialect: Dialect) -> None:
        self._file = file
        self._sections = sections
        self._keys = dialect.all_dispatch_keys
        self._flaws: list[Flaw] = []

    def read(self) -> BackendFile:
        if not self._sections.keys() & _KEYS:
            return _refused(self._file, "it has none of the keys of a backend's file")
        for section in self._file.sections or ():
            if section.key not in _KEYS:
                message = f"a backend's file has no key `{section.key}`"
                key = str(section.key)
                is_reported = len(self._flaws) < MAX_MISTAKES
                close = nearest(key, sorted(_KEYS - self._sections.keys())) if is_reported else []
                flaw = Flaw("DL703", message, section.key_spot, words=key, meant=tuple(close))
                self._flaws.append(flaw)
        misspelt = {meant for flaw in self._flaws for meant in flaw.meant[:1]}
        for key in _REQUIRED:
            if self._value(key) is None and key not in misspelt:
                message = f"a backend's file needs `{key}:`, with a value"
                self._flaws.append(Flaw("DL702", message, self._spot(key)))
        for key in _FLAGS:
            value = self._value(key, False)
            if not isinstance(value, bool):
                self._wrong(key, value, "true or false")
        kernels = [*self._items("supported", or_none=True), *self._items("full_codegen")]
        autograd = list(self._items("autograd"))
        symint = list(self._items("symint", or_none=True))
        registrations = [
            *self._registered(kernels, ""),
            *self._registered(autograd, _AUTOGRAD),
        ]
        names = list(self._names(symint))
        spot = self._spot("backend")
        return BackendFile(self._file.name, False, registrations, names, self._flaws, spot=spot)

    def _registered(
        self, items: list[tuple[str, SectionItem]], prefix: str
    ) -> Iterator[Registration]:
        if not items:
            return
        backend = self._value("backend")
        key = f"{prefix}{backend}" if isinstance(backend, str) else ""
        if not isinstance(backend, str) or key not in self._keys:
            # That the key for autograd is unknown follows from it for the others.
            is_told = any(flaw.code == "DL705" for flaw in self._flaws)
            if backend is not None and not is_told:
                what = f"`{key}`" if isinstance(backend, str) else describe(backend)
                message = f"{what} is not a dispatch key of torchgen"
                close = [] if prefix else nearest(key, sorted(self._keys))
                spot = self._spot("backend")
                self._flaws.append(Flaw("DL705", message, spot, words=key, meant=tuple(close)))
            key = ""
        for section, item in items:
            if isinstance(item.value, str):
                yield Registration(item.value, key, section, item.spot)
            else:
                message = f"`{section}` lists operator names; this is {describe(item.value)}"
                self._flaws.append(Flaw("DL704", message, item.spot))

    def _names(self, items: list[tuple[str, SectionItem]]) -> Iterator[tuple[str, Spot]]:
        for section, item in items:
            if isinstance(item.value, str):
                yield item.value, item.spot
            elif isinstance(item.value, list | dict | set):  # torchgen makes a set of the items
                message = f"`{section}` lists operator names; this is {describe(item.value)}"
                self._flaws.append(Flaw("DL704", message, item.spot))

    def _items(self, key: str, *, or_none: bool = False) -> Iterator[tuple[str, SectionItem]]:
        """The items of a list, each with the name of the list."""
        section = self._sections.get(key)
        if section is None or (or_none and section.value is None):
            return
        # torchgen takes whatever it can go through here.
        is_listed = section.items is not None and (
            isinstance(section.value, list) or key == "full_codegen"
        )
        if not is_listed:
            if not (key == "full_codegen" and section.value == ""):
                self._wrong(key, section.value, "a list of operator names")
            return
        yield from ((key, item) for item in section.items or ())

    def _value(self, key: str, default: Value = None) -> Value:
        section = self._sections.get(key)
        return default if section is None else section.value

    def _spot(self, key: str) -> Spot:
        section = self._sections.get(key)
        return _START if section is None else section.key_spot

    def _wrong(self, key: str, value: Value, what: str) -> None:
        message = f"`{key}` is {describe(value)}, but must be {what}"
        self._flaws.append(Flaw("DL704", message, self._spot(key)))


class _OwnFormReader:
    """Reads a mapping in a form of a backend's own. `declaring` are sections that declare."""

    def __init__(
        self,
        file: SectionFile,
        sections: dict[str, Section],
        dialect: Dialect,
        declaring: _Roles,
    ) -> None:
        self._file = file
        self._sections = sections
        self._declaring = declaring
        backend = sections["backend"].value if "backend" in sections else None
        # These backends give PrivateUse1 a name of their own, which torchgen does not know.
        known = isinstance(backend, str) and backend in dialect.all_dispatch_keys
        self._backend = str(backend) if known else OWN_BACKEND

    def read(self) -> BackendFile:
        roles = {**_OWN_SECTIONS, **self._declaring}
        registers = (set(_OWN_SECTIONS) | {"backend"}) & self._sections.keys()
        if not registers:
            return _refused(
                self._file,
                "its sections declare operators",
                "--native-functions",
                [
                    near
                    for key in [*self._sections][:_MOST_ASKED]
                    for near in self._misspelt(key, roles)
                ],
            )
        registrations: list[Registration] = []
        symints: list[tuple[str, Spot]] = []
        flaws: list[Flaw] = []
        for key, section in self._sections.items():
            if key not in roles or section.value is None:
                continue
            if not isinstance(section.value, list):
                message = f"`{key}` is {describe(section.value)}, but must be a list"
                flaws.append(Flaw("DL704", message, section.key_spot))
                continue
            for item in section.items or ():
                name = _name_of(item.value)
                if not name:
                    flaws.append(_nameless(key, item))
                elif (prefix := roles[key]) is None:
                    symints.append((name, item.spot))
                else:
                    declares = key in self._declaring
                    said = item.value if isinstance(item.value, dict) else None
                    registrations.append(
                        Registration(
                            name, prefix + self._backend, key, _of_name(item, name), declares, said
                        )
                    )
        known = _KEYS | roles.keys()
        others = [key for key, held in self._sections.items() if held.items is not None]
        passed_over = tuple(key for key in others if key not in known)
        # torch_npu's tools refuse unknown names. Its files say whose they are.
        may_name_unknown = "backend" not in self._sections
        name = self._file.name
        return BackendFile(name, True, registrations, symints, flaws, passed_over, may_name_unknown)

    @staticmethod
    def _misspelt(key: str, roles: _Roles) -> list[str]:
        """The section that a key without a role may mean, if that is certain enough."""
        return [] if key in roles or key in _KEYS else nearest(key, sorted(_OWN_SECTIONS), 1)


def _read_list(file: SectionFile, items: list[SectionItem]) -> BackendFile:
    """Read a list of items, each with a dispatch table or without."""
    entries = [item.value for item in items if isinstance(item.value, dict)]
    for key, (what, option) in _ANOTHER_KIND.items():
        if any(key in entry and "func" not in entry for entry in entries):
            return _refused(file, f"it {what}", option)
    schemas = sum("(" in str(entry.get("func")) for entry in entries)
    if 2 * schemas > len(items):
        return _refused(
            file, "its entries have schemas: they declare operators", "--native-functions"
        )
    if not entries:
        return _refused(file, "it is a list, but a backend's file is a mapping with `backend:`")
    registrations = []
    flaws = []
    for item in items:
        name = _name_of(item.value)
        if isinstance(item.value, dict) and name:
            spot = _of_name(item, name)
            declares = "(" in str(item.value.get("func"))
            registrations += [
                Registration(name, key, "", spot, declares, item.value)
                for key in _dispatched(item.value.get("dispatch"))
            ]
        else:
            flaws.append(_nameless("", item))
    return BackendFile(file.name, True, registrations, [], flaws, may_name_unknown=True)


def _dispatched(table: Value) -> list[str]:
    """The dispatch keys of a table."""
    if not isinstance(table, dict) or not table:
        return [OWN_BACKEND]
    return [key.strip() for keys in table for key in str(keys).split(",")]


def _refused(
    file: SectionFile, why: str, option: str = "", meant: Collection[str] = ()
) -> BackendFile:
    """A file that says nothing. `option` is that which takes it, `meant` are keys it may mean."""
    advice = f"give it with {option}" if option else "see docs/backends.md for the format"
    if meant:
        advice = f"{ask([*meant])} Or {advice}"
    code = "DL011" if option else "DL701"
    flaw = Flaw(code, f"this file does not say what a backend registers: {why}", _START, advice)
    return BackendFile(file.name, False, [], [], [flaw])


def _name_of(value: Value) -> str:
    """The operator's name in an item, which may be a mapping with a schema; "" without one."""
    func = value.get("func", value.get("op")) if isinstance(value, dict) else value
    name = func.partition("(")[0].strip() if isinstance(func, str) else ""
    return name.removeprefix("aten::")


def _of_name(item: SectionItem, name: str) -> Spot:
    """The spot of the name alone."""
    return item.spot._replace(length=min(item.spot.length, len(name)))


def _nameless(section: str, item: SectionItem) -> Flaw:
    where = f"an item of `{section}`" if section else "an item"
    message = (
        f"{where} is an operator name, or a mapping with `func:`; this is {describe(item.value)}"
    )
    return Flaw("DL704", message, item.spot)
