"""`status`: workers, queue and totals of a tree, from its files alone; once, or again and again."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict

from panini_daemon.commands.common import load_settings, open_tree, print_json, tell_errors
from panini_daemon.dashboard.reading import DashboardReader
from panini_daemon.dashboard.terminal import draw
from panini_daemon.exit_codes import ExitCode
from panini_daemon.rendering import open_console
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.errors import StorageError


@tell_errors
def show_status(flags: Mapping[str, object], *, as_json: bool, watch: bool = False, interval: float = 2.0) -> int:
    """Print what the tree tells, with `watch` every `interval` seconds until Ctrl-C; return the exit status."""
    settings = load_settings(flags)
    reader = DashboardReader(open_tree(settings), str(settings.root), SystemClock())
    if watch:
        return _watch(reader, interval)
    view = reader.read()
    if as_json:
        print_json({"root": view.root, "jobs": asdict(view.jobs), "workers": reader.statuses(), "view": asdict(view)})
        return ExitCode.OK
    console = open_console()
    console.print(draw(view, console.width, fancy=console.encoding.startswith("utf")))
    return ExitCode.OK


def _watch(reader: DashboardReader, interval: float, sleep: Callable[[float], object] = time.sleep) -> int:
    """Draw anew until the person has seen enough; a folder that is away for a while is waited for."""
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = open_console()
    fancy = console.encoding.startswith("utf")
    live = Live(console=console, screen=console.is_terminal, auto_refresh=False, vertical_overflow="crop")
    with suppress(KeyboardInterrupt), live:
        while True:
            try:
                picture = draw(reader.read(), console.width, fancy=fancy)
            except StorageError as error:
                picture = Text(f"the tree cannot be read just now: {error}", style="red")
            live.update(picture, refresh=True)
            sleep(interval)
    return ExitCode.OK
