"""Whole schedules over a late, reordering folder, drawn from seeds."""

import pytest
from fakes.lease_world import LeaseWorld

SEEDS = 300
PART = 15


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_no_two_workers_hold_a_job_at_once_and_every_job_is_done(first: int) -> None:
    for seed in range(first, first + PART):
        world = LeaseWorld(seed, workers=2 + seed % 3)
        world.run()
        assert world.double == [], f"seed {seed}"
        assert world.done == world.jobs, f"seed {seed}: not done after {world.time.seconds:.0f} s"
