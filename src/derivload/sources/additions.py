"""What a backend adds to PyTorch's own files, as options say it; see docs/backends.md.

This module imports nothing: the exits that parse nothing pass here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection


# The sections that declare operators in the files of torch_npu, and, `custom`, of torch_mlu.
DECLARING = ("custom", "custom_autograd")


class Additions:
    """What a backend adds to PyTorch's own files.

    - `dispatch_keys`: keys that entries may have kernels for, besides those that torchgen lists.
    - `entry_keys`: keys of entries that only the backend's own tools read. They are passed over.
      Each is a name, or a pattern such as `gen_*`.
    - `override`: whether an entry of an overlay takes the place of an earlier file's entry of the
      same name.
    - `sections`: the sections of an overlay that declare operators, where it is a mapping. Those
      of `DECLARING` are always among them.
    """

    __slots__ = ("dispatch_keys", "entry_keys", "override", "sections")

    def __init__(
        self,
        dispatch_keys: Collection[str] = (),
        entry_keys: Collection[str] = (),
        *,
        override: bool = False,
        sections: Collection[str] = (),
    ) -> None:
        # Neither their order nor how often they are named matters.
        self.dispatch_keys = tuple(sorted(set(dispatch_keys)))
        self.entry_keys = tuple(sorted(set(entry_keys)))
        self.override = override
        self.sections = tuple(sorted({*DECLARING, *sections}))

    @property
    def key(self) -> str:
        """What stands for all of this in the keys of results; "" where nothing is added."""
        parts = (self.dispatch_keys, self.entry_keys, self.override, self.sections)
        return "" if parts == ((), (), False, DECLARING) else f" with {parts!r}"


NOTHING = Additions()
