"""How long the dashboard takes on a large tree, and what it asks of the folder.

    python benchmarks/dashboard.py --chunks 10000

Makes a tree of five workers and so many finished chunks in a temporary folder, looks at it again and again while
one worker beats, and prints seconds a refresh for each face, and the listings and reads that each refresh cost.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from fakes.busy_tree import write_busy_tree, write_status

from panini_daemon.dashboard.page import format_page
from panini_daemon.dashboard.reading import DashboardReader
from panini_daemon.dashboard.terminal import draw
from panini_daemon.rendering import open_console
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.store import Entry

_ROUNDS = 20


class CountingStore(LocalStore):
    """A folder that counts what is asked of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: Counter[str] = Counter()

    def list(self, path: str) -> list[Entry]:
        """List a folder."""
        self.asked[f"list {path}"] += 1
        return super().list(path)

    def open(self, path: str) -> BinaryIO:
        """Open a file."""
        self.asked["read"] += 1
        return super().open(path)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--page", type=Path, help="write the page here, too")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = _measure(Path(folder), arguments.chunks, arguments.page)
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        print(f"{name:28} {value if not isinstance(value, float) else f'{1000 * value:.1f} ms'}")


def _measure(folder: Path, chunks: int, page: Path | None) -> dict[str, Any]:
    store = CountingStore(folder)
    write_busy_tree(store, datetime.now(UTC), chunks=chunks)
    reader = DashboardReader(store, "PaniniFS", SystemClock())
    found: dict[str, Any] = {}
    started = time.perf_counter()
    view = reader.read()
    found["first look"] = time.perf_counter() - started
    found["first look asked"] = dict(store.asked)
    store.asked.clear()
    looks = []
    for at in range(_ROUNDS):
        write_status(store, "colab-7f3a", datetime.now(UTC), gpu=True, speed=9, age=at / 100)
        started = time.perf_counter()
        view = reader.read()
        looks.append(time.perf_counter() - started)
    found["a refresh, median"] = sorted(looks)[_ROUNDS // 2]
    found["a refresh asked"] = {name: count / _ROUNDS for name, count in store.asked.items()}
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = open_console(nowhere)
        started = time.perf_counter()
        console.print(draw(view, 120))
        found["drawing for a terminal"] = time.perf_counter() - started
    started = time.perf_counter()
    text = format_page(view)
    found["making the page"] = time.perf_counter() - started
    found["the page's bytes"] = len(text.encode())
    if page is not None:
        page.write_text(text, encoding="utf-8")
    return found


if __name__ == "__main__":
    main()
