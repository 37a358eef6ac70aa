"""What a script is seen to do: one process runs many, and tells what it noted of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from derivload.pytorch.script.seen import SEEN, read_seen
from support.child import child_environment

# What `derivload run` starts. Some functions go past `os.stat` in Python for Windows, as one does
# here, and are replaced.
START: Final = (
    "import os; from derivload.pytorch.script.child import main; os.path.isfile = len; main()"
)
_DRIVER: Final = """
import json, os, sys
watch = sys.meta_path[0]._watch
home, told = os.getcwd(), {}

def noted(folder):
    inside = os.path.join(home, folder, "")
    for kind, found in vars(watch.seen).items():
        if kind == "printed":
            for stream, data in found:
                yield f"printed {stream} {bytes.fromhex(data).decode()[:20]}"
        elif kind == "files":  # of modules, at once
            yield from (f"module {os.path.relpath(name)}" for name in found if home in name)
        elif kind == "variables" and "" in found:  # all of them
            yield "variables all"
        elif kind not in ("began", "values", "modules"):
            for name in found:
                if not inside.startswith(os.path.join(name, "")) or name + os.sep == inside:
                    value = f" {found[name]}" if kind == "kinds" else ""
                    name = name.replace(inside, "") if name + os.sep != inside else "."
                    yield f"{kind} {name}{value}"

with open("cases.json") as file:
    cases = json.load(file)
for folder, text in cases.items():
    os.chdir(folder)
    for found in vars(watch.seen).values():
        if hasattr(found, "clear"):
            found.clear()
    raised = []
    try:
        exec(compile(text, "case", "exec"), {"__name__": "case"})
    except (OSError, ImportError):
        pass
    except Exception as error:
        raised.append(f"raised {error!r}")
    sys.stdout.flush(), sys.stderr.flush()
    with watch.unwatched():
        told[folder] = [*noted(folder), *raised]
    os.chdir(home)
with watch.unwatched(), open("told.json", "w") as file:
    json.dump(told, file)
"""


class Seen(NamedTuple):
    """What was noted of each script, by its number, and of all together: in which folders which
    modules were looked for, and the files that were read.
    """

    notes: dict[str, list[str]]
    modules: dict[str, list[str]]
    files: set[str]


def seen_of(folder: Path, cases: Mapping[str, str], stdin: str) -> Seen:
    """Run scripts, each in a folder of its own with a few things in it."""
    for name in cases:
        own = folder / name
        (own / "folder").mkdir(parents=True)
        (own / "file").write_text("one\n", "utf-8")
        (own / "folder" / "inside").write_text("two\n", "utf-8")
        (own / "folder" / "late.py").touch()
        (own / "in.yaml").write_text("- a: 1\n- b: 2\n", "utf-8")
        (own / "link").symlink_to("file")
        (own / "nowhere").symlink_to("none")
    (folder / "cases.json").write_text(json.dumps(cases), "utf-8")
    (folder / "driver.py").write_text(_DRIVER, "utf-8")
    notes = folder / "notes"
    notes.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", START, str(notes), "", "context", "", "", "driver.py"],
        cwd=folder,
        env=child_environment(
            X1="1",
            LANGUAGE="C",
            PYTHONIOENCODING="latin-1:ignore",
            # pytest-xdist sets these.
            COLUMNS="",
            LINES="",
        ),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((folder / "told.json").read_bytes())
    seen = read_seen(str(notes / SEEN))
    assert seen is not None
    for kind, paths in (("file", seen.files), ("value", seen.values)):
        for path in paths:
            name, _, inside = os.path.relpath(path, folder).partition(os.sep)
            if name in told and inside:
                told[name].append(f"{kind} {inside}")
    modules = {
        os.path.relpath(path, folder): sorted(names)
        for path, names in seen.modules.items()
        if path.startswith(str(folder))
    }
    return Seen(
        {name: sorted(lines) for name, lines in told.items()},
        modules,
        {os.path.relpath(path, folder) for path in seen.files},
    )
