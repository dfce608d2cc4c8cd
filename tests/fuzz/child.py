"""The process in which cases run: a native decoder may crash it, and it may only take so much memory.

python -m fuzz.child ORDERS, a JSON file: {"plan": [[target, first, end], ...], "seed", "results", "progress"}.
Before each case its target's and its own number go into the file `progress`; lines of JSON go into `results`.
"""

import json
import os
import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fuzz.judging import Verdict, judge
from fuzz.target import Target
from fuzz.targets import all_targets

_ROOM = 512 << 20
"""Bytes of memory a process may take beside what its target may: allocators keep some, threads have stacks."""
_REPORT_EVERY = 500
_SAME = 3
"""Findings of one cause that are written."""


def main(orders: Path) -> None:
    """Run the cases that the orders name, in order."""
    told = json.loads(orders.read_text(encoding="utf-8"))
    targets = all_targets()
    progress = os.open(told["progress"], os.O_WRONLY)
    with Path(told["results"]).open("a", encoding="utf-8") as results:
        for number, (name, first, end) in enumerate(told["plan"]):
            for line in _run(targets[name], told["seed"], first, end, progress, number):
                results.write(json.dumps({"target": name, **line}) + "\n")
                results.flush()


def _run(target: Target, seed: int, first: int, end: int, progress: int, place: int) -> Iterator[dict[str, Any]]:
    run, seeds = target.make(), target.seeds()
    judge(target, run, seeds[0])  # what is imported now is not charged to a case
    _limit_memory(target.memory + _ROOM)
    seen: dict[str, int] = {}
    part: list[Verdict] = []
    for number in range(first, end):
        os.pwrite(progress, f"{place:10}{number:12}".encode(), 0)
        case = target.case(seeds, seed, number)
        verdict = judge(target, run, case)
        part.append(verdict)
        if verdict.problem is not None:
            seen[verdict.place] = seen.get(verdict.place, 0) + 1
            if seen[verdict.place] <= _SAME:
                yield {"case": number, "problem": verdict.problem, "place": verdict.place}
        if len(part) == _REPORT_EVERY:
            yield _sum_up(part)
            part = []
    yield _sum_up(part)


def _sum_up(part: list[Verdict]) -> dict[str, Any]:
    return {
        "cases": len(part),
        "accepted": sum(verdict.accepted for verdict in part),
        "findings": sum(verdict.problem is not None for verdict in part),
        "seconds": sum(verdict.seconds for verdict in part),
        "slowest": max((verdict.seconds for verdict in part), default=0.0),
        "memory": max((verdict.memory for verdict in part), default=0),
    }


def _limit_memory(more: int) -> None:
    """Let this process take so many bytes more than it has."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"VmData:\s+(\d+) kB", status)
    taken = int(found[1]) << 10 if found else 0
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (taken + more, most))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
