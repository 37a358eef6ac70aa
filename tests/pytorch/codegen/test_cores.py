"""How many processes may generate at once, by what the system tells."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from derivload.pytorch.codegen import cores

Jobs = Callable[[str, dict[str, str]], int]
# Bytes: what a process needs.
ONE = 250 << 20
NEW = "0::/a/b\n"
OLD = "3:cpu,cpuacct:/a\n2:memory:/a\n1:name=systemd:/\n"


def memory(processes: int) -> str:
    """The memory of so many processes, and of half of one."""
    return f"{processes * ONE + ONE // 2}\n"


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """How many may run on 16 cores, in this group, with these files of groups."""

    def count(own: str, files: dict[str, str]) -> int:
        for name, text in {"own": own, **files}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return cores.default_jobs()

    for name, file in {"_CGROUPS": "groups", "_OWN": "own", "_MEMINFO": "meminfo"}.items():
        monkeypatch.setattr(cores, name, str(tmp_path / file))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    return count


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("", {}, 16),
        ("", {"meminfo": f"MemTotal: 9 kB\nMemAvailable: {3 * ONE >> 10} kB\n"}, 3),
        ("", {"meminfo": "MemAvailable: 9 kB\n"}, 1),
        ("", {"meminfo": "MemTotal: 9 kB\n"}, 16),
        (NEW, {"groups/a/b/cpu.max": "300000 100000\n"}, 3),
        (NEW, {"groups/a/b/cpu.max": "250000 100000\n"}, 3),
        (NEW, {"groups/a/b/cpu.max": "50000 100000\n"}, 1),
        (NEW, {"groups/a/b/cpu.max": "max 100000\n"}, 16),
        (NEW, {"groups/a/b/cpu.max": "0 100000\n"}, 16),
        (NEW, {"groups/a/b/cpu.max": "9900000 100000\n"}, 16),
        (NEW, {"groups/a/cpu.max": "400000 100000\n"}, 4),
        (NEW, {"groups/cpu.max": "500000 100000\n"}, 5),
        (NEW, {"groups/a/b/memory.max": memory(4), "groups/a/b/memory.current": "0\n"}, 4),
        (NEW, {"groups/a/b/memory.max": memory(4), "groups/a/b/memory.current": memory(1)}, 3),
        (NEW, {"groups/a/b/memory.max": memory(4), "groups/a/b/memory.current": memory(5)}, 1),
        (NEW, {"groups/a/b/memory.max": "max\n", "groups/a/b/memory.current": "0\n"}, 16),
        (NEW, {"groups/memory.max": memory(6), "groups/memory.current": memory(1)}, 5),
        (NEW, {"cpu.max": "100000 100000\n"}, 16),
        (OLD, {"groups/cpu/a/cpu.cfs_quota_us": "300000\n"}, 16),
    ],
)
def test_what_a_group_may_use(own: str, files: dict[str, str], expected: int, jobs: Jobs) -> None:
    assert jobs(own, files) == expected


@pytest.mark.parametrize(("quota", "expected"), [("300000", 3), ("-1", 16)])
@pytest.mark.parametrize("folder", ["groups/cpu", "groups/cpu/a"])
def test_the_cores_of_a_group_of_the_first_version(
    folder: str, quota: str, expected: int, jobs: Jobs
) -> None:
    files = {f"{folder}/cpu.cfs_quota_us": quota, f"{folder}/cpu.cfs_period_us": "100000\n"}
    assert jobs("3:cpu:/a\n2:memory:/b\n", files) == expected
    assert jobs("2:memory:/b\n", files) == 16


def test_the_memory_of_a_group_of_the_first_version(jobs: Jobs) -> None:
    files = {
        "groups/memory/b/memory.limit_in_bytes": memory(9),
        "groups/memory/b/memory.usage_in_bytes": memory(2),
    }
    assert jobs("3:cpu:/a\n2:memory:/b\n", files) == 7
    assert jobs("no groups", files) == 16


def test_cores_of_a_system_that_binds_none(monkeypatch: pytest.MonkeyPatch, jobs: Jobs) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert jobs("", {}) == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert jobs("", {}) == 1
