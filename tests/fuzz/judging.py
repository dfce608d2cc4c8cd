"""Running one case: what came of it, what it cost, and whether that is a finding."""

import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzz.target import Target

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a case: seconds, bytes of memory above what the process had, and what is wrong, if anything.

    `place` tells findings of one cause from others.
    """

    accepted: bool
    seconds: float
    memory: int
    problem: str | None = None
    place: str = ""


def judge(target: Target, run: Callable[[bytes], object], case: bytes) -> Verdict:
    """Run a case and hold the outcome against what the target promises."""
    before, start = _reset_peak(), time.perf_counter()
    problem, place, accepted = None, "", True
    try:
        value = run(case)
    except target.raises:
        accepted = False
    except Exception as error:  # noqa: BLE001  finding these is what fuzzing is for
        accepted = False
        problem = "".join(traceback.format_exception(error, limit=-6))[-3000:]
        place = _place_of(error)
    else:
        if not isinstance(value, target.returns):
            problem = place = f"returned {type(value).__name__}"
    seconds, memory = time.perf_counter() - start, max(0, _read_peak() - before)
    if problem is None and seconds > target.seconds:
        problem, place = f"took {seconds:.1f} s; at most {target.seconds:g} s are allowed", "slow"
    if problem is None and memory > target.memory:
        problem, place = f"took {memory >> 20} MiB; at most {target.memory >> 20} MiB are allowed", "memory"
    return Verdict(accepted, seconds, memory, problem, place)


def peak_of(act: Callable[[], object]) -> int:
    """Return how many bytes of memory, at most, an act takes above what this process has before it."""
    before = _reset_peak()
    act()
    return max(0, _read_peak() - before)


def _place_of(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    last = frames[-1] if frames else None
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}" if last else type(error).__name__


def _reset_peak() -> int:
    """Let the kernel forget this process's peak of memory (proc(5), clear_refs); return what it has now."""
    _RESET.write_text("5", encoding="ascii")
    return _read_peak()


def _read_peak() -> int:
    found = _PEAK.search(_STATUS.read_text(encoding="ascii", errors="replace"))
    return int(found[1]) << 10 if found else 0
