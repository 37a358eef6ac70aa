"""What to load: files, what they hold, and the keys of the results in a store."""

from __future__ import annotations

import re
from functools import cached_property

from derivload.identity import tool_digest
from derivload.loading.rules_of_tree import key_of_additions
from derivload.store.results import Keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from derivload.loading.inputs import Inputs, KnownTexts
    from derivload.loading.paths import Files
    from derivload.loading.rules_of_tree import Rules
    from derivload.sources.splitting import Split
    from derivload.store.store import Store


# A comment that `sources.ignore_comments` finds. Nearly no text has its first word, which is found
# much faster than the pattern.
_WORD = b"derivload:"
_COMMENT = re.compile(_WORD + rb"[ \t]*ignore")


class Request:
    """What to load: the files, what they hold, and over how many shards.

    `with_facts` asks for the facts of the functions besides, and `with_places` for places.json too.
    `contents` are the bytes of each file, or why it cannot be read. They are read now if they
    have not been read before. `rules_from` is the store that may know the rules of a tree: set it
    before anything else is asked for. `known_texts` are those of the loads before, if there were
    any: set it before `inputs` is asked for.
    """

    def __init__(
        self,
        files: Files,
        contents: Sequence[bytes | OSError] | None = None,
        shards: int | None = None,
        *,
        with_facts: bool = False,
        with_places: bool = False,
    ) -> None:
        self.files = files
        self.shards = shards
        self.with_facts = with_facts or with_places
        self.with_places = with_places
        self.rules_from: Store | None = None
        self.known_texts: KnownTexts | None = None
        self.contents = files.read() if contents is None else contents

    @cached_property
    def keys(self) -> Keys:
        """The keys of the results in a store; of all inputs if `is_readable`."""
        readable = [content for content in self.contents if isinstance(content, bytes)]
        return Keys(tool_digest(), self.key, self.shards, readable, with_facts=self.with_facts)

    @property
    def known_splits(self) -> list[Split]:
        """The inputs, split into entries, if the keys were asked for: they need them too."""
        return self.keys.splits() if "keys" in vars(self) else []

    @cached_property
    def key(self) -> str:
        """What stands, in the keys, for the rules and for what a backend adds to them."""
        return f"{self.rules.key}{key_of_additions(self.files)}"

    @cached_property
    def rules(self) -> Rules:
        """The rules to follow."""
        from derivload.loading.rules_of_tree import find_rules

        return find_rules(self.files, self.rules_from)

    @cached_property
    def with_refused(self) -> bool:
        """Whether to find what PyTorch's own generators refuse; a caller may set it.

        They are known if they are those of a release, and run on PyTorch's own files: what a
        backend lays over these goes to generators of its own.
        """
        files = self.files
        is_laid_over = len(files.native_functions) > 1 or files.more_derivatives or files.backends
        return files.tree is not None and not is_laid_over and self.rules.is_of_release

    @cached_property
    def deprecated(self) -> bytes:
        """The bytes of the tree's deprecated.yaml; b"" if there is none that can be read."""
        if self.files.deprecated is None:
            return b""
        from derivload.loading.reading import read_path

        content = read_path(self.files.deprecated)
        return content if isinstance(content, bytes) else b""

    @property
    def is_readable(self) -> bool:
        """Whether all inputs can be read."""
        return all(isinstance(content, bytes) for content in self.contents)

    @property
    def has_comments(self) -> bool:
        """Whether an input may have comments for derivload, which can be warned of."""
        texts = [data for data in self.contents if isinstance(data, bytes) and _WORD in data]
        return any(map(_COMMENT.search, texts))

    @cached_property
    def inputs(self) -> Inputs:
        """The contents as texts, and the release to follow. Raises UsageError."""
        from derivload.loading.inputs import read_inputs

        return read_inputs(self.files, self.contents, self.rules, self.known_texts)
