"""The errors that can occur between derivload and a torchgen."""

from __future__ import annotations


class UnexpectedTorchgenError(Exception):
    """A torchgen differs from what derivload expects. The text says how.

    Callers catch this and run upstream's own code instead.
    """


# The exceptions that a generator may raise. Some call sys.exit.
RAISED = (Exception, SystemExit)


class GeneratorError(Exception):
    """A generator of PyTorch raised an exception. The text is upstream's traceback.

    `summary` says in one line what is wrong.
    """

    summary = "a generator of PyTorch failed"

    @property
    def lines(self) -> list[str]:
        """The lines of the traceback."""
        text = str(self).rstrip("\n")
        return text.split("\n") if text else []


class SelectionError(GeneratorError):
    """The file that selects operators is not valid. There is no traceback."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__("")
        self.summary = f"error: {path} does not select operators: {reason}"
