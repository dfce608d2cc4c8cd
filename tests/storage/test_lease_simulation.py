"""Whole schedules over a late, reordering folder and over an object store, drawn from seeds."""

import pytest
from fakes.lease_world import LeaseWorld
from fakes.object_lease_world import ObjectLeaseWorld

SEEDS = 300
PART = 15


@pytest.mark.parametrize("world_of", [LeaseWorld, ObjectLeaseWorld])
@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_no_two_workers_hold_a_job_at_once_and_every_job_is_done(first: int, world_of: type[LeaseWorld]) -> None:
    for seed in range(first, first + PART):
        world = world_of(seed, workers=2 + seed % 3)
        world.run()
        assert world.double == [], f"seed {seed}"
        assert world.done == world.jobs, f"seed {seed}: not done after {world.time.seconds:.0f} s"
