import json
from pathlib import Path

import pytest
from fakes.deliveries import (
    CHUNKS,
    chunk_info,
    dispatch,
    job,
    job_file,
    sha,
    tree_manifest,
    write_chunk,
    write_job,
    write_json,
    write_tree,
)
from fakes.inbox_scene import TIMEOUT, TREE, Scene

from panini_daemon.storage.errors import (
    StoreUnavailable,
)
from panini_daemon.storage.jobs import Poll


def test_remove_takes_a_job_away_data_first_manifest_last(scene: Scene) -> None:
    write_job(scene.store)
    found = scene.one()
    scene.store.operations.clear()
    scene.inbox.remove(found)
    deleted = [path for name, path in scene.store.operations if name == "delete"]
    assert deleted == ["inbox/d1/data.bin", "inbox/d1", "inbox/j1.json"]
    assert scene.left() == []
    assert scene.poll() == Poll()


def test_remove_takes_a_tree_away_with_its_base_folder(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    found = scene.one()
    scene.store.operations.clear()
    scene.inbox.remove(found)
    deleted = [path for name, path in scene.store.operations if name == "delete"]
    assert deleted == [*(f"{TREE}/chunk_000{n}" for n in range(3)), f"{TREE}/manifest.json", TREE]
    assert scene.poll() == Poll()


def test_remove_leaves_what_the_job_does_not_name(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    scene.store.write(f"{TREE}/chunk_0001/thesis.txt", b"dear")
    scene.store.write(f"{TREE}/letters/one.txt", b"dear")
    scene.inbox.remove(scene.one())
    assert scene.left() == [f"{TREE}/chunk_0001/thesis.txt", f"{TREE}/letters/one.txt"]


def test_a_manifest_that_was_replaced_meanwhile_is_not_removed_with_the_old_job(scene: Scene) -> None:
    write_job(scene.store)
    write_tree(scene.store, TREE)
    old = scene.poll().ready
    write_json(scene.store, "inbox/j1.json", job(priority=5))
    write_json(scene.store, f"{TREE}/manifest.json", tree_manifest(colour="blue"))
    before = scene.left()
    for found in old:
        scene.inbox.remove(found)
    assert scene.left() == before
    new = scene.poll().ready
    assert len(new) == 2
    for found in new:
        scene.inbox.set_aside(found, found.chunks)
    assert scene.left() == []


def test_a_poll_in_the_midst_of_a_removal_disturbs_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    write_job(scene.store)
    write_tree(scene.store, TREE)
    polls: list[Poll] = []
    delete = scene.store.delete

    def delete_and_poll(path: str) -> None:
        delete(path)
        polls.append(scene.poll())

    ready = scene.poll().ready
    monkeypatch.setattr(scene.store, "delete", delete_and_poll)
    for found in ready:
        scene.inbox.remove(found)
    assert len(polls) == 8
    assert {(poll.ready, poll.gone, poll.rejected) for poll in [*polls, scene.poll()]} == {((), (), ())}
    assert scene.left() == []


def test_remove_again_after_an_outage_ends_the_work(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    found = scene.one()
    scene.store.fail(StoreUnavailable("EIO"), "delete", skip=2)
    with pytest.raises(StoreUnavailable):
        scene.inbox.remove(found)
    assert f"{TREE}/manifest.json" in scene.left()
    scene.inbox.remove(found)
    assert scene.left() == []


def test_a_job_whose_data_was_removed_before_a_crash_is_ready_when_it_is_committed(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    scene.store.delete(f"{TREE}/chunk_0000")
    scene.store.delete(f"{TREE}/chunk_0001")
    done = {("a/photo.png", n, sha(CHUNKS[n])) for n in range(2)}
    scene.inbox = scene.another(committed=lambda *chunk: chunk in done)
    found = scene.one()
    assert len(found.chunks) == 3
    scene.inbox.remove(found)
    assert scene.left() == []


def test_committed_is_asked_about_missing_data_only(scene: Scene) -> None:
    write_job(scene.store)
    write_tree(scene.store, TREE)
    asked: list[object] = []
    scene.inbox = scene.another(committed=lambda *chunk: bool(asked.append(chunk)))
    assert len(scene.poll().ready) == 2
    assert asked == []


def test_data_that_two_manifests_name_stays_for_the_second(scene: Scene) -> None:
    write_job(scene.store)
    write_json(scene.store, "inbox/j2.json", job(job_file(base="other")))
    first, second = scene.poll().ready
    scene.inbox.remove(first)
    assert "inbox/d1/data.bin" in scene.left()
    scene.inbox.remove(second)
    assert scene.left() == []


def test_a_dispatch_leaves_a_trees_chunks_to_the_tree(scene: Scene) -> None:
    write_tree(scene.store, "inbox/photo.png")
    write_json(scene.store, "inbox/p.json", dispatch(1))
    by_path = {found.manifest_path: found for found in scene.poll().ready}
    scene.inbox.remove(by_path["inbox/p.json"])
    assert "inbox/photo.png/chunk_0001/data.bin" in scene.left()
    scene.inbox.remove(by_path["inbox/photo.png/manifest.json"])
    assert scene.left() == []


def test_a_tree_leaves_a_dispatchs_chunk_to_the_dispatch(scene: Scene) -> None:
    write_tree(scene.store, "inbox/photo.png")
    write_json(scene.store, "inbox/p.json", dispatch(1))
    by_path = {found.manifest_path: found for found in scene.poll().ready}
    scene.inbox.remove(by_path["inbox/photo.png/manifest.json"])
    assert "inbox/photo.png/chunk_0001/data.bin" in scene.left()
    scene.inbox.remove(by_path["inbox/p.json"])
    assert scene.left() == []


def test_chunks_that_a_dispatch_names_are_no_tree_of_their_own(scene: Scene) -> None:
    write_chunk(scene.store, "inbox/photo.png", 1)
    write_json(scene.store, "inbox/p.json", {"action": "compress_batch", "chunks": [chunk_info(1)]})
    found = scene.one()
    assert scene.wait() == Poll()
    scene.inbox.remove(found)
    assert scene.left() == []
    assert scene.poll() == Poll()


def test_a_listing_that_still_shows_a_removed_manifest_does_not_bring_it_back(scene: Scene) -> None:
    write_job(scene.store)
    found = scene.one()
    saved = scene.store.files["inbox/j1.json"], scene.store._files["inbox/j1.json"]
    scene.inbox.remove(found)
    scene.store._files["inbox/j1.json"] = saved[1]
    assert scene.poll() == Poll()
    scene.store.write("inbox/j1.json", saved[0])
    scene.store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    assert scene.one().job_id == found.job_id


def test_a_removed_manifest_that_does_not_go_away_is_a_job_again(scene: Scene) -> None:
    inbox = scene.another(committed=lambda _base, _chunk_id, _sha256: True)
    write_job(scene.store)
    (found,) = inbox.poll().ready
    saved = scene.store._files["inbox/j1.json"]
    inbox.remove(found)
    scene.store._files["inbox/j1.json"] = saved
    scene.clock.advance(TIMEOUT - 1)
    assert inbox.poll() == Poll()
    scene.clock.advance(1)
    assert [job.job_id for job in inbox.poll().ready] == [found.job_id]
    inbox.remove(found)
    assert scene.left() == []


def test_set_aside_keeps_manifest_and_uncommitted_data(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    found = scene.one()
    scene.inbox.set_aside(found, [found.chunks[0]])
    kept = f"failed/{found.job_id}"
    rest = TREE.removeprefix("inbox/")
    assert scene.left() == []
    assert {path for path in scene.store.files if path.startswith("failed/")} == {
        f"{kept}/manifest.json",
        *(f"{kept}/data/{rest}/chunk_000{n}/{name}" for n in (1, 2) for name in ("data.bin", "metadata.json")),
    }
    assert scene.store.files[f"{kept}/manifest.json"] == found.manifest
    assert scene.poll() == Poll()


def test_set_aside_keeps_a_data_file_that_any_uncommitted_chunk_needs(scene: Scene) -> None:
    write_job(scene.store)
    found = scene.one()
    scene.inbox.set_aside(found, found.chunks[:2])
    assert scene.store.files[f"failed/{found.job_id}/data/d1/data.bin"] == b"".join(CHUNKS)
    assert scene.left() == []


def test_set_aside_deletes_data_that_is_committed_whole(scene: Scene) -> None:
    write_job(scene.store)
    found = scene.one()
    scene.inbox.set_aside(found, found.chunks)
    assert [path for path in scene.store.files if path.startswith("failed/")] == [
        f"failed/{found.job_id}/manifest.json"
    ]


def test_what_was_set_aside_is_the_same_job_when_moved_back(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    found = scene.one()
    scene.inbox.set_aside(found, [])
    assert scene.poll() == Poll()
    kept = f"failed/{found.job_id}"
    for path, data in scene.store.files.items():
        if path.startswith(f"{kept}/data/"):
            scene.store.write(f"inbox/{path.removeprefix(f'{kept}/data/')}", data)
    scene.store.write(found.manifest_path, scene.store.files[f"{kept}/manifest.json"])
    again = scene.poll().ready or scene.poll().ready
    assert again[0].job_id == found.job_id
    scene.inbox.set_aside(again[0], [])
    assert scene.left() == []


def test_set_aside_of_a_refused_tree_takes_all_of_it(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    scene.store.write(f"{TREE}/manifest.json", b"{")
    scene.poll()
    refused = scene.refusal()
    scene.inbox.set_aside(refused, [])
    assert scene.left() == []
    assert scene.store.files[f"failed/{refused.job_id}/manifest.json"] == b"{"
    assert f"failed/{refused.job_id}/data/{TREE[6:]}/chunk_0002/data.bin" in scene.store.files
    assert scene.poll() == Poll()


def test_the_inbox_serves_what_fetch_checks(scene: Scene, tmp_path: Path) -> None:
    write_tree(scene.store, TREE)
    chunk = scene.one().chunks[1]
    assert scene.inbox.fetch(chunk, tmp_path / "chunk") == sha(CHUNKS[1])
    assert (tmp_path / "chunk").read_bytes() == CHUNKS[1]


def test_a_tree_in_which_one_manifest_of_another_form_lies_is_that_form(scene: Scene) -> None:
    scene.store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    scene.store.write("inbox/d1/manifest.json", json.dumps(job()).encode())
    found = scene.one()
    assert found.chunks[0].data_path == "inbox/d1/data.bin"
    scene.inbox.remove(found)
    assert scene.left() == []
