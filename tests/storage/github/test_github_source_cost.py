"""A repository as a source of jobs: the requests that looking costs."""

from collections.abc import Callable

import pytest
from fakes.github.faults import Status
from fakes.github.server import FakeGithub
from fakes.source_scene import SourceScene, many_files, tree_files

from panini_daemon.storage.github.errors import GithubUnavailable

MakeScene = Callable[..., SourceScene]


def test_a_look_at_what_did_not_change_is_one_request_that_costs_nothing(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(tree_files())
    scene.look()
    used = hub.rate.used
    before = len(hub.requests)
    scene.look()
    assert [request.status for request in hub.requests[before:]] == [304]
    assert hub.rate.used == used


def test_a_thousand_chunks_in_a_hundred_files_take_a_score_of_requests(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(many_files(100, 10))
    poll = scene.look()
    assert sum(len(job.chunks) for job in poll.ready) == 1000
    assert sum(scene.spent().values()) <= 20


def test_finished_work_is_not_read_again_after_a_restart(
    scene: SourceScene, make_scene: MakeScene, hub: FakeGithub
) -> None:
    hub.commit(many_files(20, 3))
    receipts = {job.job_id for job in scene.look().ready}
    again = make_scene()
    again.receipts = receipts
    assert again.look().ready == ()
    assert set(again.spent()) <= {"head", "repository", "tree", "listing"}


def test_the_next_commit_costs_only_what_changed(scene: SourceScene, hub: FakeGithub) -> None:
    hub.tree_limit = 200
    hub.commit(many_files(60, 3))
    scene.look()
    scene.spent()
    hub.commit(tree_files("added.png"))
    assert [job.files[0].base for job in scene.look().ready] == ["added.png"]
    assert sum(scene.spent().values()) <= 12


@pytest.mark.parametrize("limit", [10, 37, 500])
def test_listings_that_are_cut_short_lose_nothing(limit: int, scene: SourceScene, hub: FakeGithub) -> None:
    hub.tree_limit = limit
    hub.commit(many_files(30, 4) | tree_files("deep/er/and/deeper.png"))
    bases = {job.files[0].base for job in scene.look(500).ready}
    assert len(bases) == 31
    assert "deep/er/and/deeper.png" in bases


@pytest.mark.slow
@pytest.mark.parametrize(("bases", "chunks"), [(1000, 10), (1, 10_000)])
def test_ten_thousand_chunks_are_found(bases: int, chunks: int, scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(many_files(bases, chunks))
    poll = scene.look(500)
    found = sum(len(job.chunks) for job in poll.ready)
    while found < 10_000:
        found += sum(len(job.chunks) for job in scene.look(500).ready)
    assert found == 10_000
    assert sum(scene.spent().values()) < 1000


def test_a_poll_never_waits_for_the_network(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(tree_files())
    before = len(hub.requests)
    assert scene.source.poll().arriving >= 1
    assert len(hub.requests) == before


def test_a_hanging_github_fails_the_look_and_leaves_the_rest_alone(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(tree_files("a.png"))
    job = scene.one()
    hub.faults.add("GET *", Status(502), times=None)
    with pytest.raises(GithubUnavailable):
        scene.source.look()
    assert (scene.source.poll().gone, scene.source.has(job), scene.source.pending(job.job_id)) == ((), True, True)
