"""What each release's own torchgen makes of the cases in release_cases.py, as it was recorded.

    release_verdicts.py FOLDER

asks all of them again, and writes `reference/verdicts.json` anew. FOLDER has the releases, each
in a folder `X.Y.0`; those that it lacks are fetched. The file holds

- `catalogue`: by release, the sha256 of the two documents of the shipped catalogue, without the
  entries that the release turns away;
- `cases`: by case, the digest of the two documents, or null where torchgen turns the case away,
  each under the first release that has it;
- `sources`: by release, the digests that derivload knows its torchgen by.

Documents count without the fields that torchgen knows nothing of, as one compact line.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

from derivload.cpp.dialect import DIALECTS
from derivload.pytorch.codegen.upstream import Sources, locate
from derivload.pytorch.releases import rules_digest
from support.paths import REFERENCE
from support.release_cases import CASES, catalogue, number

RECORDED: Final = REFERENCE / "verdicts.json"


class Documents(NamedTuple):
    """differentiability.json and functions.json, each as one line."""

    differentiability: str
    functions: str

    @property
    def digest(self) -> str:
        """What is recorded of a small case."""
        return _sha256("\n".join(self))[:16]

    @property
    def hashes(self) -> dict[str, str]:
        """What is recorded of the catalogue."""
        return {
            "differentiability.json": _sha256(self.differentiability),
            "functions.json": _sha256(self.functions),
        }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def line(document: dict[str, Any]) -> str:
    """A document as one line, without the fields that torchgen knows nothing of."""
    head = ("format", "version", "torch_version")
    values = {key: value for key, value in document.items() if key not in head}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


# ------------------------------------------------------------------------------------ torchgen


class Judged(NamedTuple):
    """What one torchgen says: the documents of each case (None: turned away), and its names."""

    catalogue: Documents
    cases: dict[str, Documents | None]
    names: dict[str, list[str]]


def ask_torchgen(folder: Path, release: str) -> Judged:
    """What the torchgen in a release's folder makes of all cases."""
    texts = {"": catalogue(release), **CASES}
    answer = subprocess.run(
        [sys.executable, "-X", "utf8", str(REFERENCE / "judge_cases.py"), str(folder)],
        input=json.dumps(texts),
        stdout=subprocess.PIPE,
        check=True,
        encoding="utf-8",
    )
    said = json.loads(answer.stdout)
    verdicts = {
        name: None if documents is None else Documents(*map(line, documents))
        for name, documents in said["verdicts"].items()
    }
    whole = verdicts.pop("")
    assert whole is not None, f"{release} turns the catalogue away"
    return Judged(whole, verdicts, said["names"])


def source_digests(folder: Path) -> dict[str, str]:
    """The digests of the source in a release's folder: of the rules of loading, and of all."""
    packaged = folder / "torchgen" / "packaged"
    natives = packaged / "ATen" / "native" / "native_functions.yaml"
    loader, gen = ModuleType("load_derivatives"), ModuleType("gen")
    loader.__file__ = str(packaged / "autograd" / "load_derivatives.py")
    gen.__file__ = str(folder / "torchgen" / "gen.py")
    all_ = Sources(locate(str(natives))).digest.hex()
    return {"rules": rules_digest(loader, gen), "all": all_}


# --------------------------------------------------------------------------- what is recorded

History = dict[str, str | None]


class Recorded(NamedTuple):
    """What verdicts.json holds."""

    catalogue: dict[str, dict[str, str]]
    cases: dict[str, History]
    sources: dict[str, dict[str, str]]

    def of(self, release: str) -> dict[str, str | None]:
        """The verdicts of one release."""
        return {name: _at(history, release) for name, history in self.cases.items()}


def read_recorded() -> Recorded:
    """What was recorded last."""
    return Recorded(**json.loads(RECORDED.read_text("utf-8")))


def _at(history: History, release: str) -> str | None:
    known = (since for since in history if number(since) <= number(release))
    return history[max(known, key=number)]


def main() -> None:
    """Ask all releases, and record what they say."""
    folder = Path(sys.argv[1])
    folders = {release: _fetched(folder, release) for release in DIALECTS}
    judged = {release: ask_torchgen(path, release) for release, path in folders.items()}
    cases: dict[str, History] = {name: {} for name in CASES}
    for release, said in judged.items():
        for name, documents in said.cases.items():
            digest = None if documents is None else documents.digest
            history = cases[name]
            if not history or _at(history, release) != digest:
                history[release] = digest
    recorded = Recorded(
        catalogue={release: said.catalogue.hashes for release, said in judged.items()},
        cases=cases,
        sources={release: source_digests(path) for release, path in folders.items()},
    )
    sections = [f"{json.dumps(key)}: {_lines(rows)}" for key, rows in recorded._asdict().items()]
    RECORDED.write_text(f"{{\n{','.join(sections)}\n}}\n", "utf-8")


def _fetched(folder: Path, release: str) -> Path:
    path = folder / f"{release}.0"
    if not path.exists():
        fetch = [sys.executable, "-m", "derivload", "fetch", path.name, "--to", str(path)]
        subprocess.run(fetch, check=True)
    return path


def _lines(rows: dict[str, Any]) -> str:
    return "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in rows.items()) + "}"


if __name__ == "__main__":
    main()
