"""Captures the text that upstream's generators make, separately for each item.

An item is what a generator loops over: a function, a differentiability info, or a group of
overloads. For each item, upstream's generators make pieces of text. They pass the pieces to a
`FileManager`, which joins them into files and shards. We pass them a `FileManager` of our own,
which keeps the pieces.

For a sharded file, the generator passes the items themselves, so the pieces of each are known. For
any other file, it passes lists with the pieces of all items. So we call such a generator with one
item at a time: then each list has the pieces of that item only.

This works if running a generator on each item and joining the results, in an order that we know,
gives the same as running it on all items. `generators.py` checks that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgspec

from derivload.loading.trace import without_root
from derivload.pytorch.codegen.makers import identity
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.terminal.progress import tell

# The order of the items in a file: that of the native functions, that of the native functions
# sorted by C++ name, that of the differentiability infos, or sorted by the operators' names.
NATIVE, SORTED, INFOS, NAMES = "native", "sorted", "infos", "names"
_ORDER_OF_SHARDED: Final = {
    "ADInplaceOrViewType.cpp": SORTED,
    "TraceType.cpp": NATIVE,
    "VariableType.cpp": SORTED,
    "python_functions.cpp": INFOS,
    "python_torch_functions.cpp": NATIVE,
}
EVERYTHING: Final = -1
# A placeholder in a template, as in torchgen's code_template.py.
_KEY: Final = re.compile(r"\$\{?,?([^\d\W]\w*)")


class Item(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The text that one item adds to a file: its shard, and its pieces by the template's key.

    `anchor` decides the place of the item in the file: it is the schema of its function or, in a
    file that is sorted by names, the name. `base` is the base name of its operator.
    """

    anchor: str
    base: str
    shard: int
    pieces: dict[str, list[str]]


class Output(msgspec.Struct, frozen=True):
    """A file that a generator writes, or all shards of one.

    - `template`: the path of the template, as a trace has it. With `is_made` the template is
      itself an output, and the path is relative to the outputs.
    - `env`: the values that the template gets besides the pieces.
    - `order`: the order of the items; "" if the file has no items.
    - `shards`: the number of shards; 0 if the file is not sharded.
    - `keys`: the template's keys for which items have pieces.
    - `lists`: the keys for which the generator passes lists, where the template decides which of
      them have pieces.
    """

    name: str
    template: str
    is_made: bool
    env: dict[str, Any]
    order: str
    shards: int
    keys: tuple[str, ...]
    lists: tuple[str, ...] = ()

    def has_keys_of(self, template: str) -> bool:
        """Whether the items have the pieces that a template with this text has placeholders for."""
        return {*self.lists} & keys_of(template) == {*self.keys} if self.lists else True

    def file_name(self, shard: int) -> str:
        """The name of the file of one shard; the only name if the file is not sharded."""
        if not self.shards:
            return self.name
        stem, extension = os.path.splitext(self.name)
        return f"{stem}{shard_id(shard)}{extension}"

    def shard_of(self, name: str) -> int:
        """The shard with this file name."""
        shards = range(EVERYTHING, self.shards)
        return next((shard for shard in shards if self.file_name(shard) == name), EVERYTHING)


def shard_id(shard: int) -> str:
    """Upstream's name of a shard, which is part of its file name."""
    return "Everything" if shard == EVERYTHING else f"_{shard}"


class FilePlace(NamedTuple):
    """The place of a file: its folder and name, and the folder and name of its template."""

    folder: str
    name: str
    templates: str
    template: str


class SchemaTexts:
    """Keeps the texts of FunctionSchemas: making one is slow, and each is needed many times."""

    def __init__(self) -> None:
        self._texts: dict[int, tuple[object, str]] = {}

    def of(self, schema: object) -> str:
        """The text of a FunctionSchema."""
        key = identity(schema)
        found = self._texts.get(key)
        if found is None:
            # We keep the schema too, so that no other object can get its identity.
            found = self._texts[key] = (schema, str(schema))
        return found[1]

    def forget(self) -> None:
        """Keep nothing more."""
        self._texts.clear()


