"""How many processes may generate at once: the cores and the memory that this process may use.

A container limits both by its cgroup, of which Python itself knows nothing. The files of version 1
and version 2 of cgroups are tried, for our own group and for the root that a container sees.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

# What a process needs at most: about twice of what generating all of a release takes.
_MEMORY: Final = 250 << 20
_CGROUPS: Final = "/sys/fs/cgroup"
_OWN: Final = "/proc/self/cgroup"
_MEMINFO: Final = "/proc/meminfo"
# For each version, the limit of memory and what is used of it.
_MEMORY_FILES: Final = (
    ("memory.max", "memory.current"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),
)


def default_jobs() -> int:
    """How many processes may run if nobody says so; at least 1."""
    free = _free_memory()
    jobs = _cores()
    return max(1, jobs if free is None else min(jobs, free // _MEMORY))


def _cores() -> int:
    """The cores that this process may use: those that it is bound to, and its share of time."""
    try:
        cores = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not Linux
        cores = os.cpu_count() or 1
    for folder in _folders("cpu"):
        numbers = _numbers(folder, "cpu.max") or (
            *_numbers(folder, "cpu.cfs_quota_us"),
            *_numbers(folder, "cpu.cfs_period_us"),
        )
        if len(numbers) == 2 and min(numbers) > 0:
            cores = min(cores, -(-numbers[0] // numbers[1]))
    return max(1, cores)


def _free_memory() -> int | None:
    """The bytes of memory that are free for this process; None if the system does not tell."""
    free = []
    with suppress(OSError, ValueError, IndexError), open(_MEMINFO, encoding="ascii") as file:
        told = dict(line.split(":", 1) for line in file)
        free.append(int(told.get("MemAvailable", "").split()[0]) << 10)
    for folder in _folders("memory"):
        for limit, used in _MEMORY_FILES:
            numbers = (*_numbers(folder, limit), *_numbers(folder, used))
            if len(numbers) == 2:
                free.append(max(0, numbers[0] - numbers[1]))
    return min(free, default=None)


def _folders(controller: str) -> Iterator[str]:
    """The folders that may hold the limits of this process: of its group, and above it."""
    with suppress(OSError, ValueError), open(_OWN, encoding="utf-8") as file:
        for line in file:
            _, controllers, group = line.rstrip("\n").split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            top = os.path.join(_CGROUPS, controller if controllers else "")
            folder = os.path.normpath(top + group)
            while folder.startswith(top.rstrip("/")):
                yield folder
                folder = os.path.dirname(folder)


def _numbers(folder: str, name: str) -> tuple[int, ...]:
    """The numbers in a file; none if there is no such file, or no limit."""
    path = os.path.join(folder, name)
    with suppress(OSError, ValueError), open(path, encoding="ascii") as file:
        return tuple([int(word) for word in file.read().split()])
    return ()
