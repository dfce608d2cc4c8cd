import json
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.deliveries import (
    CHUNKS,
    chunk_info,
    dispatch,
    job,
    job_file,
    mark_root,
    metadata,
    sha,
    tree_manifest,
    write_chunk,
    write_job,
    write_json,
    write_tree,
)
from fakes.memory_store import MemoryStore

from panini_daemon.storage import inbox as inbox_module
from panini_daemon.storage.errors import (
    ChunkMissing,
    ManifestInvalid,
    ManifestUnreadable,
    NotFound,
    RootLost,
    StoreReadOnly,
    StoreUnavailable,
    UnsafeName,
)
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.jobs import Job, Poll, Rejected

TREE = "inbox/pending_compression/a/photo.png"
TIMEOUT = 100.0


class Scene:
    """A store with an inbox, and a clock."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        mark_root(self.store)
        self.store.write("inbox/README.md", b"what goes here")
        self.clock = FakeClock()
        self.inbox = self.another()

    def another(self, **options: object) -> Inbox:
        return Inbox(self.store, clock=self.clock, arrival_timeout=TIMEOUT, **options)  # type: ignore[arg-type]

    def poll(self) -> Poll:
        return self.inbox.poll()

    def wait(self, polls: int = 3) -> Poll:
        """Let the time-out pass and poll until something is told."""
        for _ in range(polls):
            self.clock.advance(TIMEOUT)
            poll = self.poll()
            if poll.ready or poll.rejected:
                return poll
        return poll

    def one(self) -> Job:
        (found,) = self.poll().ready
        return found

    def refusal(self) -> Rejected:
        poll = self.wait()
        assert not poll.ready
        (found,) = poll.rejected
        assert self.poll().rejected == ()
        return found

    def left(self) -> list[str]:
        return sorted(path for path in self.store.files if path.startswith("inbox/") and "README" not in path)


@pytest.fixture
def scene() -> Scene:
    return Scene()


# Whole things.


def test_an_empty_or_absent_inbox_has_nothing(scene: Scene) -> None:
    assert scene.poll() == Poll()
    scene.store.delete("inbox")
    assert scene.poll() == Poll()


def test_a_job_manifest_that_is_whole_is_ready_once(scene: Scene) -> None:
    write_job(scene.store)
    found = scene.one()
    assert found.manifest_path == "inbox/j1.json"
    assert found.manifest == scene.store.files["inbox/j1.json"]
    assert scene.poll() == Poll()


def test_a_chunk_tree_that_is_whole_is_ready_once(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    found = scene.one()
    assert [chunk.name for chunk in found.chunks] == [f"a/photo.png/chunk_000{n}" for n in range(3)]
    assert found.chunks[1].data_path == f"{TREE}/chunk_0001/data.bin"
    assert found.chunks[1].pattern_type == "PNG_IDAT"
    assert found.chunks[1].chunk_path == "pending_compression/a/photo.png/chunk_0001"
    assert found.files[0].manifest is not None
    assert scene.poll() == Poll()


@pytest.mark.parametrize("name", ["content", "content.png", "content.json"])
def test_data_may_be_called_content(scene: Scene, name: str) -> None:
    write_chunk(scene.store, TREE, 0, CHUNKS[:1], name=name)
    write_json(scene.store, f"{TREE}/manifest.json", tree_manifest(CHUNKS[:1]))
    assert scene.one().chunks[0].data_path == f"{TREE}/chunk_0000/{name}"


def test_content_that_is_still_being_written_is_no_data(scene: Scene) -> None:
    write_chunk(scene.store, TREE, 0, CHUNKS[:1], name="content.png.partial")
    write_json(scene.store, f"{TREE}/manifest.json", tree_manifest(CHUNKS[:1]))
    assert scene.poll().arriving == 1


def test_the_hash_of_the_manifest_counts_where_the_metadata_has_none(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    write_json(scene.store, f"{TREE}/chunk_0001/metadata.json", metadata(1, original_hash=""))
    assert scene.one().chunks[1].original_hash == sha(CHUNKS[1])


def test_what_only_the_metadata_tells_is_published(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    write_json(scene.store, f"{TREE}/manifest.json", {"total_chunks": 3, "base_name": "photo.png"})
    manifest = scene.one().files[0].manifest
    assert manifest is not None
    assert manifest["chunks"][1] == {  # type: ignore[index]
        "chunk_id": 1, "offset": 8, "size": 31, "hash": sha(CHUNKS[1]), "pattern": "PNG_IDAT",
    }  # fmt: skip


@pytest.mark.parametrize("place", ["inbox/pending_compression/photo.png", "inbox/photo.png"])
def test_a_dispatch_finds_its_chunk_in_either_place(scene: Scene, place: str) -> None:
    write_chunk(scene.store, place, 1)
    write_json(scene.store, "inbox/p.json", dispatch(1))
    (chunk,) = scene.one().chunks
    assert (chunk.data_path, chunk.offset) == (f"{place}/chunk_0001/data.bin", 8)
    assert chunk.chunk_path == "pending_compression/photo.png/chunk_0001"


def test_a_dispatch_uses_the_manifest_of_its_base(scene: Scene) -> None:
    write_tree(scene.store, "inbox/photo.png")
    write_json(scene.store, "inbox/p.json", dispatch(1))
    found = next(job for job in scene.poll().ready if job.manifest_path == "inbox/p.json")
    assert found.files[0].total_chunks == found.chunks[0].total_chunks == 3
    assert found.files[0].manifest is not None
    assert len(found.files[0].manifest["chunks"]) == 3  # type: ignore[arg-type]


def test_a_dispatch_without_metadata_goes_on_with_the_bases_manifest(scene: Scene) -> None:
    write_tree(scene.store, "inbox/photo.png")
    scene.store.delete("inbox/photo.png/chunk_0001/metadata.json")
    write_json(scene.store, "inbox/p.json", dispatch(1))
    assert scene.poll().arriving == 2
    found = next(job for job in scene.wait().ready if job.manifest_path == "inbox/p.json")
    assert (found.chunks[0].offset, found.chunks[0].pattern_type) == (8, "PNG_IDAT")


def test_a_dispatch_whose_place_in_the_file_nothing_tells_is_refused(scene: Scene) -> None:
    scene.store.write("inbox/photo.png/chunk_0001/data.bin", CHUNKS[1])
    write_json(scene.store, "inbox/p.json", dispatch(1))
    assert scene.poll().arriving == 1
    refused = scene.refusal()
    assert isinstance(refused.error, ManifestInvalid)
    assert "offset" in str(refused.error)


def test_data_longer_than_declared_is_ready_for_fetch_to_refuse(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    scene.store.write(f"{TREE}/chunk_0001/data.bin", CHUNKS[1] + b"more")
    assert scene.one().chunks[1].data_size == len(CHUNKS[1])


# Half-arrived things.


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


# Refusals at once, of that job alone.


def refuse_now(scene: Scene) -> Rejected:
    write_json(scene.store, "inbox/good.json", job(job_file(base="good")))
    scene.store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    poll = scene.poll()
    assert [found.manifest_path for found in poll.ready] == ["inbox/good.json"]
    (refused,) = poll.rejected
    assert scene.poll().rejected == ()
    return refused


def test_an_invalid_manifest_is_refused_at_once(scene: Scene) -> None:
    write_json(scene.store, "inbox/bad.json", job(version=9))
    refused = refuse_now(scene)
    assert isinstance(refused.error, ManifestInvalid)
    assert refused.manifest_path == "inbox/bad.json"


def test_metadata_that_contradicts_the_manifest_is_refused_at_once(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    write_json(scene.store, f"{TREE}/chunk_0001/metadata.json", metadata(1, original_hash="0" * 64))
    refused = refuse_now(scene)
    assert isinstance(refused.error, ManifestInvalid)
    assert refused.leftovers == (*(f"{TREE}/chunk_000{n}" for n in range(3)), TREE)


def test_a_name_that_leaves_the_tree_is_refused_at_once(scene: Scene) -> None:
    write_json(scene.store, "inbox/bad.json", job(job_file(path="../../etc/passwd")))
    assert isinstance(refuse_now(scene).error, UnsafeName)


@pytest.mark.parametrize("link", ["inbox/bad.json", "inbox/dl/data.bin", "inbox/dl"])
def test_a_link_anywhere_in_the_way_is_refused(scene: Scene, link: str) -> None:
    scene.store.link(link)
    if link != "inbox/bad.json":
        write_json(scene.store, "inbox/bad.json", job(job_file(path="dl/data.bin")))
    refused = refuse_now(scene)
    assert isinstance(refused.error, UnsafeName)
    assert refused.manifest_path == "inbox/bad.json"


@pytest.mark.parametrize("link", ["chunk_0001", "chunk_0001/data.bin", "chunk_0001/metadata.json"])
def test_a_link_in_a_tree_is_refused(scene: Scene, link: str) -> None:
    write_tree(scene.store, TREE)
    scene.store.delete(f"{TREE}/{link}")
    scene.store.link(f"{TREE}/{link}")
    assert isinstance(refuse_now(scene).error, UnsafeName)


def test_a_manifest_over_the_limit_is_refused_without_being_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.store.write("inbox/bad.json", b" " * 5000)
    monkeypatch.setattr("panini_daemon.storage.arrival.check_size", _limit_of_4000)
    refused = refuse_now(scene)
    assert isinstance(refused.error, ManifestInvalid)
    assert ("open", "inbox/bad.json") not in scene.store.operations
    scene.inbox.set_aside(refused, [])
    assert scene.store.files[f"failed/{refused.job_id}/manifest.json"] == b" " * 5000


def _limit_of_4000(size: int, what: str) -> None:
    from panini_daemon.storage.json_input import check_size

    check_size(size, what, 4000)


# Names that are nobody's job.


@pytest.mark.parametrize(
    "name",
    [
        ".j.json",
        "j.json.partial",
        "j.json.tmp",
        "~j.json",
        "desktop.ini",
        "note.txt",
        ".panini-new-1.tmp",
        "j.json.a1b2.partial",
    ],
)
def test_other_files_are_ignored(scene: Scene, name: str) -> None:
    scene.store.write(f"inbox/{name}", b"{")
    scene.store.write(f"{TREE}/notes/{name}", b"{")
    assert scene.poll() == Poll()
    assert scene.wait() == Poll()


def test_hidden_folders_are_ignored(scene: Scene) -> None:
    write_tree(scene.store, "inbox/.trash/photo.png")
    assert scene.poll() == Poll()


def test_folders_are_not_searched_without_end(scene: Scene) -> None:
    write_tree(scene.store, "inbox/" + "/".join("d" * 14) + "/b")
    write_tree(scene.store, "inbox/" + "/".join("e" * 40) + "/b")
    assert [chunk.base[0] for found in scene.poll().ready for chunk in found.chunks[:1]] == ["d"]


# What changes, goes, or comes twice.


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
def test_an_outage_is_passed_on_and_loses_nothing(scene: Scene, error: Exception, operation: str) -> None:
    for number in range(5):
        scene.store.write(f"inbox/d{number}/data.bin", b"".join(CHUNKS))
        write_json(scene.store, f"inbox/j{number}.json", job(job_file(base=f"b{number}", path=f"d{number}/data.bin")))
    write_tree(scene.store, TREE)
    scene.store.fail(error, operation, "inbox", skip=4 if operation != "list" else 2)
    with pytest.raises(StoreUnavailable):
        scene.poll()
    assert len(scene.poll().ready) == 6


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


# Order.


def test_jobs_come_by_priority_then_headers_then_age_then_name(scene: Scene) -> None:
    for name, priority, pattern, age in [
        ("e", 0, "text", "2024-02-01T00:00:00Z"),
        ("d", 0, "text", "2024-01-01T00:00:00+00:00"),
        ("c", 0, "ISOBMFF moov", "2024-03-01T00:00:00Z"),
        ("b", "low", "PNG_SIGNATURE", "2024-01-01T00:00:00Z"),
        ("a", "high", "text", "2024-03-01T00:00:00Z"),
        ("g", 0, "text", ""),
        ("f", 0, "text", ""),
    ]:
        file = job_file(CHUNKS[:1], base=name)
        file["chunks"][0]["pattern_type"] = pattern
        write_json(scene.store, f"inbox/{name}.json", job(file, priority=priority, created_at=age))
    scene.store.write("inbox/d1/data.bin", CHUNKS[0])
    assert [found.chunks[0].base for found in scene.poll().ready] == list("acdefgb")


def test_chunks_come_headers_first_then_by_offset(scene: Scene) -> None:
    file = job_file((b"a", b"b", b"c", b"d"))
    for chunk, pattern in zip(file["chunks"], ["PNG_IDAT", "mdat", "AVI_LIST_HEADERS", "keyframe"], strict=True):
        chunk["pattern_type"] = pattern
    file["chunks"].reverse()
    write_json(scene.store, "inbox/j.json", job(file))
    scene.store.write("inbox/d1/data.bin", b"abcd")
    assert [chunk.chunk_id for chunk in scene.one().chunks] == [2, 3, 0, 1]


# Cost, in store operations.


def costs(scene: Scene) -> list[tuple[str, str]]:
    scene.store.operations.clear()
    scene.poll()
    return list(scene.store.operations)


def many(scene: Scene, count: int) -> None:
    scene.store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    for number in range(count):
        write_json(scene.store, f"inbox/j{number}.json", job(job_file(base=f"b{number}")))


def test_an_idle_poll_is_one_listing_and_a_few_stats_however_much_is_known(scene: Scene) -> None:
    many(scene, 300)
    assert len(scene.poll().ready) == 300
    idle = costs(scene)
    assert [path for name, path in idle if name == "list"] == ["inbox"]
    assert {name for name, _ in idle} == {"list", "stat"}
    assert len(idle) == 1 + inbox_module.RECHECKS


def test_a_new_manifest_is_read_once(scene: Scene) -> None:
    many(scene, 5)
    reads = [path for name, path in costs(scene) if name in ("open", "read")]
    assert sorted(reads) == [f"inbox/j{number}.json" for number in range(5)]


def test_an_arriving_manifest_that_does_not_change_is_not_read_again(scene: Scene) -> None:
    many(scene, 1)
    scene.store.delete("inbox/d1")
    scene.poll()
    assert [name for name, _ in costs(scene)] == ["list", "stat", "stat"]


def test_a_tree_that_is_known_is_not_listed_again(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    scene.poll()
    assert not [
        path for name, path in costs(scene) if path.startswith(f"{TREE}/chunk_") or (name, path) == ("list", TREE)
    ]


def test_the_data_folder_of_a_known_job_is_never_listed(scene: Scene) -> None:
    many(scene, 1)
    assert ("list", "inbox/d1") not in costs(scene)
    assert ("list", "inbox/d1") not in costs(scene)


def test_while_much_is_missing_a_poll_looks_at_a_part_of_it(scene: Scene) -> None:
    chunks = [b"x"] * 150
    write_json(scene.store, f"{TREE}/manifest.json", tree_manifest(chunks))
    assert len(costs(scene)) < 150
    for number in range(150):
        write_chunk(scene.store, TREE, number, chunks)
    assert len(scene.one().chunks) == 150


def test_a_large_tree_of_which_one_late_chunk_is_missing_is_refused_only_after_all_was_looked_at(
    scene: Scene,
) -> None:
    chunks = [b"x"] * 120
    write_json(scene.store, f"{TREE}/manifest.json", tree_manifest(chunks))
    scene.poll()
    write_chunk(scene.store, TREE, 119, chunks)
    scene.clock.advance(TIMEOUT)
    assert scene.poll() == Poll(arriving=1)
    refused = scene.refusal()
    assert "119 are missing" in str(refused.error)


def test_a_poll_stays_within_its_allowance_and_the_next_goes_on(scene: Scene) -> None:
    scene.inbox = scene.another(operations=30)
    many(scene, 20)
    write_tree(scene.store, TREE)
    ready, polls = 0, 0
    while True:
        scene.store.operations.clear()
        poll = scene.poll()
        assert len(scene.store.operations) < 50
        ready, polls = ready + len(poll.ready), polls + 1
        if not poll.more:
            break
        assert polls < 50
    assert ready == 21
    assert polls > 3


def test_every_known_manifest_gets_its_turn_to_be_looked_at_again(scene: Scene) -> None:
    many(scene, 150)
    scene.poll()
    write_json(scene.store, "inbox/j77.json", job(job_file(base="new")))
    assert [found.chunks[0].base for _ in range(4) for found in scene.poll().ready] == ["new"]


def test_a_tree_that_comes_into_a_known_folder_is_found(scene: Scene) -> None:
    for number in range(80):
        scene.store.write(f"inbox/f{number}/note.txt", b"")
    scene.poll()
    write_tree(scene.store, "inbox/f70/photo.png")
    assert [chunk.base for _ in range(4) for found in scene.poll().ready for chunk in found.chunks[:1]] == [
        "f70/photo.png"
    ]


# Leaving.


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
