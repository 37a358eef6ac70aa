"""What upstream's generators hand to a file manager, kept apart by item.

Upstream's generators make pieces of text for each item (a function, a differentiability info, a
group of overloads) and hand them to a `FileManager`, which joins them by file and shard. Ours
keeps the pieces. A sharded file comes with its items. Of the others, the generator has the
pieces of all items in lists when it hands them over; it is called with one item at a time then,
so that each list has the pieces of that item alone.

A generator is taken to be one of items if what it makes of many is what it makes of each, one
behind the other in an order that is known. `entry_points.py` tells how that is checked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgspec

from derivload.pytorch.errors import UnexpectedTorchgenError

# In which order items follow each other in a file: that of the native functions, of the same
# sorted by C++ name, of the differentiability infos, or by the operators' names.
NATIVE, SORTED, INFOS, NAMES = "native", "sorted", "infos", "names"
_ORDER_OF_SHARDED: Final = {
    "ADInplaceOrViewType.cpp": SORTED,
    "TraceType.cpp": NATIVE,
    "VariableType.cpp": SORTED,
    "python_functions.cpp": INFOS,
    "python_torch_functions.cpp": NATIVE,
}
EVERYTHING: Final = -1
# A place in a template, as torchgen's code_template.py has them.
_KEY: Final = re.compile(r"\$\{?,?([^\d\W]\w*)")


class Item(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What one item adds to a file: to which shard, and pieces by the template's key.

    `anchor` is what its place goes by: the schema of its function or, in a file that is sorted
    by names, a name. `base` is the base name of its operator.
    """

    anchor: str
    base: str
    shard: int
    pieces: dict[str, list[str]]


class Output(msgspec.Struct, frozen=True):
    """A file that a generator writes, or the shards of one.

    `template` is a path, `is_made` that it is relative to the outputs, being one of them. `env`
    is what the template gets besides the pieces, `shards` how many there are, 0 for a file that
    is not sharded, `keys` those that items have pieces for. `order` is "" for a file that has no
    items.
    """

    name: str
    template: str
    is_made: bool
    env: dict[str, Any]
    order: str
    shards: int
    keys: tuple[str, ...]

    def file_name(self, shard: int) -> str:
        """The file of one shard, or of what is not sharded."""
        if not self.shards:
            return self.name
        stem, extension = os.path.splitext(self.name)
        return f"{stem}{shard_id(shard)}{extension}"

    def shard_of(self, name: str) -> int:
        """The shard that a file of this output is."""
        shards = range(EVERYTHING, self.shards)
        return next((shard for shard in shards if self.file_name(shard) == name), EVERYTHING)


def shard_id(shard: int) -> str:
    """What upstream calls a shard."""
    return "Everything" if shard == EVERYTHING else f"_{shard}"


class Place(NamedTuple):
    """What a generator says a file is: its name in a folder, and its template in another."""

    folder: str
    name: str
    templates: str
    template: str


class SchemaTexts:
    """The texts of FunctionSchemas, which are much to make and asked for many times."""

    def __init__(self) -> None:
        self._texts: dict[int, tuple[object, str]] = {}

    def of(self, schema: object) -> str:
        """The text of a FunctionSchema."""
        found = self._texts.get(id(schema))
        if found is None:
            # The schema is kept with it, so that no other can have its id.
            found = self._texts[id(schema)] = (schema, str(schema))
        return found[1]


