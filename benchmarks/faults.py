"""What breaks, and where: every death, power cut and error of one worker in the life of a job of every kind.

`python benchmarks/faults.py` tries all of it (some minutes) and prints how many positions there are and how many runs
followed them; it ends with an error where a chunk is lost, committed wrong, or a job ends otherwise than it should.
The tests in tests/faults/ try a part of it.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fakes import crash_plans
from fakes.crash_plans import Count
from fakes.crash_scenes import Scene, scenes


def main() -> None:
    """Print one line for each plan and kind of job, and the sums."""
    plans: dict[str, Callable[[Scene, Path], Count]] = {
        "worker dies, disk": lambda scene, folder: crash_plans.deaths(scene, folder, atomic=True),
        "worker dies, no rename": lambda scene, folder: crash_plans.deaths(scene, folder, atomic=False),
        "sender dies, disk": lambda scene, folder: crash_plans.deaths_of_sender(scene, folder, atomic=True),
        "sender dies, no rename": lambda scene, folder: crash_plans.deaths_of_sender(scene, folder, atomic=False),
        "power cut": lambda scene, folder: crash_plans.power_cuts(scene, folder, seeds=4),
        "held up, overtaken": lambda scene, folder: crash_plans.stalls(scene, folder, level="max"),
        "two at once, one dies": crash_plans.side_by_side,
        "held up, the other dies": lambda scene, folder: crash_plans.pairs(scene, folder, every=29),
    }
    for kind in crash_plans.KINDS:
        plans[kind.name] = partial(crash_plans.errors, kind=kind)
    print(f"{'':32}{'kind of job':28}{'positions':>10}{'runs':>8}{'seconds':>9}")
    for name, plan in plans.items():
        total = [0, 0, 0.0]
        for scene in scenes():
            if scene.needs_rename and "no rename" in name:
                continue
            started = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                count = plan(scene, Path(folder))
            seconds = time.perf_counter() - started
            print(f"{name:32}{scene.name:28}{count.positions:10}{count.runs:8}{seconds:9.1f}", flush=True)
            total = [one + more for one, more in zip(total, (count.positions, count.runs, seconds), strict=True)]
        print(f"{name:32}{'all':28}{total[0]:10}{total[1]:8}{total[2]:9.1f}", flush=True)


if __name__ == "__main__":
    main()
