"""The sentences that every face of the dashboard shows alike."""

from collections.abc import Mapping
from typing import Any

from panini_daemon.dashboard.view import Dashboard, GpuView, Life, OngoingView, WorkerView
from panini_daemon.rendering import format_bytes, format_saved, format_seconds


def tell_jobs(view: Dashboard) -> str:
    """Return how many jobs wait, are done and failed."""
    jobs = view.jobs
    return f"{jobs.inbox} in the inbox, {jobs.done} done, {jobs.failed} failed"


def tell_queue(view: Dashboard) -> str:
    """Return what waits and how long that will take at the present rate."""
    if not any(worker.life is Life.ALIVE for worker in view.workers):
        return "no worker is running" if view.workers else "no worker has run here yet"
    if not view.bytes_waiting:
        return "nothing waits"
    waits = f"{format_bytes(view.bytes_waiting)} wait"
    return f"{waits}, about {format_seconds(view.seconds_left)}" if view.seconds_left is not None else waits


def tell_saved(view: Dashboard) -> str:
    """Return what came in and out of all workers so far."""
    if not view.bytes_in:
        return "nothing compressed yet"
    before, after = view.bytes_in, view.bytes_out
    return f"{format_bytes(before)} → {format_bytes(after)}, {format_saved(before, after)} saved"


def tell_space(view: Dashboard) -> str:
    """Return the room that is left where the tree lies, empty where nobody tells."""
    if view.space_free is None or not view.space_total:
        return ""
    return f"{format_bytes(view.space_free)} of {format_bytes(view.space_total)} free"


def tell_age(worker: WorkerView) -> str:
    """Return how long ago a worker gave its last sign of life."""
    return "?" if worker.age is None else f"{format_seconds(worker.age)} ago"


def tell_life(worker: WorkerView) -> str:
    """Return a worker's state; of a dead one, that it is dead, whatever it said last."""
    return "dead" if worker.life is Life.DEAD else worker.state


def tell_gpu(gpu: GpuView) -> str:
    """Return a GPU's use and memory."""
    percent = "-" if gpu.percent is None else f"{gpu.percent} %"
    return f"{gpu.name}: {percent}, {format_bytes(gpu.memory_used)} of {format_bytes(gpu.memory_total)}"


def tell_ongoing(one: OngoingView) -> str:
    """Return how far a slow codec is with a chunk, how fast it gets on, and how long that will take."""
    does = "checks" if one.task == "verify" else "compresses"
    line = f"{one.method} {does} {one.chunk}: {format_bytes(one.done)} of {format_bytes(one.total)}"
    if one.rate <= 0 or one.done >= one.total:
        return line
    return f"{line}, {tell_rate(one.rate)}, {format_seconds((one.total - one.done) / one.rate)} left"


def tell_rate(rate: float) -> str:
    """Return bytes a second."""
    return f"{format_bytes(int(rate))}/s"


def describe_link(link: Mapping[str, Any]) -> str:
    """Return one line about a worker's link to a repository: whether it works, or why not and until when."""
    if link.get("state") == "ok":
        left = link.get("rate_limit_remaining")
        words = f"{link.get('repository')} answers" + (f", {left} requests left this hour" if left is not None else "")
    else:
        words = f"{link.get('repository')} is asked again at {link.get('next_try')}: {link.get('problem')}"
    waiting = link.get("reports_waiting")
    return words + (f"; {waiting} report(s) to send" if waiting else "")
