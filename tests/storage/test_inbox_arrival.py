import pytest
from fakes.deliveries import (
    CHUNKS,
    sha,
    tree_manifest,
    write_job,
    write_json,
    write_tree,
)
from fakes.inbox_scene import TIMEOUT, TREE, Scene

from panini_daemon.storage.errors import (
    ChunkMissing,
    ManifestUnreadable,
    StoreReadOnly,
)
from panini_daemon.storage.jobs import Poll


@pytest.mark.parametrize("part", ["manifest.json", "chunk_0001/metadata.json", "chunk_0001/data.bin"])
@pytest.mark.parametrize("state", ["absent", "empty", "half"])
def test_each_part_of_a_tree_is_waited_for(scene: Scene, part: str, state: str) -> None:
    write_tree(scene.store, TREE)
    whole = scene.store.files[f"{TREE}/{part}"]
    scene.store.delete(f"{TREE}/{part}")
    if state != "absent":
        scene.store.write(f"{TREE}/{part}", whole[: len(whole) // 2] if state == "half" else b"")
    assert scene.poll() == Poll(arriving=1)
    scene.clock.advance(TIMEOUT - 1)
    assert scene.poll() == Poll(arriving=1)
    scene.store.write(f"{TREE}/{part}", whole)
    found = scene.one()
    assert len(found.chunks) == 3
    assert found.files[0].manifest is not None


@pytest.mark.parametrize("part", ["j1.json", "d1/data.bin"])
@pytest.mark.parametrize("state", ["absent", "empty", "half"])
def test_each_part_of_a_job_is_waited_for(scene: Scene, part: str, state: str) -> None:
    write_job(scene.store)
    whole = scene.store.files[f"inbox/{part}"]
    scene.store.delete(f"inbox/{part}")
    if state != "absent":
        scene.store.write(f"inbox/{part}", whole[: len(whole) // 2] if state == "half" else b"")
    waiting = 0 if (part, state) == ("j1.json", "absent") else 1
    assert scene.poll() == Poll(arriving=waiting)
    scene.clock.advance(TIMEOUT - 1)
    assert scene.poll() == Poll(arriving=waiting)
    scene.store.write(f"inbox/{part}", whole)
    assert len(scene.one().chunks) == 3


def test_an_unreadable_manifest_is_refused_after_the_time_out(scene: Scene) -> None:
    scene.store.write("inbox/j1.json", b'{"format": "pan')
    scene.poll()
    refused = scene.refusal()
    assert isinstance(refused.error, ManifestUnreadable)
    assert refused.manifest == b'{"format": "pan'
    assert refused.manifest_path == "inbox/j1.json"


def test_missing_data_is_refused_after_the_time_out(scene: Scene) -> None:
    write_job(scene.store)
    scene.store.write("inbox/d1/data.bin", b"12345")
    scene.poll()
    refused = scene.refusal()
    assert isinstance(refused.error, ChunkMissing)
    assert "found 5 bytes; expected 39 bytes" in str(refused.error)


def test_a_missing_chunk_folder_is_refused_by_name(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    scene.store.delete(f"{TREE}/chunk_0001")
    scene.poll()
    refused = scene.refusal()
    assert isinstance(refused.error, ChunkMissing)
    assert f"{TREE}/chunk_0001" in str(refused.error)


def test_anything_that_changes_starts_the_time_out_anew(scene: Scene) -> None:
    write_job(scene.store)
    whole = scene.store.files["inbox/d1/data.bin"]
    for size in range(1, 9):
        scene.store.write("inbox/d1/data.bin", whole[:size])
        assert scene.poll() == Poll(arriving=1)
        scene.clock.advance(TIMEOUT - 1)
    scene.store.write("inbox/d1/data.bin", whole)
    assert scene.one()


def test_the_wall_clock_does_not_end_the_wait(scene: Scene) -> None:
    from datetime import UTC, datetime

    scene.store.write("inbox/j1.json", b"{")
    scene.poll()
    scene.clock.set_wall(datetime(2099, 1, 1, tzinfo=UTC))
    assert scene.poll() == Poll(arriving=1)


def test_what_arrives_at_the_last_moment_is_not_refused(scene: Scene) -> None:
    write_job(scene.store)
    scene.store.delete("inbox/d1")
    scene.poll()
    scene.clock.advance(TIMEOUT)
    scene.store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    assert scene.one()


def test_the_first_look_after_a_long_sleep_refuses_nothing(scene: Scene) -> None:
    write_job(scene.store)
    scene.store.delete("inbox/d1")
    scene.poll()
    scene.clock.advance(10 * TIMEOUT)
    assert scene.poll() == Poll(arriving=1)
    scene.clock.advance(TIMEOUT / 10)
    assert scene.poll() == Poll(arriving=1)
    scene.store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    assert scene.one()


def test_a_tree_whose_manifest_never_comes_becomes_a_job_from_its_metadata(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    scene.store.delete(f"{TREE}/manifest.json")
    assert scene.poll() == Poll(arriving=1)
    (found,) = scene.wait().ready
    assert [(c.chunk_id, c.offset, c.original_hash) for c in found.chunks] == [
        (0, 0, sha(CHUNKS[0])),
        (1, 8, sha(CHUNKS[1])),
        (2, 39, sha(CHUNKS[2])),
    ]
    assert found.files[0].manifest is None
    assert scene.another().poll().arriving == 1
    scene.inbox.remove(found)
    assert scene.left() == []
    assert scene.poll() == Poll()


def test_a_manifest_that_comes_after_all_is_a_new_job(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    scene.store.delete(f"{TREE}/manifest.json")
    scene.poll()
    (bare,) = scene.wait().ready
    write_json(scene.store, f"{TREE}/manifest.json", tree_manifest())
    poll = scene.poll()
    assert poll.gone == (bare.job_id,)
    assert poll.ready[0].files[0].manifest is not None


def test_a_tree_with_neither_manifest_nor_metadata_is_refused(scene: Scene) -> None:
    scene.store.write(f"{TREE}/chunk_0000/data.bin", b"x")
    scene.poll()
    refused = scene.refusal()
    assert isinstance(refused.error, ChunkMissing)
    assert "metadata.json" in str(refused.error)
    assert f"{TREE}/chunk_0000" in refused.leftovers


def test_a_chunk_without_metadata_goes_on_when_the_manifest_tells_enough(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    for number in range(3):
        scene.store.delete(f"{TREE}/chunk_000{number}/metadata.json")
    assert scene.poll().arriving == 1
    (found,) = scene.wait().ready
    assert [chunk.original_hash for chunk in found.chunks] == [sha(chunk) for chunk in CHUNKS]


def test_a_manifest_this_user_may_not_read_yet_is_waited_for(scene: Scene) -> None:
    write_job(scene.store)
    fault = scene.store.fail(StoreReadOnly("no permission"), "open", "inbox/j1.json", times=None)
    assert scene.poll() == Poll(arriving=1)
    fault.clear()
    scene.clock.advance(TIMEOUT)
    assert scene.one()
