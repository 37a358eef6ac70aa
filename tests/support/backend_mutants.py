"""A small file of a backend, and what is made of it by changing one thing or two."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

import yaml

Mapping = dict[object, object]

NATIVES: Final = """\
- func: polish(Tensor self, Scalar grit) -> Tensor
  dispatch:
    CPU: polish
- func: polish_(Tensor(a!) self, Scalar grit) -> Tensor(a!)
  dispatch:
    CPU: polish_
- func: polish.out(Tensor self, Scalar grit, *, Tensor(a!) out) -> Tensor(a!)
  dispatch:
    CPU: polish_out
- func: sand(Tensor self) -> Tensor
  dispatch:
    CPU, CUDA: sand
- func: sand_(Tensor(a!) self) -> Tensor(a!)
  dispatch:
    CPU, CUDA: sand_
- func: varnish.coat(Tensor self, int coats) -> Tensor
- func: dry(Tensor self) -> Tensor
  autogen: dry.out
  dispatch:
    CompositeExplicitAutograd: dry
- func: __iand__.wood(Tensor(a!) self, Tensor other) -> Tensor(a!)
  dispatch:
    CPU: iand
- func: mylib::carve(Tensor self) -> Tensor
  dispatch:
    CPU: carve
"""
TAGS: Final = "- tag: core\n  desc: An operator of the core.\n"
DERIVATIVES: Final = "[]\n"

FILE: Final[Mapping] = {
    "backend": "XLA",
    "cpp_namespace": "workshop",
    "use_out_as_primary": True,
    "device_guard": False,
    "supported": ["polish", "polish_", "sand"],
    "full_codegen": ["varnish.coat"],
    "symint": ["sand"],
    "autograd": ["dry"],
    "ir_gen": ["dry.out"],
    "non_native": [{"func": "scrape(Value self) -> Tensor"}],
    "class_name": "Workshop",
}
_VALUES: Final[list[object]] = [
    *(None, True, False, 0, 3, 1.5, "", "x", "CPU", "CUDA", "Lazy", "PrivateUse1", "NoSuchKey"),
    *("AutogradXLA", "Autograd", "polish", "CompositeExplicitAutograd", "Undefined"),
    *([], {}, ["polish"], ["nothing"], [None], [1], [[]], [{}], ["polish.out"], ["dry.out"]),
    *({"polish": 1}, {"nothing": None}, [["polish"]], [{"func": "polish"}], ["polish", "polish"]),
]
_ITEMS: Final[list[object]] = [
    *("polish.out", "dry", "dry.out", "__iand__.wood", "carve", "mylib::carve", "aten::sand"),
    *("sand_", "varnish", "varnish.coat", "varnish.", ".coat", "", " polish", "polish ", "Polish"),
    *("polish_out", "polish(Tensor self)", "polish.out.out", "__iand__", "__and__", "_"),
    *(None, 1, True, 2.5, [], {}, ["polish"], {"func": "dry"}, "polish", "carve.out", "sand.out"),
]
_KEYS: Final[list[object]] = [
    *("extra_headers", "Backend", "suported", "tensor", 3, None, True, "NPU", "composite", "name"),
]
_TEXTS: Final = (
    *("", "# nothing\n", "x\n", "3\n", "- polish\n", "- x: y\n", "null\n", "{}\n", "[]\n"),
    *("backend: XLA\n", "backend: XLA\ncpp_namespace: w\n", "cpp_namespace: w\nsupported: []\n"),
    "backend: XLA\nbackend: XLA\ncpp_namespace: w\n",
    "backend: XLA\ncpp_namespace: w\nsupported: [polish]\nsupported: [polish]\n",
    "backend: XLA\ncpp_namespace: w\nclass_name: {a: 1, a: 2}\n",
    "backend: XLA\ncpp_namespace: w\nsupported: [polish\n",
    "backend: XLA\ncpp_namespace: w\nsupported: &a [polish]\nsymint: *a\n",
    "backend: XLA\ncpp_namespace: w\nsupported: !!set {polish, sand}\n",
    "backend: XLA\ncpp_namespace: w\nfull_codegen: !!set {polish, sand}\n",
    "backend: XLA\ncpp_namespace: w\nsupported: [2001-01-01]\n",
    "backend: XLA\ncpp_namespace: w\nsymint: [2001-01-01, 3, null]\n",
    "backend: 2001-01-01\ncpp_namespace: w\n",
    "--- \nbackend: XLA\ncpp_namespace: w\n---\nbackend: XLA\n",
    "<<: {backend: XLA}\ncpp_namespace: w\n",
    "backend: !!python/object:x.Y {}\ncpp_namespace: w\n",
    "backend: XLA\ncpp_namespace: w\nsupported:\n\t- polish\n",
    "backend: XLA\r\ncpp_namespace: w\r\nsupported:\r\n  - polish\r\n",
    "? [a, b]\n: c\nbackend: XLA\ncpp_namespace: w\n",
)


def mutants(count: int) -> dict[str, str]:
    """The texts, by name: the file, each with one change, and so many with two or three."""
    made = {"the file itself": _text(FILE)}
    for name, file in _changed(FILE):
        made[name] = _text(file)
    for i, text in enumerate(_TEXTS):
        made[f"text {i}"] = text
    chance = random.Random(15)
    singles = list(_changed(FILE))
    for i in range(count):
        file = FILE
        for _ in range(chance.randint(2, 3)):
            name, changed = chance.choice(singles)
            key = name.partition(" ")[0]
            file = {k: v for k, v in file.items() if k != key} | _of(changed, key)
        made[f"mix {i}"] = _text(file)
    return made


def _of(file: Mapping, key: str) -> Mapping:
    return {k: v for k, v in file.items() if str(k) == key}


def _changed(file: Mapping) -> Iterator[tuple[str, Mapping]]:
    for key, value in file.items():
        yield f"{key} left out", {k: v for k, v in file.items() if k != key}
        for odd in _VALUES:
            yield f"{key} is {odd!r}", {**file, key: odd}
        for odd in _ITEMS if isinstance(value, list) else ():
            assert isinstance(value, list)
            yield f"{key} with {odd!r}", {**file, key: [*value, odd]}
    for odd in _KEYS:
        yield f"{odd} added", {**file, odd: ["polish"]}


def _text(file: object) -> str:
    return yaml.safe_dump(file, sort_keys=False)
