"""What is read of a backend's file, whole."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.native.backend import BackendFile, Registration, read_backend
from derivload.sources.sections import Flaw, Spot, read_sections

TORCHGENS = """\
# some text
backend: XLA
cpp_namespace: workshop
supported: [polish, sand]
full_codegen: [dry]
autograd: [sand]
symint: [sand, 3]
"""
OWN = """\
symint: [{func: sand(Tensor self) -> Tensor}]
official:
- polish
- func: sand(Tensor self) -> Tensor
custom_autograd: [shine]
vision: [nms]
notes: [ours]
empty:
"""
LIST = """\
- func: polish
- op: aten::sand
  dispatch: {'CPU, XLA': a}
- func: mine::shine(Tensor self) -> Tensor
"""
SAND = "sand(Tensor self) -> Tensor"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            TORCHGENS,
            BackendFile(
                "b.yaml",
                False,
                [
                    Registration("polish", "XLA", "supported", Spot(4, 13, 6)),
                    Registration("sand", "XLA", "supported", Spot(4, 21, 4)),
                    Registration("dry", "XLA", "full_codegen", Spot(5, 16, 3)),
                    Registration("sand", "AutogradXLA", "autograd", Spot(6, 12, 4)),
                ],
                [("sand", Spot(7, 10, 4))],
                [],
                spot=Spot(2, 1, 7),
            ),
        ),
        (
            OWN,
            BackendFile(
                "b.yaml",
                True,
                [
                    Registration("polish", "PrivateUse1", "official", Spot(3, 3, 6)),
                    Registration(
                        *("sand", "PrivateUse1", "official", Spot(4, 9, 4)), said={"func": SAND}
                    ),
                    Registration(
                        "shine", "AutogradPrivateUse1", "custom_autograd", Spot(5, 19, 5), True
                    ),
                    Registration("nms", "PrivateUse1", "vision", Spot(6, 10, 3), True),
                ],
                [("sand", Spot(1, 17, len(SAND)))],
                [],
                ("notes",),
                may_name_unknown=True,
            ),
        ),
        (
            LIST,
            BackendFile(
                "b.yaml",
                True,
                [
                    Registration(
                        *("polish", "PrivateUse1", "", Spot(1, 9, 6)), said={"func": "polish"}
                    ),
                    *(
                        Registration(
                            *("sand", key, "", Spot(2, 7, 4)),
                            said={"op": "aten::sand", "dispatch": {"CPU, XLA": "a"}},
                        )
                        for key in ("CPU", "XLA")
                    ),
                    Registration(
                        *("mine::shine", "PrivateUse1", "", Spot(4, 9, 11), True),
                        {"func": "mine::shine(Tensor self) -> Tensor"},
                    ),
                ],
                [],
                [],
                may_name_unknown=True,
            ),
        ),
        (
            "some text\n",
            BackendFile(
                *("b.yaml", False, [], []),
                [
                    Flaw(
                        "DL701",
                        "a backend's file is a mapping with `backend:`; this is the text"
                        " `some text`",
                        Spot(1, 1, 1),
                    )
                ],
            ),
        ),
        ("backend: [\n", BackendFile("b.yaml", False, [], [], [])),
        (
            "custom: []\n",
            BackendFile(
                *("b.yaml", False, [], []),
                [
                    Flaw(
                        "DL011",
                        "this file does not say what a backend registers:"
                        " its sections declare operators",
                        Spot(1, 1, 1),
                        "give it with --native-functions",
                    )
                ],
            ),
        ),
        (
            "backend: Lazy\nquant: []\n",
            BackendFile("b.yaml", True, [], [], []),
        ),
    ],
)
def test_all_that_a_file_says_is_read(text: str, read: BackendFile) -> None:
    assert read_backend(read_sections("b.yaml", text), NEWEST, ("vision",)) == read
