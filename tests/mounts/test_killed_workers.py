"""Workers that are killed, or stopped for longer than others wait for them."""

import signal
import time

import pytest
from fakes.mounts.fleet import Fleet
from fakes.mounts.killer import Killer

pytestmark = pytest.mark.slow


def test_workers_killed_at_random_times_lose_nothing(fleet: Fleet) -> None:
    fleet.submit_many(45, each=3, size=3000, seed=2)
    for number, mount in enumerate(fleet.mounts):
        fleet.start(f"w{number}", mount)
    killer = Killer(fleet, every=0.9, seed=11, fresh=0.5)
    while killer.kills < 10:
        killer.strike_when_due()
        time.sleep(0.02)
    seconds = fleet.wait_until_finished(120)
    assert fleet.end() == []
    commits = fleet.commits()
    print(f"{commits.total()} commits of {len(commits)} chunks, {seconds:.1f} s after the last kill")  # noqa: T201


def test_a_worker_that_slept_through_the_loss_of_its_lease_writes_over_nothing(fleet: Fleet) -> None:
    fleet.submit_many(6, each=6, size=40_000, seed=3)
    sleeper = fleet.start("sleeper", fleet.mounts[0], log_level="debug", level="max")
    sleeper.wait_for_text("job_started")
    time.sleep(0.3)
    sleeper.send(signal.SIGSTOP)
    assert "chunk_committed" not in sleeper.err, "it must sleep before it commits"
    fleet.start("follower", fleet.mounts[1])
    fleet.wait_until_finished(90)
    before = read_commits(fleet)
    assert len(before) == 2 * 6
    sleeper.send(signal.SIGCONT)
    fleet.wait_until(lambda: "expected held" in sleeper.err, "the sleeper to learn that its lease is lost", 60)
    assert fleet.end() == []
    assert read_commits(fleet) == before


def read_commits(fleet: Fleet) -> dict[str, bytes]:
    """Return the two files of every chunk."""
    folders = (fleet.site.root / "compressed_chunks").rglob("chunk_*")
    return {str(path): path.read_bytes() for folder in folders for path in folder.iterdir()}
