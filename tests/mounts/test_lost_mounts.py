"""Mounts that go away under a living worker."""

import time
from collections.abc import Callable

import pytest
from fakes.mounts.fleet import TREE, Fleet
from fakes.mounts.mount import Delays

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("keep_cache", [True, False])
def test_a_worker_waits_for_its_killed_mount_and_goes_on_whatever_was_not_uploaded(
    make_fleet: Callable[..., Fleet], keep_cache: bool
) -> None:
    fleet = make_fleet(delays=Delays(dir_cache=0.5, write_back=1.5, attributes=0.2))
    fleet.submit_many(40, each=4, size=3000, seed=4)
    workers = [fleet.start(f"w{number}", mount) for number, mount in enumerate(fleet.mounts)]
    lost, worker = fleet.mounts[0], workers[0]
    fleet.wait_until(lambda: "chunk_committed" in worker.err, "a commit that is not uploaded yet", 60)
    lost.kill()
    fleet.wait_until(lambda: "folder_away" in worker.err or "waiting" in worker.err, "the worker to notice", 60)
    lost.remount(keep_cache=keep_cache)
    fleet.wait_until_finished(90)
    assert fleet.end() == []
    compressed, again = fleet.commits().total(), fleet.commits(made_again=True).total()
    print(f"{compressed} compressions for 40 chunks, {again - compressed} commits made again from what was kept")  # noqa: T201


def test_an_empty_mount_point_is_not_taken_for_an_empty_tree(fleet: Fleet) -> None:
    fleet.submit_many(4, each=2, size=3000, seed=5)
    mount = fleet.mounts[0]
    worker = fleet.start("w0", mount)
    fleet.wait_until_finished(60)
    mount.kill()
    mount.unmount()
    fleet.submit_many(8, each=2, size=3000, seed=6)
    fleet.wait_until(lambda: "folder_away" in worker.err, "the worker to notice", 60)
    time.sleep(1)
    assert list(mount.point.iterdir()) == [], "nothing was written into the empty folder"
    mount.remount(keep_cache=True)
    fleet.wait_until_finished(60)
    assert fleet.end() == []


def test_no_tree_is_made_in_an_empty_mount_point(fleet: Fleet) -> None:
    assert fleet.site.store.root.name == TREE
    mount = fleet.mounts[0]
    mount.kill()
    mount.unmount()
    early = fleet.start("early", mount, shared="true")
    assert early.wait() != 0
    assert "Mount the folder" in early.err
    assert list(mount.point.iterdir()) == []
