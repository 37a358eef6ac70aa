"""Messages name an operator with its namespace."""

from __future__ import annotations

import pytest

from support.rule_cases import CPU, Case, load


def of(*entries: str) -> str:
    return "".join(f"- func: mine::{entry}" for entry in entries)


CASES = [
    Case("DL101", of("polish(Tensor self)\n")),
    Case("DL102", of("polish_out(Tensor self) -> Tensor\n")),
    Case("DL117", of("polish_(Tensor self) -> Tensor\n")),
    Case("DL215", of("polish_rand(Tensor self) -> Tensor\n" + CPU)),
    Case("DL226", of("polish_like(Tensor self) -> Tensor\n")),
    Case("DL301", of("polish.a(Tensor self) -> Tensor\n", "polish.b(Tensor self) -> Tensor\n")),
    Case("DL302", of("polish.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n" + CPU)),
    Case("DL303", of("polish(Tensor self) -> int\n" + CPU)),
    Case("DL304", of("polish(Tensor self) -> Tensor\n", "polish(Tensor self, int n) -> Tensor\n")),
    Case(
        "DL305",
        of(
            "polish(Tensor self) -> Tensor\n  structured_delegate: polish.out\n",
            "polish.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n" + CPU,
        ),
    ),
    Case("DL307", of("polish(Tensor(a!) self) -> Tensor(a!)\n  tags: inplace_view\n")),
    Case("DL308", of("polish_(Tensor(a!) self) -> Tensor(a!)\n  tags: inplace_view\n" + CPU)),
    Case("DL312", of("polish(Tensor(a) self) -> Tensor(a)\n" + CPU)),
    Case(
        "DL406",
        of("polish.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n"),
        "- name: polish.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n  self: grad\n",
    ),
    Case(
        "DL410",
        of("polish(Tensor self) -> (Tensor, Tensor)\n" + CPU),
        "- name: polish(Tensor self) -> (Tensor, Tensor)\n  self: grads[2]\n",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_the_operator_is_named_in_full(case: Case) -> None:
    (found,) = load(case)
    assert found.code == case.code
    assert "`mine::polish" in found.message
    assert "mine::mine" not in found.message
    assert " `polish" not in found.message
