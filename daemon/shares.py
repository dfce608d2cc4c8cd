"""What each of several workers on one machine gets of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from panini_daemon.config import Settings

_LEAST_MEMORY = 2**26
"""Bytes, the least that `memory_budget` may be."""


@dataclass(frozen=True, slots=True)
class Share:
    """One worker's id, device, processes and bytes of memory."""

    worker: str
    device: str
    cpu_workers: int
    memory_budget: int


def share_out(settings: Settings, gpus: int) -> list[Share]:
    """Divide the machine among `settings.workers` workers, of which the machine has `gpus` GPUs to give.

    Cores that cannot be divided evenly go to the first ones; every worker has at least one process.
    """
    count = settings.workers
    cores, rest = divmod(settings.cpu_workers, count)
    memory = max(_LEAST_MEMORY, settings.memory_budget // count)
    devices = _devices(settings.device, gpus)
    return [
        Share(f"{settings.worker}-{number + 1}", next(devices), max(1, cores + (number < rest)), memory)
        for number in range(count)
    ]


def _devices(device: str, gpus: int) -> Iterator[str]:
    """Yield a device for each worker, the GPUs in turn where there are several to choose from."""
    choice = [device] if gpus < 2 or device not in ("auto", "cuda") else [f"cuda:{gpu}" for gpu in range(gpus)]
    while True:
        yield from choice
