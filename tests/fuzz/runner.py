"""Running many cases of many targets in a process that is replaced when it crashes or hangs."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuzz.target import Target
from fuzz.targets import all_targets

_TESTS = Path(__file__).parents[1]
_HANGS = 180.0
"""Seconds after which a case that does not end is a finding; far more than any target allows."""
_LOOK = 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """A case that broke a promise, and how."""

    target: str
    case: bytes
    problem: str
    place: str


@dataclass(slots=True)
class Tally:
    """What came of a target's cases; `memory` in bytes, `seconds` in all, `slowest` of one."""

    cases: int = 0
    accepted: int = 0
    findings: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    memory: int = 0

    def add(self, line: dict[str, Any]) -> None:
        """Add what a process told of some cases."""
        self.cases += line["cases"]
        self.accepted += line["accepted"]
        self.findings += line["findings"]
        self.seconds += line["seconds"]
        self.slowest = max(self.slowest, line["slowest"])
        self.memory = max(self.memory, line["memory"])


@dataclass(slots=True)
class Outcome:
    """All tallies by target, and the findings: a few for each cause."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def run_targets(
    targets: Sequence[Target],
    cases: Callable[[Target], int],
    seed: int,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Run so many cases of each target; `tell` is told a target's name when its cases are done."""
    outcome = Outcome({target.name: Tally() for target in targets})
    plan = [(target.name, 0, cases(target)) for target in targets]
    while plan:
        with tempfile.TemporaryDirectory(prefix="panini-fuzz-") as folder:
            place, number, problem = _run_child(Path(folder), plan, seed)
            for line in _read_results(Path(folder)):
                _take(outcome, line, seed)
        for name, _, _ in plan[:place]:
            tell(name)
        if not problem:
            return outcome
        name, _, end = plan[place]
        _take(outcome, {"target": name, "case": number, "problem": problem, "place": problem}, seed)
        outcome.tallies[name].findings += 1
        plan = [(name, number + 1, end), *plan[place + 1 :]]
    return outcome


def _run_child(folder: Path, plan: Sequence[tuple[str, int, int]], seed: int) -> tuple[int, int, str]:
    """Run a process to its end; return where in the plan it was, the case's number, and how it failed, if it did."""
    progress, results, orders = folder / "progress", folder / "results", folder / "orders"
    progress.write_bytes(b"%10d%12d" % (0, 0))
    results.touch()
    told = {"plan": plan, "seed": seed, "results": str(results), "progress": str(progress)}
    orders.write_text(json.dumps(told), encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": str(_TESTS), "OMP_NUM_THREADS": "1"}
    # A command that is started in a terminal may find files of the case's making in its folder: it has its own.
    with (folder / "said").open("wb") as said:
        child = subprocess.Popen(
            [sys.executable, "-m", "fuzz.child", str(orders)], cwd=folder, env=environ, stdout=said, stderr=said
        )
        try:
            last, since = b"", time.monotonic()
            while (status := child.poll()) is None:
                found = progress.read_bytes()
                if found != last:
                    last, since = found, time.monotonic()
                if time.monotonic() - since > _HANGS:
                    child.kill()
                time.sleep(_LOOK)
        finally:
            child.kill()
            child.wait()
    found = progress.read_bytes()
    if status == 0:
        return len(plan), 0, ""
    words = (folder / "said").read_text(encoding="utf-8", errors="replace")[-2000:]
    return int(found[:10]), int(found[10:]), f"the process ended with status {status}: {words}"


def _read_results(folder: Path) -> Iterator[dict[str, Any]]:
    for line in (folder / "results").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _take(outcome: Outcome, line: dict[str, Any], seed: int) -> None:
    name = line["target"]
    if "problem" not in line:
        outcome.tallies[name].add(line)
        return
    target = all_targets()[name]
    case = target.case(target.seeds(), seed, line["case"])
    outcome.findings.append(Finding(name, case, line["problem"], line["place"]))