class Captured:
    """All that the generators handed over in one run: outputs by name, and the items of each."""

    def __init__(self, out: str, texts: SchemaTexts) -> None:
        self.out = out
        self.texts = texts
        self.outputs: dict[str, Output] = {}
        self.items: dict[str, list[Item]] = {}
        self._one: tuple[str, str] | None = None
        self._order = ""
        self._taken: dict[Place, Output] = {}

    @contextmanager
    def split(self, order: str) -> Iterator[None]:
        """Inside, whole files are those of a generator that is called by item."""
        self._order = order
        try:
            yield
        finally:
            self._order = ""

    @contextmanager
    def item(self, anchor: str, base: str) -> Iterator[None]:
        """Inside, the generator is called with this item alone."""
        self._one = (anchor, base)
        try:
            yield
        finally:
            self._one = None

    def take(self, place: Place, env: object) -> None:
        """Take a file that is not sharded."""
        if not isinstance(env, dict):
            raise UnexpectedTorchgenError(f"{place.name} has no environment")
        output = self._taken.get(place) or self._take_first(place, env)
        if any(env.get(key) != value for key, value in output.env.items()):
            raise UnexpectedTorchgenError(f"{place.name} has an environment that differs by item")
        pieces = {key: env[key] for key in output.keys}
        if any(pieces.values()):
            if self._one is None:
                raise UnexpectedTorchgenError(f"{place.name} has pieces that are of no item")
            self.items[output.name].append(Item(*self._one, EVERYTHING, pieces))

    def _take_first(self, place: Place, env: Mapping[str, Any]) -> Output:
        # A generator may hand over the same for two files, of which each takes its part.
        keys = _keys_of(place) if self._order else set()
        pieces = {k for k, v in env.items() if isinstance(v, list) and self._order}
        rest = {k: v for k, v in env.items() if k not in pieces}
        return self._take_output(place, rest, self._order, 0, pieces & keys)

    def take_sharded(
        self, place: Place, env: Mapping[str, Any], shards: int, keys: Iterable[str]
    ) -> list[Item]:
        """Take a sharded file; where its items are to go."""
        order = _ORDER_OF_SHARDED.get(place.name)
        if order is None or place in self._taken or any(key in env for key in keys):
            raise UnexpectedTorchgenError(f"{place.name} is not known to be sharded like this")
        return self.items[self._take_output(place, env, order, shards, keys).name]

    def _take_output(
        self, place: Place, env: Mapping[str, Any], order: str, shards: int, keys: Iterable[str]
    ) -> Output:
        name = os.path.relpath(os.path.join(place.folder, place.name), self.out)
        template = os.path.join(place.templates, place.template)
        is_made = template.startswith(self.out + os.sep)
        if is_made:
            template = os.path.relpath(template, self.out)
        if name in self.outputs:
            raise UnexpectedTorchgenError(f"{name} is written twice")
        made = Output(name, template, is_made, dict(env), order, shards, tuple(sorted(keys)))
        self.outputs[name] = self._taken[place] = made
        self.items[name] = []
        return made


def _keys_of(place: Place) -> set[str]:
    """The keys that a template has a place for."""
    with open(os.path.join(place.templates, place.template), encoding="utf-8") as file:
        return set(_KEY.findall(file.read()))


def make_file_manager(base: type, captured: Captured, shard_of: Callable[[str], int]) -> type:
    """A class to stand in the place of the release's own FileManager, `base`."""
    told: dict[str, str] = {}

    class CapturingFileManager(base):  # type: ignore[misc]
        def _place(self, name: Any, template: Any) -> Place:
            return Place(str(self.install_dir), str(name), str(self.template_dir), str(template))

        def write_with_template(
            self, filename: Any, template_fn: Any, env_callable: Callable[[], object]
        ) -> None:
            captured.take(self._place(filename, template_fn), env_callable())

        def write_sharded(self, filename: Any, items: Iterable[Any], **how: Any) -> None:
            self.write_sharded_with_template(filename, filename, items, **how)

        def write_sharded_with_template(
            self,
            filename: Any,
            template_fn: Any,
            items: Iterable[Any],
            *,
            key_fn: Callable[[Any], str],
            env_callable: Callable[[Any], dict[str, list[str]]],
            num_shards: int,
            sharded_keys: set[str],
            base_env: dict[str, Any] | None = None,
        ) -> None:
            taken = captured.take_sharded(
                self._place(filename, template_fn), base_env or {}, num_shards, sharded_keys
            )
            for item in items:
                schema = function_of(item).func
                pieces = env_callable(item)
                if not pieces.keys() <= sharded_keys:
                    raise UnexpectedTorchgenError(f"{filename} has pieces for an unknown key")
                taken.append(
                    Item(
                        captured.texts.of(schema),
                        base_of(schema),
                        shard_of(key_fn(item)) % num_shards,
                        pieces,
                    )
                )

        def template_dir_for_comments(self) -> str:
            # It takes a while, and generators ask for it with each item.
            folder = str(self.template_dir)
            if folder not in told:
                told[folder] = super().template_dir_for_comments()
            return told[folder]

    return CapturingFileManager


def function_of(item: Any) -> Any:
    """The NativeFunction that an item of a generator is about."""
    if isinstance(item, tuple):  # a name and its overloads, each a signature and its function
        return item[1][0].function
    inner = item.func
    return item if not hasattr(inner, "func") else inner


def base_of(schema: Any) -> str:
    """The base name of a FunctionSchema's operator."""
    return str(schema.name.name.base)
