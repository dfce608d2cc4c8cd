import pytest
from fakes.deliveries import (
    CHUNKS,
    dispatch,
    job,
    job_file,
    metadata,
    sha,
    tree_manifest,
    write_chunk,
    write_job,
    write_json,
    write_tree,
)
from fakes.inbox_scene import TREE, Scene

from panini_daemon.storage.errors import (
    ManifestInvalid,
)
from panini_daemon.storage.jobs import Poll


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
