"""What the machine's GPUs are busy with, as NVIDIA's driver tells."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_QUERY = ("index", "name", "utilization.gpu", "memory.used", "memory.total", "driver_version")
_TIMEOUT = 5.0
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class GpuUse:
    """One GPU: the share of time it computed lately, in per cent, its memory in bytes, its driver's version."""

    index: int
    name: str
    percent: int | None
    memory_used: int
    memory_total: int
    driver: str


def read_gpus(run: Callable[[Sequence[str]], str] | None = None) -> list[GpuUse]:
    """Ask nvidia-smi for every GPU; empty where there is none or it does not answer."""
    command = ["nvidia-smi", f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"]
    if run is None:
        if shutil.which(command[0]) is None:
            return []
        run = _run
    try:
        lines = run(command).splitlines()
    except (OSError, subprocess.SubprocessError):
        return []
    return [gpu for line in lines if (gpu := _read_line(line)) is not None]


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(  # noqa: S603  a fixed command
        command, check=True, capture_output=True, text=True, timeout=_TIMEOUT, stdin=subprocess.DEVNULL
    )
    return done.stdout


def _read_line(line: str) -> GpuUse | None:
    """Read one line; a GPU in a virtual machine may not tell its use (`[N/A]`)."""
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != len(_QUERY):
        return None
    index, name, percent, used, total, driver = fields
    if not (index.isdecimal() and used.isdecimal() and total.isdecimal()):
        return None
    busy = int(percent) if percent.isdecimal() else None
    return GpuUse(int(index), name, busy, int(used) * _MIB, int(total) * _MIB, driver)
