"""A log event as a line for a person: short, coloured where the screen shows colours."""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog

Event = MutableMapping[str, Any]

_NOT_FOR_THE_SCREEN = {"worker", "job", "sha256", "kind", "size", "device", "compressed", "ratio", "chosen"}


def make_renderer(*, colours: bool, named: bool, dated: bool = False) -> Callable[[Mapping[str, Any]], str]:
    """Return what turns an event into a line; `named` shows the worker, `dated` the day beside the time."""
    human = structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=15, pad_level=False, sort_keys=False)

    def render(event: Mapping[str, Any]) -> str:
        return human(None, str(event.get("level", "info")), shorten(event, named=named, dated=dated))

    return render


def shorten(event: Mapping[str, Any], *, named: bool, dated: bool = False) -> Event:
    """Leave out what a person at the screen does not read: ids, hashes, what the names already tell."""
    shown = {key: value for key, value in event.items() if value not in (None, "", {}, [])}
    if "chunk" in shown:
        ratio = shown.get("ratio")
        shown = {key: value for key, value in shown.items() if key not in _NOT_FOR_THE_SCREEN}
        if isinstance(ratio, float):
            shown["saved"] = f"{100 * (1 - ratio):.1f}%"
        if shown.get("tries") == 1:
            del shown["tries"]
        if isinstance(seconds := shown.get("seconds"), Mapping):
            shown["seconds"] = round(sum(value for value in seconds.values() if isinstance(value, int | float)), 2)
    shown.pop("worker", None)
    if named and "worker" in event:
        shown["worker"] = event["worker"]
    stamp = str(event.get("timestamp", ""))
    return {**shown, "timestamp": stamp[:19].replace("T", " ") if dated else stamp[11:19]}
