"""How much memory this process has used, and how much is free for it."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

# On Linux: getrusage would count the memory of the parent, too, from before the program was started.
_STATUS = Path("/proc/self/status")

_OF_SYSTEM = Path("/proc/meminfo")
_CONTAINER = (  # limit and use, in bytes: of cgroup version 2, then version 1
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def available_memory() -> int | None:
    """Bytes that this process can still allocate: the smaller of machine (with swap) and container; None: unknown."""
    found = [free for free in (_of_system(), _of_container()) if free is not None]
    return min(found) if found else None


def _of_system() -> int | None:
    try:
        facts = dict(re.findall(r"^(\w+):\s+(\d+) kB", _OF_SYSTEM.read_text(encoding="ascii"), re.MULTILINE))
        return 1024 * (int(facts["MemAvailable"]) + int(facts.get("SwapFree", 0)))
    except (OSError, KeyError, ValueError):
        return None


def _of_container() -> int | None:
    for limit, use in _CONTAINER:
        try:
            statistics = (limit.parent / "memory.stat").read_text(encoding="ascii")
            # Cached files are freed when memory is needed.
            cached = re.search(r"^(?:total_)?inactive_file (\d+)$", statistics, re.MULTILINE)
            given_back = int(cached[1]) if cached else 0
            return max(0, int(limit.read_text(encoding="ascii")) - int(use.read_text(encoding="ascii")) + given_back)
        except (OSError, ValueError):  # no such cgroup, or no limit (the word max)
            continue
    return None


def peak_memory() -> int:
    """The largest memory that this process has used so far, in bytes (resident set)."""
    if _STATUS.is_file() and (found := re.search(rb"VmHWM:\s+(\d+) kB", _STATUS.read_bytes())):
        return int(found[1]) * 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024  # bytes on macOS, else KiB: getrusage(2)
