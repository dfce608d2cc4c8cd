"""How much a worker did over time, in few enough points for a status file and a plot."""

from collections.abc import Iterable
from typing import Any

POINTS = 240
"""Points kept at most; when they are full, every second one goes."""
_FIRST_WIDTH = 30.0

Point = tuple[int, int, int]
"""Seconds since 1970, and the bytes in and out until then, since the worker's name was first used."""


class History:
    """Points in time with the bytes in and out until then, closer together the younger the worker is."""

    def __init__(self, points: Iterable[Point] = ()) -> None:
        """Go on after `points`, which an earlier run of the same worker left."""
        self._points: list[Point] = list(points)
        self._width = _FIRST_WIDTH
        while len(self._points) > 2 and self._span() / POINTS > self._width:
            self._width *= 2
        self._base = self._points[-1][1:] if self._points else (0, 0)

    def add(self, moment: float, bytes_in: int, bytes_out: int) -> None:
        """Note at `moment` (seconds since 1970) what this run has done so far, in bytes."""
        point = (int(moment), self._base[0] + bytes_in, self._base[1] + bytes_out)
        if len(self._points) > 1 and point[0] - self._points[-2][0] < self._width:
            self._points[-1] = point
            return
        self._points.append(point)
        if len(self._points) > POINTS:
            self._points = [*self._points[:-1:2], self._points[-1]]
            self._width *= 2

    def points(self) -> list[Point]:
        """Return the points, the oldest first; the last one is the newest, however young."""
        return list(self._points)

    def _span(self) -> float:
        return self._points[-1][0] - self._points[0][0]


def read_points(value: object) -> list[Point]:
    """Return the points that a status file tells, without whatever is none or goes back."""
    points: list[Point] = []
    for one in value if isinstance(value, list) else ():
        point = _read_point(one)
        if point and (not points or all(new >= old for new, old in zip(point, points[-1], strict=True))):
            points.append(point)
    return points[-2 * POINTS :]


def _read_point(value: Any) -> Point | None:
    if not isinstance(value, list) or len(value) != 3:
        return None
    if not all(isinstance(number, int) and 0 <= number < 2**62 for number in value):
        return None
    return (value[0], value[1], value[2])
