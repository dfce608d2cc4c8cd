"""The dashboard's one view model: built from heartbeats and a few counts, shown by every face alike."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from panini_daemon.history import Point, read_points
from panini_daemon.progress import FAILURES

_SILENT_BEATS, _SILENT_SECONDS = 6, 120.0
"""A worker counts as dead after so many heartbeats have not come, and so many seconds for a Drive to show them."""
_USUAL_INTERVAL = 10.0


class Life(StrEnum):
    """Whether a worker is there."""

    ALIVE = "alive"
    STOPPED = "stopped"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class GpuView:
    """A GPU's use in per cent, None where it does not tell, and its memory in bytes."""

    name: str
    percent: int | None
    memory_used: int
    memory_total: int


@dataclass(frozen=True, slots=True)
class OngoingView:
    """A chunk that a slow codec is at: `task` compress or verify, bytes done of `total`, bytes a second."""

    chunk: str
    task: str
    method: str
    done: int
    total: int
    rate: float


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One worker; sizes in bytes, `rate` in bytes a second, `age` of its last sign of life in seconds."""

    name: str
    life: Life
    state: str
    age: float | None
    device: str
    gpus: tuple[GpuView, ...]
    rate: float
    chunks: int
    bytes_in: int
    bytes_out: int
    running: int
    ongoing: tuple[OngoingView, ...]
    last_error: str | None
    github: Mapping[str, Any] | None
    version: str


@dataclass(frozen=True, slots=True)
class MethodView:
    """What a method was chosen for since the workers started; sizes in bytes."""

    name: str
    chunks: int
    bytes_in: int
    bytes_out: int


@dataclass(frozen=True, slots=True)
class FailureView:
    """A failed chunk: when (UTC, ISO 8601), which, the error's class and words, and who tells of it."""

    at: str
    chunk: str
    error: str
    message: str
    worker: str


@dataclass(frozen=True, slots=True)
class Jobs:
    """How many jobs wait in the inbox, are done, and were given up."""

    inbox: int = 0
    done: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Dashboard:
    """All that is shown. `history` is of all workers together; `seconds_left` is None where nobody knows."""

    root: str
    at: datetime
    workers: tuple[WorkerView, ...]
    jobs: Jobs
    bytes_waiting: int
    seconds_left: float | None
    rate: float
    bytes_in: int
    bytes_out: int
    history: tuple[Point, ...]
    methods: tuple[MethodView, ...]
    failures: tuple[FailureView, ...]
    space_free: int | None
    space_total: int | None


def build(root: str, now: datetime, statuses: Sequence[Mapping[str, Any]], jobs: Jobs) -> Dashboard:
    """Build the view at `now` from heartbeats as they were parsed; what one of them lacks counts as nothing."""
    told = [_worker(status, now) for status in statuses]
    workers = sorted(told, key=lambda one: (one.life is not Life.ALIVE, one.name))
    living = [status for status, worker in zip(statuses, told, strict=True) if worker.life is Life.ALIVE]
    rate = sum(worker.rate for worker in workers if worker.life is Life.ALIVE)
    waiting = max((_number(_part(status, "queue"), "bytes") for status in living), default=0)
    history = merge([read_points(status.get("history")) for status in statuses])
    spaces = [space for status in living or statuses if isinstance(space := status.get("space"), dict)]
    return Dashboard(
        root=root,
        at=now,
        workers=tuple(workers),
        jobs=jobs,
        bytes_waiting=waiting,
        seconds_left=waiting / rate if rate > 0 else None,
        rate=rate,
        bytes_in=history[-1][1] if history else 0,
        bytes_out=history[-1][2] if history else 0,
        history=tuple(history),
        methods=_methods(statuses),
        failures=_failures(statuses),
        space_free=min((_number(space, "free") for space in spaces), default=None),
        space_total=min((_number(space, "total") for space in spaces), default=None),
    )


def merge(series: Sequence[Sequence[Point]]) -> list[Point]:
    """Add up what several workers have done until each moment that any of them tells."""
    latest = [(0, 0)] * len(series)
    merged: list[Point] = []
    total_in = total_out = 0
    for moment, at, done_in, done_out in sorted(
        (p[0], at, p[1], p[2]) for at, points in enumerate(series) for p in points
    ):
        total_in += done_in - latest[at][0]
        total_out += done_out - latest[at][1]
        latest[at] = (done_in, done_out)
        if merged and merged[-1][0] == moment:
            merged.pop()
        merged.append((moment, total_in, total_out))
    return merged


