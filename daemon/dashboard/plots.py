"""Plots as SVG that stands in a page: no script, no other file, colours from the page's own style."""

from collections.abc import Callable, Sequence
from html import escape

from panini_daemon.dashboard.series import Series
from panini_daemon.dashboard.view import MethodView
from panini_daemon.rendering import format_bytes, format_saved, format_seconds

WIDTH, HEIGHT = 640, 160
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 8, 10, 22
_ROW = 26
_NAMES, _VALUES = 166, 210


def plot_rates(series: Series) -> str:
    """Return an area of bytes a second over time."""
    return _area(series, series.rates(), "rate", lambda top: f"{format_bytes(int(top))}/s", "Bytes a second over time")


def plot_saved(series: Series) -> str:
    """Return an area of the bytes saved since the plot's first moment."""
    total, sums = 0.0, []
    for saved in series.saved:
        total += saved
        sums.append(max(total, 0.0))
    return _area(series, sums, "saved", lambda top: format_bytes(int(top)), "Bytes saved over time")


def plot_methods(methods: Sequence[MethodView]) -> str:
    """Return two bars for each method, bytes before and after, and what that saves."""
    rows = methods[:10]
    top = max((max(row.bytes_in, row.bytes_out) for row in rows), default=0) or 1
    height = _ROW * len(rows) + 4
    room = WIDTH - _NAMES - _VALUES
    parts = [_open(height, "Bytes before and after by method")]
    for at, row in enumerate(rows):
        y = at * _ROW + 4
        before, after = (max(1.0, room * size / top) for size in (row.bytes_in, row.bytes_out))
        told = (
            f"{format_bytes(row.bytes_in)} → {format_bytes(row.bytes_out)}, {format_saved(row.bytes_in, row.bytes_out)}"
        )
        parts.append(
            f"<g><title>{escape(row.name)}: {row.chunks} chunks, {told}</title>"
            f'<text class="name" x="{_NAMES - 8}" y="{y + 13}" text-anchor="end">{escape(row.name)}</text>'
            f'<rect class="before" x="{_NAMES}" y="{y}" width="{before:.1f}" height="8" rx="2"/>'
            f'<rect class="after" x="{_NAMES}" y="{y + 10}" width="{after:.1f}" height="8" rx="2"/>'
            f'<text class="value" x="{_NAMES + max(before, after) + 8:.1f}" y="{y + 13}">{told}</text></g>'
        )
    return "".join([*parts, "</svg>"])


def _area(series: Series, values: Sequence[float], kind: str, tell: Callable[[float], str], title: str) -> str:
    top = max(values, default=0.0)
    if top <= 0:
        return ""
    wide, high = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    step = wide / max(len(values) - 1, 1)
    dots = [(_LEFT + at * step, _TOP + high * (1 - value / top)) for at, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
    floor = _TOP + high
    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tell(top * share)}</text>'
        for share in (0.0, 0.5, 1.0)
        for y in [_TOP + high * (1 - share)]
    )
    span = format_seconds(series.end - series.start)
    return (
        f"{_open(HEIGHT, title)}{grid}"
        f'<polygon class="fill {kind}" points="{_LEFT},{floor} {line} {dots[-1][0]:.1f},{floor}"/>'
        f'<polyline class="line {kind}" points="{line}"/>'
        f'<text class="tick" x="{_LEFT}" y="{HEIGHT - 5}">{span} ago</text>'
        f'<text class="tick" x="{WIDTH - _RIGHT}" y="{HEIGHT - 5}" text-anchor="end">now</text></svg>'
    )


def _open(height: int, title: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
