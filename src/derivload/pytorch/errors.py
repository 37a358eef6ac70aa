"""What can go wrong between derivload and a torchgen."""

from __future__ import annotations


class UnexpectedTorchgenError(Exception):
    """A torchgen that differs from what derivload expects; the text says in what.

    Whoever meets it lets upstream's own code run in derivload's place.
    """


# What a generator may raise: it may end the process too, as far as it knows.
RAISED = (Exception, SystemExit)


class GeneratorError(Exception):
    """A generator of PyTorch's raised an exception; the text is upstream's traceback of it.

    `summary` says in one line what is wrong.
    """

    summary = "a generator of PyTorch's failed"

    @property
    def lines(self) -> list[str]:
        """The lines of the traceback."""
        text = str(self).rstrip("\n")
        return text.split("\n") if text else []


class SelectionError(GeneratorError):
    """A file that is to select operators cannot be read as one; there is no traceback."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__("")
        self.summary = f"error: {path} selects no operators: {reason}"
