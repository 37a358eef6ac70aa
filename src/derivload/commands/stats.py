"""`--stats`: print which exit a run took, what it reused, and how long each step took."""

from __future__ import annotations

from derivload.terminal.stderr import say_lines
from derivload.terminal.stdout import Stdout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def print_stats(
    form: str,
    exit_: str,
    counts: Mapping[str, int],
    seconds: Mapping[str, float],
    rules: str = "",
    *,
    replaced: Sequence[str] = (),
) -> None:
    """Print the stats of a run: "text" to stderr for a person, "json" to stdout for a machine.

    `exit_` is "up-to-date", "stored", "incremental", "cold" or, for codegen only, "plain".
    `seconds` has the time of each step, in order, and `rules` says which rules were followed.
    `replaced` are sentences about entries that entries of overlays took the place of.
    """
    if form == "json":
        import json

        times = {name: round(value, 6) for name, value in seconds.items()}
        more: dict[str, object] = {"rules": rules} if rules else {}
        if replaced:
            more["replaced"] = [*replaced]
        told = json.dumps({"exit": exit_, **more, "counts": dict(counts), "seconds": times})
        Stdout().print_lines([told])
        return
    lines = [f"exit      {exit_}", *([f"rules     {rules}"] if rules else [])]
    lines += [f"replaced  {line}" for line in replaced]
    lines += [f"{name:<9} {count}" for name, count in counts.items()]
    lines += [f"{name:<9} {value * 1e3:.1f} ms" for name, value in seconds.items()]
    say_lines(f"derivload: {line}" for line in lines)
