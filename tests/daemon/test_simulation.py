"""Whole workers over a late, reordering, lossy folder, in schedules drawn from seeds.

`python benchmarks/simulation.py` runs many more of them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.simulation.mutations import MUTATIONS
from fakes.simulation.world import World

FEW, MANY, PART = 30, 330, 5
LIMIT = 400
"""Worlds among which each wrong design must be found out."""
TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("first", range(0, FEW, PART))
def test_every_job_ends_as_it_must_whatever_befalls_the_workers(first: int) -> None:
    check(range(first, first + PART))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FEW, MANY, 10 * PART))
def test_every_job_ends_as_it_must_in_many_more_schedules(first: int) -> None:
    check(range(first, first + 10 * PART))


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_design_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = MUTATIONS[name]
    mutation.apply(monkeypatch.setattr)
    for seed in (*mutation.found_by, *range(LIMIT)):
        found = [text for text in World(seed).run().violations if mutation.shows in text]
        if found:
            return
    pytest.fail(f"{LIMIT} worlds did not find it")


def test_a_seed_gives_the_same_world_again() -> None:
    assert trace(7) == trace(7)
    assert trace(7) != trace(8)


@pytest.mark.slow
def test_a_seed_gives_the_same_world_in_every_process() -> None:
    program = "from fakes.simulation.world import World; r = World(11).run(); print(r.steps, r.seconds, r.events)"
    told = []
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(TESTS)}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        told.append(done.stdout)
    assert told[0] == told[1]
    assert len(told[0]) > 100


def check(seeds: range) -> None:
    for seed in seeds:
        report = World(seed).run()
        assert report.violations == (), f"seed {seed}"
        assert report.events["job_done"] + report.events["job_failed"] + report.events["job_rejected"] > 0


def trace(seed: int) -> list[tuple[float, str, str]]:
    told: list[tuple[float, str, str]] = []

    def note(time: float, who: str, what: str, _details: object) -> None:
        told.append((time, who, what))

    World(seed, trace=note).run()
    return told