class Captured:
    """Everything that the generators passed to the file manager in one run.

    It has the outputs by name, and the items of each.
    """

    def __init__(self, out: str, texts: SchemaTexts, root: str = "") -> None:
        """`root` is the folder of the tree."""
        self.out = out
        self._root = root
        self.texts = texts
        self.outputs: dict[str, Output] = {}
        self.items: dict[str, list[Item]] = {}
        self._one: tuple[str, str] | None = None
        self._order = ""
        self._taken: dict[FilePlace, Output] = {}

    @contextmanager
    def split(self, order: str) -> Iterator[None]:
        """Inside, files that are not sharded come from a generator that is called item by item."""
        self._order = order
        try:
            yield
        finally:
            self._order = ""

    @contextmanager
    def item(self, anchor: str, base: str) -> Iterator[None]:
        """Inside, the generator is called with this item alone."""
        tell(f"generating the code of {base}")
        self._one = (anchor, base)
        try:
            yield
        finally:
            self._one = None

    def take(self, place: FilePlace, env: object) -> None:
        """Capture a file that is not sharded. Raises UnexpectedTorchgenError."""
        if not isinstance(env, dict):
            raise UnexpectedTorchgenError(f"{place.name} has no environment")
        output = self._taken.get(place) or self._take_first(place, env)
        if any(env.get(key) != value for key, value in output.env.items()):
            raise UnexpectedTorchgenError(f"{place.name} has an environment that differs by item")
        pieces = {key: env[key] for key in output.keys}
        if any(pieces.values()):
            if self._one is None:
                raise UnexpectedTorchgenError(f"{place.name} has pieces that belong to no item")
            self.items[output.name].append(Item(*self._one, EVERYTHING, pieces))

    def _take_first(self, place: FilePlace, env: Mapping[str, Any]) -> Output:
        # A generator may pass the same values for two files. Each template uses its part of them.
        lists = {k for k, v in env.items() if isinstance(v, list) and self._order}
        rest = {k: v for k, v in env.items() if k not in lists}
        keys = lists & _keys_in(place) if self._order else set[str]()
        return self._take_output(place, rest, self._order, 0, keys, lists=lists)

    def take_sharded(
        self, place: FilePlace, env: Mapping[str, Any], shards: int, keys: Iterable[str]
    ) -> list[Item]:
        """Capture a sharded file. Returns the list to add its items to.

        Raises UnexpectedTorchgenError.
        """
        order = _ORDER_OF_SHARDED.get(place.name)
        if order is None or place in self._taken or any(key in env for key in keys):
            raise UnexpectedTorchgenError(f"{place.name} is sharded in an unknown way")
        return self.items[self._take_output(place, env, order, shards, keys).name]

    def _take_output(
        self,
        place: FilePlace,
        env: Mapping[str, Any],
        order: str,
        shards: int,
        keys: Iterable[str],
        *,
        lists: Iterable[str] = (),
    ) -> Output:
        name = os.path.relpath(os.path.join(place.folder, place.name), self.out)
        template = os.path.join(place.templates, place.template)
        is_made = template.startswith(self.out + os.sep)
        if is_made:
            template = os.path.relpath(template, self.out)
        else:
            template = without_root(template, self._root)
        if name in self.outputs:
            raise UnexpectedTorchgenError(f"{name} is written twice")
        sorted_ = (tuple(sorted(keys)), tuple(sorted(lists)))
        made = Output(name, template, is_made, dict(env), order, shards, *sorted_)
        self.outputs[name] = self._taken[place] = made
        self.items[name] = []
        return made


def keys_of(template: str) -> set[str]:
    """The keys that a template with this text has placeholders for."""
    return set(_KEY.findall(template))


def _keys_in(place: FilePlace) -> set[str]:
    with open(os.path.join(place.templates, place.template), encoding="utf-8") as file:
        return keys_of(file.read())


def _made_once(base: type) -> type:
    """A file manager that is made anew only for other arguments.

    Some generators make one for each item, always with the same.
    """
    made: dict[str, Any] = {}

    class SameFileManager(base):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **how: Any) -> None:
            key = repr((arguments, how))
            if key in made:
                self.__dict__.update(made[key])
            else:
                super().__init__(*arguments, **how)
                made[key] = self.__dict__

    return SameFileManager


def make_file_manager(base: type, captured: Captured, shard_of: Callable[[str], int]) -> type:
    """A file manager that captures. It takes the place of the torchgen's own, `base`."""
    told: dict[str, str] = {}

    class CapturingFileManager(_made_once(base)):  # type: ignore[misc]
        def _place(self, name: Any, template: Any) -> FilePlace:
            return FilePlace(
                str(self.install_dir), str(name), str(self.template_dir), str(template)
            )

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
            items = [*items]
            for number, item in enumerate(items):
                tell(f"generating {filename}", number, len(items))
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
            # This is slow, and generators ask for it with each item.
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
