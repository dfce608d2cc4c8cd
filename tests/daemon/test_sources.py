"""The inbox and a repository as one source of jobs."""

from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore
from fakes.repository_source import RepositorySource

from panini_daemon.sources import Sources
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.root import open_root
from panini_daemon.storage.submission import submit


class Scene:
    def __init__(self, folder: Path) -> None:
        clock, store = FakeClock(), MemoryStore()
        open_root(store, create=True, clock=clock, new_id=lambda: "root")
        (folder / "near.txt").write_bytes(b"near")
        submit(store, [folder / "near.txt"], clock=clock)
        self.store, self.far, self.hopeless, self.target = store, RepositorySource(), False, folder / "chunk"
        inbox = Inbox(store, clock=clock, arrival_timeout=10.0)
        self.sources = Sources(inbox, self.far, hopeless=lambda: self.hopeless)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_both_are_polled_and_each_jobs_bytes_come_from_where_it_is(scene: Scene) -> None:
    scene.far.add("far.txt", b"far")
    near, far = scene.sources.poll().ready
    for job, data in ((near, b"near"), (far, b"far")):
        scene.sources.fetch(job.chunks[0], scene.target)
        assert scene.target.read_bytes() == data
    assert [scene.sources.is_from_repository(job.job_id) for job in (near, far)] == [False, True]


def test_a_job_leaves_its_own_source(scene: Scene) -> None:
    scene.far.add("far.txt", b"far")
    near, far = scene.sources.poll().ready
    scene.sources.remove(near)
    assert scene.store.list("inbox") == []
    assert scene.far.done == []
    scene.sources.remove(far)
    assert scene.far.done == [far.job_id]
    assert not scene.sources.has(far)


def test_a_failed_job_is_set_aside_by_its_own_source(scene: Scene) -> None:
    far = scene.far.add("far.txt", b"far")
    scene.sources.set_aside(far, [])
    assert scene.far.aside == [far.job_id]


def test_nobody_waits_for_a_repository_without_hope(scene: Scene) -> None:
    scene.far.arriving = 1
    assert scene.sources.poll().arriving == 1
    scene.hopeless = True
    assert scene.sources.poll().arriving == 0