def _worker(status: Mapping[str, Any], now: datetime) -> WorkerView:
    totals, age = _part(status, "totals"), _age(status.get("updated_at"), now)
    interval = status.get("interval")
    beat = float(interval) if isinstance(interval, int | float) and 0 < interval < 86400 else _USUAL_INTERVAL
    state = str(status.get("state", "?"))[:40]
    life = Life.ALIVE
    if state == Life.STOPPED:
        life = Life.STOPPED
    elif age is None or age > _SILENT_BEATS * beat + _SILENT_SECONDS:
        life = Life.DEAD
    github = status.get("github")
    return WorkerView(
        name=str(status.get("worker", "?"))[:80],
        life=life,
        state=state,
        age=age,
        device=str(status.get("device", ""))[:120],
        gpus=tuple(_gpus(status.get("gpus"))),
        rate=_rate(_part(status, "throughput").get("bytes_per_second")),
        chunks=_number(totals, "chunks"),
        bytes_in=_number(totals, "bytes_in"),
        bytes_out=_number(totals, "bytes_out"),
        running=_number(_part(status, "queue"), "running"),
        ongoing=tuple(_ongoing(status.get("progress"))) if life is Life.ALIVE else (),
        last_error=str(status["last_error"])[:400] if status.get("last_error") else None,
        github=github if isinstance(github, dict) else None,
        version=str(status.get("version", ""))[:60],
    )


def _gpus(value: object) -> list[GpuView]:
    found: list[GpuView] = []
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict):
            percent = one.get("percent")
            used = percent if isinstance(percent, int) and 0 <= percent <= 100 else None
            name = str(one.get("name", ""))[:60]
            found.append(GpuView(name, used, _number(one, "memory_used"), _number(one, "memory_total")))
    return found[:64]


def _ongoing(value: object) -> list[OngoingView]:
    found: list[OngoingView] = []
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict):
            chunk, task, method = (str(one.get(key, ""))[:120] for key in ("chunk", "task", "method"))
            done, total, rate = _number(one, "done"), _number(one, "total"), _rate(one.get("bytes_per_second"))
            found.append(OngoingView(chunk, task, method, done, total, rate))
    return found[:64]


def _methods(statuses: Sequence[Mapping[str, Any]]) -> tuple[MethodView, ...]:
    sums: dict[str, Counter[str]] = {}
    for status in statuses:
        methods = _part(_part(status, "totals"), "methods")
        for name, told in methods.items():
            if isinstance(told, dict):
                counts = sums.setdefault(str(name)[:80], Counter())
                counts.update({key: _number(told, key) for key in ("chunks", "bytes_in", "bytes_out")})
    found = [MethodView(name, one["chunks"], one["bytes_in"], one["bytes_out"]) for name, one in sums.items()]
    return tuple(sorted(found, key=lambda one: (-one.bytes_in, one.name)))


def _failures(statuses: Sequence[Mapping[str, Any]]) -> tuple[FailureView, ...]:
    found: list[FailureView] = []
    for status in statuses:
        told = status.get("failures")
        for one in told if isinstance(told, list) else ():
            if isinstance(one, dict):
                at, chunk, error, message = (str(one.get(key, ""))[:400] for key in ("at", "chunk", "error", "message"))
                found.append(FailureView(at, chunk, error, message, str(status.get("worker"))))
    return tuple(sorted(found, key=lambda one: one.at, reverse=True)[:FAILURES])


def _part(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = status.get(name)
    return part if isinstance(part, dict) else {}


def _number(part: Mapping[str, Any], name: str) -> int:
    value = part.get(name)
    return value if isinstance(value, int) and 0 <= value < 2**62 else 0


def _rate(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e15 else 0.0


def _age(stamp: object, now: datetime) -> float | None:
    try:
        seen = datetime.fromisoformat(str(stamp))
    except ValueError:
        return None
    return None if seen.tzinfo is None else max(0.0, (now - seen).total_seconds())
