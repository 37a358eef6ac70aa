"""What, besides the command line, decided a run: settings, and what was found around."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from derivload.loading.settings.search import Search


class Origin:
    """Where the options of a run come from that its command line does not name.

    `search` is what the searches saw, and `settings` the file of settings with what it held.
    `added` are the arguments that the settings stand for. `how` says in a few words what named the
    inputs; "" if the command line did.
    """

    __slots__ = ("added", "how", "search", "settings")

    def __init__(self, search: Search) -> None:
        self.search = search
        self.settings: tuple[str, bytes] | None = None
        self.added: Sequence[str] = ()
        self.how = ""
