"""How much memory this process has held."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")  # Linux's; there, getrusage of a started program counts what its parent held


def peak_memory() -> int:
    """The most memory that this process has held so far, in bytes."""
    if _STATUS.is_file() and (found := re.search(rb"VmHWM:\s+(\d+) kB", _STATUS.read_bytes())):
        return int(found[1]) * 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
