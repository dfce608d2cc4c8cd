"""What a tree in an object store costs: requests by kind, counted at a store in memory that a whole daemon works on.

`python benchmarks/objects.py` prints the requests for each further job of one chunk, for its second chunk and each
further one, and those on leases alone, all without what a worker asks while it idles.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fakes.object_client import ObjectClient

from panini_daemon import stores
from panini_daemon.application import running
from panini_daemon.config import load
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.submission import submit

KINDS = ("put", "list", "copy", "get", "head", "delete")
CHUNK = 2000
Requests = Counter[tuple[str, str]]
"""How often each kind of request was made on each folder of the tree."""


def main() -> None:
    """Print all of it."""
    few, many, two, cut = count(10, 1), count(30, 1), count(10, 2), count(10, 12)
    print(f"{'':42}{''.join(f'{kind:>8}' for kind in KINDS)}")
    tell("a job of one chunk", rates(few, many, 20))
    tell("of these, on its lease", rates(few, many, 20, "leases"))
    tell("its second chunk, with which it has a run", rates(few, two, 10))
    tell("each further chunk", rates(two, cut, 100))


def tell(what: str, rates: list[float]) -> None:
    """Print one line."""
    print(f"{what:42}{''.join(f'{rate:8.1f}' for rate in rates)}")


def rates(less: Requests, more: Requests, by: int, folder: str = "") -> list[float]:
    """Return how many requests of each kind one more of something takes; the two counts differ by `by` of them."""
    return [(_sum(more, kind, folder) - _sum(less, kind, folder)) / by for kind in KINDS]


def _sum(requests: Requests, kind: str, folder: str) -> int:
    return sum(count for (one, place), count in requests.items() if one == kind and place.startswith(folder))


def count(jobs: int, chunks: int) -> Requests:
    """Run a daemon on that many jobs of that many chunks; return its requests by kind and folder of the tree."""
    client = ObjectClient()
    stores.connect = lambda _url, _environ: client
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        flags = {"root": "memory://", "worker": "w", "level": "fast", "device": "cpu", "spool": folder / "spool"}
        # One look at the inbox: what is asked while waiting is a matter of time, not of jobs.
        settings = load({**flags, "poll_min": "1h", "poll_max": "1h"}, environ={}, cwd=folder).settings
        with running(settings, once=True) as app:
            files = [folder / f"{number}.txt" for number in range(jobs)]
            for number, file in enumerate(files):
                file.write_bytes(f"{number:09d}\n".encode() * (CHUNK * chunks // 10))
            submit(app.store, files, clock=SystemClock(), chunk_size=CHUNK)
            client.operations.clear()
            app.run()
    return Counter((kind, path.partition("/")[0]) for kind, path in client.operations)


if __name__ == "__main__":
    main()
