"""What a worker leaves that died while it took a job out of the inbox, and what the next one makes of it."""

import pytest
from fakes.deliveries import CHUNKS, write_job, write_tree
from fakes.inbox_scene import TREE, Scene

from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.jobs import Job


def bare_tree(scene: Scene) -> Job:
    write_tree(scene.store, TREE)
    scene.store.delete(f"{TREE}/manifest.json")
    scene.poll()
    (found,) = scene.wait().ready
    return found


def test_a_tree_without_manifest_is_there_as_long_as_its_data_is(scene: Scene) -> None:
    found = bare_tree(scene)
    assert scene.inbox.has(found)
    scene.inbox.remove(found)
    assert not scene.inbox.has(found)


def test_a_job_with_a_manifest_is_gone_without_it_though_its_data_is_there(scene: Scene) -> None:
    write_job(scene.store)
    found = scene.one()
    scene.store.delete("inbox/j1.json")
    assert not scene.inbox.has(found)


def test_what_is_left_of_a_tree_without_manifest_is_the_same_job(scene: Scene) -> None:
    found = bare_tree(scene)
    scene.store.fail(StoreUnavailable("gone"), "delete", f"{TREE}/chunk_0001")
    with pytest.raises(StoreUnavailable):
        scene.inbox.remove(found)
    (again,) = scene.another(committed=lambda *_: True).poll().ready
    assert again.job_id == found.job_id
    assert len(again.chunks) == len(CHUNKS)


def test_a_folder_that_was_moved_in_part_loses_nothing_when_it_is_moved_again(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    found = scene.one()
    kept = f"failed/{found.job_id}/data/{TREE.removeprefix('inbox/')}/chunk_0001"
    scene.store.move(f"{TREE}/chunk_0001/data.bin", f"{kept}/data.bin")
    scene.inbox.set_aside(found, ())
    assert scene.store.read(f"{kept}/data.bin") == CHUNKS[1]
    assert f"{kept}/metadata.json" in scene.store.files
    assert scene.left() == []


@pytest.mark.parametrize("operation", ["stat", "open"])
def test_an_outage_while_a_job_is_looked_at_takes_no_chunk_from_it(scene: Scene, operation: str) -> None:
    write_tree(scene.store, TREE)
    path = f"{TREE}/chunk_0001/{'data.bin' if operation == 'stat' else 'metadata.json'}"
    fault = scene.store.fail(StoreUnavailable("gone"), operation, path)
    assert scene.poll().ready == ()
    assert fault.times == 0
    assert [chunk.chunk_id for chunk in scene.one().chunks] == [0, 1, 2]
