"""The compute device: chosen once as a plain name, a torch.device only where a plugin asks for one."""

import os
import platform
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from panini_daemon.compressors.errors import DeviceUnavailable

if TYPE_CHECKING:
    import torch

_SPEC = re.compile(r"cpu|cuda(:\d+)?")


@dataclass(frozen=True)
class Device:
    """A device by its torch name, `cpu` or `cuda:0`."""

    spec: str = "cpu"

    @property
    def is_cuda(self) -> bool:
        """Whether this is a CUDA GPU."""
        return self.spec.startswith("cuda")

    @cached_property
    def torch(self) -> "torch.device":
        """The torch.device; imports torch on first use. Raises DeviceUnavailable."""
        import torch  # noqa: PLC0415  seconds of import that only a plugin using it should pay

        if self.is_cuda and not torch.cuda.is_available():
            raise DeviceUnavailable(
                f"device {self.spec!r} was asked for, but this torch ({torch.__version__}) sees no CUDA device; "
                "choose a GPU runtime, install a CUDA build of torch, or set device = 'cpu'"
            )
        device = torch.device(self.spec)
        if device.index is not None and device.index >= max(1, torch.cuda.device_count()):
            raise DeviceUnavailable(
                f"device {self.spec!r} was asked for, but there are {torch.cuda.device_count()} CUDA devices"
            )
        return device

    @cached_property
    def name(self) -> str:
        """The name for log, status and recipe: `cpu (AMD EPYC)`, `cuda:0 (NVIDIA L4)`."""
        if self.is_cuda:
            import torch  # noqa: PLC0415

            return f"{self.spec} ({torch.cuda.get_device_name(self.torch)})"
        return f"cpu ({_processor()})"


def choose_device(setting: str) -> Device:
    """Turn a setting (`auto`, `cpu`, `cuda`, `cuda:1`) into a device without importing torch.

    `auto` takes the first CUDA device where the NVIDIA driver shows one, else the CPU. Raises DeviceUnavailable
    for a name that is none of these.
    """
    if setting == "auto":
        return Device("cuda:0") if _driver_is_there() else Device("cpu")
    if not _SPEC.fullmatch(setting):
        raise DeviceUnavailable(f"device is {setting!r}; expected 'auto', 'cpu', 'cuda' or 'cuda:<number>'")
    return Device("cuda:0" if setting == "cuda" else setting)


def _driver_is_there() -> bool:
    return os.environ.get("CUDA_VISIBLE_DEVICES") != "" and Path("/dev/nvidia0").exists()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
