"""Makes files from items: joins the items of a shard, and lets upstream fill in the template."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from derivload.pytorch.codegen.capture import EVERYTHING, Item, Output, shard_id
from derivload.pytorch.codegen.upstream import Modules

# The script that PyTorch's build runs. The generators name it in the files that they write.
_SCRIPT: Final = ("tools", "setup_helpers", "generate_code.py")


def items_by_shard(output: Output, items: list[Item]) -> dict[int, list[Item]]:
    """The items of each file of an output, by shard. `EVERYTHING` has all items."""
    shards: dict[int, list[Item]] = {EVERYTHING: items}
    for shard in range(output.shards):
        shards[shard] = []
    if output.shards:
        for item in items:
            shards[item.shard].append(item)
    return shards


def render(
    modules: Modules, output: Output, shard: int, items: Sequence[Item], template: str | bytes
) -> bytes:
    """The bytes of one file, as upstream's file manager makes them.

    `template` is the path of the template or, if the template is itself an output, its bytes.
    """
    env: dict[str, Any] = {**output.env, **_joined(output.keys, items)}
    if output.shards:
        env["shard_id"] = shard_id(shard)
    utils = modules.torchgen["utils"]
    with _template(output, template) as path, named_as_in_a_build(utils):
        manager = utils.FileManager(
            install_dir=os.path.dirname(path), template_dir=os.path.dirname(path), dry_run=False
        )
        text = manager.substitute_with_template(os.path.basename(path), lambda: env)
    return str(text).encode()


def _joined(keys: Iterable[str], items: Iterable[Item]) -> dict[str, list[str]]:
    joined: dict[str, list[str]] = {key: [] for key in keys}
    for item in items:
        for key, pieces in item.pieces.items():
            joined[key] += pieces
    return joined


@contextmanager
def _template(output: Output, template: str | bytes) -> Iterator[str]:
    """The path of an output's template. Bytes are written to a temporary file."""
    if isinstance(template, str):
        yield template
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, os.path.basename(output.template))
        with open(path, "wb") as file:
            file.write(template)
        yield path


@contextmanager
def named_as_in_a_build(utils: ModuleType) -> Iterator[None]:
    """Inside, upstream writes the name of the build's script into its files, not of ours.

    It takes the name from `__main__`. `utils` is the module torchgen.utils.
    """
    names = vars(sys.modules["__main__"])
    before = {"__file__": names["__file__"]} if "__file__" in names else {}
    root = os.path.dirname(os.path.dirname(os.path.abspath(str(utils.__file__))))
    names["__file__"] = os.path.join(root, *_SCRIPT)
    try:
        yield
    finally:
        names.pop("__file__", None)
        names.update(before)
