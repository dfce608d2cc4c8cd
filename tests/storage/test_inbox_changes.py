import contextlib

import pytest
from fakes.deliveries import (
    CHUNKS,
    job,
    job_file,
    write_job,
    write_json,
    write_tree,
)
from fakes.inbox_scene import TREE, Scene

from panini_daemon.storage.errors import (
    NotFound,
    RootLost,
    StoreUnavailable,
)
from panini_daemon.storage.jobs import Poll


def test_a_manifest_that_changes_is_a_new_job(scene: Scene) -> None:
    write_job(scene.store)
    old = scene.one()
    write_json(scene.store, "inbox/j1.json", job(priority=5))
    poll = scene.poll()
    assert poll.gone == (old.job_id,)
    assert poll.ready[0].priority == 5
    assert poll.ready[0].job_id != old.job_id


def test_a_manifest_that_is_touched_is_no_new_job(scene: Scene) -> None:
    write_job(scene.store)
    scene.one()
    write_job(scene.store)
    assert scene.poll() == Poll()
    assert scene.poll() == Poll()


def test_a_manifest_that_vanishes_is_gone(scene: Scene) -> None:
    write_job(scene.store)
    write_tree(scene.store, TREE)
    ids = {found.job_id for found in scene.poll().ready}
    scene.store.delete("inbox/j1.json")
    scene.store.delete(TREE)
    assert set(scene.poll().gone) == ids
    assert scene.poll() == Poll()


def test_a_listed_file_that_is_not_there_is_simply_not_there(scene: Scene) -> None:
    write_job(scene.store)
    fault = scene.store.fail(NotFound("stale"), "stat", "inbox/j1.json", times=None)
    assert scene.poll() == Poll()
    assert scene.wait() == Poll()
    fault.clear()
    assert scene.one()


@pytest.mark.parametrize("error", [RootLost("gone"), StoreUnavailable("EIO")])
@pytest.mark.parametrize("operation", ["list", "stat", "open"])
def test_an_outage_loses_nothing(scene: Scene, error: Exception, operation: str) -> None:
    for number in range(5):
        scene.store.write(f"inbox/d{number}/data.bin", b"".join(CHUNKS))
        write_json(scene.store, f"inbox/j{number}.json", job(job_file(base=f"b{number}", path=f"d{number}/data.bin")))
    write_tree(scene.store, TREE)
    fault = scene.store.fail(error, operation, "inbox", skip=4 if operation != "list" else 2)
    found = 0
    with contextlib.suppress(StoreUnavailable):
        found = len(scene.poll().ready)
    assert fault.times == 0
    assert found + len(scene.poll().ready) == 6


@pytest.mark.parametrize("operation", ["stat", "open"])
def test_an_outage_of_the_root_is_passed_on(scene: Scene, operation: str) -> None:
    write_job(scene.store)
    scene.store.fail(RootLost("gone"), operation, "inbox")
    with pytest.raises(RootLost):
        scene.poll()


@pytest.mark.parametrize("operation", ["stat", "open"])
def test_one_file_that_cannot_be_read_stops_no_other_and_is_never_given_up(scene: Scene, operation: str) -> None:
    write_job(scene.store)
    write_tree(scene.store, TREE)
    fault = scene.store.fail(StoreUnavailable("EIO"), operation, "inbox/j1.json", times=None)
    assert len(scene.poll().ready) == 1
    for _ in range(3):
        poll = scene.wait()
        assert (poll.ready, poll.rejected) == ((), ())
    fault.clear()
    assert scene.one().manifest_path == "inbox/j1.json"


def test_absence_under_a_lost_root_is_not_believed(scene: Scene) -> None:
    write_job(scene.store)
    found = scene.one()
    saved = scene.store.files
    for path in saved:
        scene.store.delete(path)
    with pytest.raises(RootLost):
        scene.poll()
    for path, data in saved.items():
        scene.store.write(path, data)
    poll = scene.poll()
    assert found.job_id not in poll.gone
    assert poll.ready == ()


def test_a_copy_of_a_manifest_is_not_done_twice_and_leaves_with_it(scene: Scene) -> None:
    write_job(scene.store)
    write_json(scene.store, "inbox/j1 (1).json", job())
    found = scene.one()
    assert scene.poll() == Poll()
    scene.inbox.remove(found)
    assert scene.left() == []
    assert scene.poll() == Poll()


def test_a_job_is_not_gone_while_a_copy_of_its_manifest_is_there(scene: Scene) -> None:
    write_job(scene.store)
    write_json(scene.store, "inbox/j1 (1).json", job())
    found = scene.one()
    scene.store.delete(found.manifest_path)
    assert scene.poll() == Poll()
    for path in scene.left():
        scene.store.delete(path)
    assert scene.poll().gone == (found.job_id,)


def test_a_copy_with_another_content_is_another_job(scene: Scene) -> None:
    write_job(scene.store)
    write_json(scene.store, "inbox/j1 (1).json", job(priority=1))
    assert len({found.job_id for found in scene.poll().ready}) == 2


def test_the_id_is_the_same_for_every_worker(scene: Scene) -> None:
    write_job(scene.store)
    write_tree(scene.store, TREE)
    assert [j.job_id for j in scene.poll().ready] == [j.job_id for j in scene.another().poll().ready]
