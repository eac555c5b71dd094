"""What the benchmarks share: where data and results lie, what memory was held, which machine."""

from __future__ import annotations

import os
import platform
import resource
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DATA = Path(os.environ.get("ENGAGEMENT_DATA", ROOT.parent / "shared" / "data"))


def peak_memory() -> int:
    """Return the most bytes of memory that this process has ever held."""
    status = Path("/proc/self/status")
    if status.is_file():
        # What getrusage tells on Linux begins with the size of the process that started this one.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def machine() -> dict[str, str]:
    """Return what the figures were measured on, as far as it matters and no further."""
    model = ""
    cpus = Path("/proc/cpuinfo")
    if cpus.is_file():
        names = [line for line in cpus.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else ""
    return {
        "processor": model or platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
