"""The examples of the rules' pages as files, and what `check` finds in them."""

from __future__ import annotations

from pathlib import Path

from derivload.commands.check.command import check
from derivload.commands.check.pages import Example, InputFile, read_explanations
from derivload.diagnostics import Diagnostic
from derivload.loading.paths import Files, find_files
from derivload.rules import RULES

FLOORS = sorted({code[:3] for code in RULES})
EXPLANATIONS = {code: e for floor in FLOORS for code, e in read_explanations(floor).items()}

# Behind the texts of an example stand these, which are right.
WHOLE: Example = {
    "native_functions": "- func: base(Tensor self) -> Tensor\n  dispatch:\n    CPU: base\n",
    "derivatives": "- name: base(Tensor self) -> Tensor\n  self: grad\n",
    "tags": "".join(
        f"- tag: {tag}\n  desc: Some tag.\n"
        for tag in ("core", "inplace_view", "view_copy", "nondeterministic_seeded")
    ),
}

# Further files, which an example may have.
MORE: tuple[InputFile, ...] = (
    *("derivatives_overlay", "native_functions_overlay", "backend"),
    "deprecated",
)


def of_generators(code: str) -> bool:
    """Whether a rule is one of those that `check` follows only with `--codegen-rules`."""
    return code.startswith("DL8")


def found_in(
    folder: Path, example: Example, *, alone: bool = False, codegen_rules: bool = False
) -> list[Diagnostic]:
    """What `check` finds in an example."""
    write(folder, example, alone=alone)
    return found(folder, codegen_rules=codegen_rules)


def write_bad(code: str, folder: Path) -> None:
    """Write the bad example of a rule."""
    explanation = EXPLANATIONS[code]
    bad = {file: t.replace("…", "x" * explanation.long) for file, t in explanation.bad.items()}
    write(folder, {**explanation.beside, **bad}, alone=explanation.alone)
    if explanation.missing:
        (name,) = explanation.bad
        (folder / f"{name}.yaml").unlink()


def write(folder: Path, example: Example, *, alone: bool = False) -> None:
    """Write an example as files, with the rest that makes them whole."""
    for name in MORE:
        more = folder / f"{name}.yaml"
        more.unlink(missing_ok=True)
        if name in example:
            more.write_text(example[name], "utf-8")
    for name, rest in WHOLE.items():
        text = example.get(name, "")
        text = text if alone and text else text + rest
        (folder / f"{name}.yaml").write_text(text, "utf-8", errors="surrogateescape")


def found(folder: Path, *, codegen_rules: bool = False) -> list[Diagnostic]:
    """What `check` finds in the files of an example."""
    return check(files_of(folder), codegen_rules=codegen_rules).diagnostics


def files_of(folder: Path) -> Files:
    """The files of an example as inputs."""
    names = {name: str(folder / f"{name}.yaml") for name in WHOLE}
    files = find_files(names["derivatives"], [names["native_functions"]], names["tags"])
    more = [[str(p)] if (p := folder / f"{name}.yaml").exists() else [] for name in MORE]
    files.more_derivatives, overlays, files.backends, deprecated = map(tuple, more)
    files.native_functions += overlays
    files.deprecated = deprecated[0] if deprecated else None
    return files
