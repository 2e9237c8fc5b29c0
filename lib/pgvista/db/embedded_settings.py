"""Postgres' settings for work with vectors, from the machine's memory and cores."""

from __future__ import annotations

import math
import os
import shutil
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]

MB = 1024 * 1024
GB = 1024 * MB


def tuned_settings(
    memory_bytes: int, cores: int, *, shm_bytes: int | None = None
) -> dict[str, str]:
    """Return settings, as postgresql.conf spells them, for a server that shares its machine.

    The app, an embedding model and the system's own cache of files live on the same machine, so
    Postgres takes a part of the memory only:

    - `shared_buffers`: 1/8, at most 2 GB or 1/32 of the memory, whichever is more, and 8 GB.
    - `maintenance_work_mem`: 1/12, from 64 MB to 2 GB. An HNSW build is quick while its graph fits.
    - `work_mem`: 1/384, from 4 to 64 MB; iterative index scans keep their queue in it.
    - `effective_cache_size`: 1/2, an estimate for the planner: nothing is reserved.
    - Index builds use every core, counting the session's own process; a query at most four.
    - A load writes up to 4 GB of log between checkpoints. The log is not compressed: vectors do not
      shrink. autovacuum, fsync and full_page_writes are left on, as Postgres has them.
    - Parallel index builds share `maintenance_work_mem` as dynamic shared memory. Where /dev/shm is
      smaller than that (64 MB under Docker's default), System V memory serves instead.

    memory_bytes: usable memory in bytes, > 0. cores: usable cores, >= 1. shm_bytes: size of
    /dev/shm in bytes, None where there is no such limit.
    """
    maintenance = _clamp(memory_bytes // 12, 64 * MB, 2 * GB)
    buffers = min(memory_bytes // 8, max(2 * GB, memory_bytes // 32), 8 * GB)
    helpers = max(cores - 1, 0)
    settings = {
        "shared_buffers": _megabytes(max(buffers, 16 * MB)),
        "effective_cache_size": _megabytes(max(memory_bytes // 2, 128 * MB)),
        "maintenance_work_mem": _megabytes(maintenance),
        "work_mem": _megabytes(_clamp(memory_bytes // 384, 4 * MB, 64 * MB)),
        "max_connections": "100",
        "max_worker_processes": str(max(8, cores + 8)),
        "max_parallel_workers": str(max(cores, 1)),
        "max_parallel_workers_per_gather": str(min(helpers, 4)),
        "max_parallel_maintenance_workers": str(min(helpers, 16)),
        "jit": "off",
        "random_page_cost": "1.1",
        "max_wal_size": "4GB",
        "min_wal_size": "512MB",
        "wal_compression": "off",
    }
    if shm_bytes is not None and shm_bytes < maintenance + 256 * MB:
        settings["dynamic_shared_memory_type"] = "sysv"
    return settings


def machine_settings() -> dict[str, str]:
    """Return `tuned_settings` for this machine, or for the container around this process."""
    memory_bytes = min(psutil.virtual_memory().total, container_memory_bytes())
    shm_bytes = None
    if sys.platform == "linux":
        try:
            shm_bytes = shutil.disk_usage("/dev/shm").total  # noqa: S108 - the kernel's own place
        except OSError:
            shm_bytes = 0
    return tuned_settings(memory_bytes, _cores(), shm_bytes=shm_bytes)


def _cores() -> int:
    """Return how many cores this process may use: those it is bound to, within its container."""
    if sys.platform == "linux":
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    words = _read("/sys/fs/cgroup/cpu.max").split()
    if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]) > 0:
        cores = min(cores, math.ceil(int(words[0]) / int(words[1])))
    return max(cores, 1)


def container_memory_bytes() -> int:
    """Return the memory limit of the container (cgroup version 2, then 1), or a huge number."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = _read(path).strip()
        if text.isdigit() and int(text) > 0:
            return int(text)
    return sys.maxsize


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii")
    except (OSError, UnicodeError):
        return ""


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


def _megabytes(value: int) -> str:
    return f"{value // MB}MB"
