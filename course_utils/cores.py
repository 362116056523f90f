"""How many processor cores and how much memory this process really has: a container or a hub may give it a part."""

from __future__ import annotations

import math
import os
from pathlib import Path

__all__ = ["cores", "limit_threads", "memory_limit"]

THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
CGROUP = Path("/sys/fs/cgroup")


def cores() -> int:
    """Cores that this process may use: those of the machine, less what a container or an affinity takes away."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on Windows and macOS
    found = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(1, min(found, _quota() or found))


def limit_threads() -> None:
    """Let TensorFlow and NumPy, where they are not loaded yet, take no more threads than a container has cores.

    They ask the machine, which knows nothing of a container's quota: on a server with 64 cores each of 20 students
    would have 64 threads. Variables that are set already stay, and without a quota nothing is set.
    """
    if _quota():
        for name in THREADS:
            os.environ.setdefault(name, str(cores()))


def memory_limit() -> int | None:
    """Bytes that a container lets this process have; None where it sets no limit."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        word = _read(name)
        if word.isdigit() and int(word) < 2**60:  # the old kind of cgroup writes a huge number for "no limit"
            return int(word)
    return None


def _quota() -> int | None:
    """Cores that a container's quota of processor time amounts to, rounded up; None where it sets none."""
    share, _, period = _read("cpu.max").partition(" ")
    if not share:  # the old kind of cgroup
        share, period = _read("cpu/cpu.cfs_quota_us"), _read("cpu/cpu.cfs_period_us")
    return math.ceil(int(share) / int(period)) if share.isdigit() and period.isdigit() and int(period) else None


def _read(name: str) -> str:
    try:
        return (CGROUP / name).read_text().strip()
    except (OSError, ValueError):
        return ""


if __name__ == "__main__":
    print(cores())
