"""The machine a benchmark ran on."""

from __future__ import annotations

import os
import platform

from boneabm.kernels import blocks


def machine() -> str:
    """Processor, cores and system of this machine in one line."""
    name = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), name)
    cores = blocks.available_threads()
    return f"machine: {name}, {cores} cores, {platform.system()}, Python {platform.python_version()}"
