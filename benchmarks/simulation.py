"""Runs many worlds of the simulation in tests/fakes/simulation and prints what went wrong, and how much happened.

`python benchmarks/simulation.py --seeds 100000 --jobs 2` runs seeds 0 to 99999 in two processes. A seed that violates
anything is printed with what it violates; `--trace SEED` runs one world and prints every operation and log line of it.
The exit code is 1 where anything was violated.
"""

import argparse
import gc
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fakes.simulation.tracing import print_trace
from fakes.simulation.world import Report, World

PART = 100
"""Worlds that a process runs before it tells of them."""


def main() -> int:
    """Run what the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1000, help="how many worlds (default 1000)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed (default 0)")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes (default 1)")
    parser.add_argument("--every", type=int, default=1000, help="worlds between two lines of progress (default 1000)")
    parser.add_argument("--trace", type=int, metavar="SEED", help="run one world and print all that happens in it")
    arguments = parser.parse_args()
    if arguments.trace is not None:
        report = World(arguments.trace, trace=print_trace).run()
        print(*report.violations or ["nothing was violated"], sep="\n")
        return bool(report.violations)
    end = arguments.first + arguments.seeds
    parts = [range(first, min(first + PART, end)) for first in range(arguments.first, end, PART)]
    with multiprocessing.Pool(arguments.jobs) as pool:
        return tell(pool.imap_unordered(run, parts), arguments.seeds, arguments.every)


def run(seeds: Iterable[int]) -> list[Report]:
    """Run these worlds."""
    gc.disable()  # a world is small and dies as a whole; looking for garbage in between takes a third of the time
    reports = [World(seed).run() for seed in seeds]
    gc.collect()
    return reports


def tell(parts: Iterable[list[Report]], seeds: int, every: int) -> int:
    """Print violations as they come, progress, and the totals; return the exit code."""
    started, done, bad, totals = time.monotonic(), 0, 0, Counter[str]()
    for reports in parts:
        for report in reports:
            done += 1
            totals += report.events
            totals["operations and waits"] += report.steps
            totals["simulated hours"] += round(report.seconds)
            if report.violations:
                bad += 1
                print(f"seed {report.seed}:", *report.violations[:5], sep="\n    ", flush=True)
            if done % every == 0 or done == seeds:
                rate = done / (time.monotonic() - started)
                print(f"{done} worlds, {bad} with violations, {rate:.1f} a second", flush=True)
    totals["simulated hours"] //= 3600
    for name, count in sorted(totals.items()):
        print(f"{count:>12,}  {name}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
