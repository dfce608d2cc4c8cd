"""Workers on mounts of their own, sharing one tree."""

import pytest
from fakes.mounts.fleet import Fleet

pytestmark = pytest.mark.slow


def test_two_workers_on_two_mounts_share_the_chunks_and_commit_all_of_them(fleet: Fleet) -> None:
    fleet.submit_many(48, each=4, size=3000, seed=1)
    for number, mount in enumerate(fleet.mounts):
        fleet.start(f"w{number}", mount)
    seconds = fleet.wait_until_finished(90)
    assert fleet.end() == []
    commits = fleet.commits()
    print(f"{commits.total()} commits of {len(commits)} chunks in {seconds:.1f} s")  # noqa: T201
    assert len(commits) == 48
    assert commits.total() <= 48 + 4
