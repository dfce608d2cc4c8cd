"""What is said beforehand of a method that will take long here: the language model without a GPU."""

from dataclasses import dataclass, field

from panini_daemon.compressors.text_lm import CPU_SECONDS_A_BYTE, TextLm
from panini_daemon.logs import Logger
from panini_daemon.storage.jobs import Job


def foresee_minutes(method: str, size: int, *, gpu: bool) -> float | None:
    """Return the minutes that `size` bytes will take on one core; None where the method is not slow here."""
    if gpu or method not in (TextLm.method, TextLm.family):
        return None
    return size * CPU_SECONDS_A_BYTE / 60


@dataclass(frozen=True, slots=True)
class SlownessWarning:
    """Warns once for each method that jobs, or else the worker's own setting, ask for by name."""

    setting: str
    gpu: bool
    log: Logger
    _warned: set[str] = field(default_factory=set)

    def look(self, job: Job) -> None:
        """Warn before this job, where it is the first that will take long."""
        method = job.method or self.setting
        size = sum(chunk.size for chunk in job.chunks)
        minutes = foresee_minutes(method, size, gpu=self.gpu)
        if minutes is not None and method not in self._warned:
            self._warned.add(method)
            self.log.warning("method_slow", job=job.job_id, method=method, bytes=size, minutes=round(minutes, 1))
