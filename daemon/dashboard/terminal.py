"""The dashboard in a terminal, for 80 columns and more."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from panini_daemon.dashboard import words
from panini_daemon.dashboard.series import cut
from panini_daemon.dashboard.view import Dashboard, Life, WorkerView
from panini_daemon.rendering import format_bytes, format_saved, format_seconds

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_BARS = "▁▂▃▄▅▆▇█"
_STYLES = {Life.ALIVE: "green", Life.STOPPED: "dim", Life.DEAD: "red"}
_METHODS, _STOPPED = 8, 5
_WIDE = 100


def draw(view: Dashboard, width: int, *, fancy: bool = True) -> "RenderableType":
    """Return what a console of `width` columns prints; without `fancy`, nothing beyond ASCII but names."""
    from rich.console import Group  # noqa: PLC0415  rich is imported when first needed
    from rich.text import Text  # noqa: PLC0415

    arrow = words.tell_saved(view)
    lines: list[RenderableType] = [
        Text(view.root, style="bold", overflow="fold"),
        Text(f"jobs   {words.tell_jobs(view)}"),
        Text(f"queue  {words.tell_queue(view)}"),
        Text(f"total  {arrow if fancy else arrow.replace('→', '->')}"),
    ]
    if space := words.tell_space(view):
        lines.append(Text(f"space  {space}"))
    if view.workers:
        lines += [Text(), _workers(view, width)]
    lines += _plot(view, width, fancy=fancy)
    if view.methods:
        lines += [Text(), _methods(view, width, fancy=fancy)]
    for worker in view.workers:
        lines += [Text(f"{worker.name}  {words.tell_ongoing(one)}", overflow="fold") for one in worker.ongoing]
        lines += [Text(f"{worker.name}  {words.tell_gpu(gpu)}", style="cyan") for gpu in worker.gpus]
        if worker.github is not None:
            lines.append(Text(f"GitHub, {worker.name}: {words.describe_link(worker.github)}"))
    lines += _failures(view)
    return Group(*lines)


def sparkline(values: Sequence[float]) -> str:
    """Return one letter for each value, the higher the greater; a blank for nothing at all."""
    top = max(values, default=0.0)
    if top <= 0:
        return " " * len(values)
    return "".join(_BARS[min(len(_BARS) - 1, int(value / top * len(_BARS)))] if value > 0 else " " for value in values)


def _workers(view: Dashboard, width: int) -> "Table":
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("worker", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("seen", no_wrap=True)
    if width >= _WIDE:
        table.add_column("device", overflow="ellipsis", no_wrap=True, max_width=30)
    for name in ("rate", "chunks", "in", "out", "saved"):
        table.add_column(name, justify="right", no_wrap=True)
    for worker in _shown(view.workers):
        cells = [worker.name, words.tell_life(worker), words.tell_age(worker)]
        cells += [worker.device] if width >= _WIDE else []
        cells += [words.tell_rate(worker.rate) if worker.life is Life.ALIVE else "-", str(worker.chunks)]
        cells += [format_bytes(worker.bytes_in), format_bytes(worker.bytes_out)]
        table.add_row(*cells, format_saved(worker.bytes_in, worker.bytes_out), style=_STYLES[worker.life])
    return table


def _shown(workers: Sequence[WorkerView]) -> list[WorkerView]:
    """Leave out all but a few of those that ended: a new runtime every day makes many."""
    gone = [worker for worker in workers if worker.life is not Life.ALIVE]
    gone.sort(key=lambda one: one.age if one.age is not None else float("inf"))
    return [worker for worker in workers if worker.life is Life.ALIVE] + gone[:_STOPPED]


def _plot(view: Dashboard, width: int, *, fancy: bool) -> "list[RenderableType]":
    from rich.text import Text  # noqa: PLC0415

    series = cut(view.history, view.at.timestamp(), min(width - 20, 100))
    rates = series.rates()
    if not fancy or not any(rates):
        return []
    span = format_seconds(series.end - series.start)
    label = f"rate over the last {span}, at most {words.tell_rate(max(rates))}, now {words.tell_rate(view.rate)}"
    return [Text(), Text(label), Text(sparkline(rates), style="cyan")]


def _methods(view: Dashboard, width: int, *, fancy: bool) -> "Table":
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("method", overflow="fold")
    for name in ("chunks", "in", "out", "saved"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("share of bytes in" if width >= _WIDE else "share", no_wrap=True)
    top = sum(method.bytes_in for method in view.methods) or 1
    room = 30 if width >= _WIDE else 16
    for method in view.methods[:_METHODS]:
        bar = ("█" if fancy else "#") * round(room * method.bytes_in / top)
        saved = format_saved(method.bytes_in, method.bytes_out)
        sizes = (format_bytes(method.bytes_in), format_bytes(method.bytes_out))
        table.add_row(method.name, str(method.chunks), *sizes, saved, bar)
    return table


def _failures(view: Dashboard) -> "list[RenderableType]":
    from rich.text import Text  # noqa: PLC0415

    lines: list[RenderableType] = []
    told = {failure.worker for failure in view.failures}
    if view.failures:
        lines += [Text(), Text("recent failures", style="bold")]
    for failure in view.failures[:5]:
        when = failure.at[:16].replace("T", " ")
        lines.append(Text(f"{when}  {failure.chunk}: {failure.error}: {failure.message}", style="red", overflow="fold"))
    for worker in view.workers:
        if worker.last_error and worker.name not in told and worker.life is Life.ALIVE:
            lines.append(Text(f"last error of {worker.name}: {worker.last_error}", style="red", overflow="fold"))
    return lines
