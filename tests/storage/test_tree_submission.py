"""Chunk trees dropped as one job are, to the worker, the same as the trees themselves."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.deliveries import CHUNKS, mark_root, metadata, sha, tree_manifest, write_json, write_tree
from fakes.memory_store import MemoryStore

from panini_daemon.storage.errors import HashMismatch, StoreFull
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.pending_trees import read_trees
from panini_daemon.storage.tree_submission import SubmittedTrees, submit_trees

FOLDER = "pending_compression"
PHOTO, TEXT = f"{FOLDER}/a/photo.png", f"{FOLDER}/letters/2026 é.txt"
SOURCE = {"repository": "someone/archive", "commit": "9f2c", "ref": "refs/heads/main", "run_id": "12"}


class Scene:
    """A checkout, a tree to drop into, and what a worker sees in it."""

    def __init__(self, scratch: Path) -> None:
        self.checkout, self.tree, self.scratch = MemoryStore(), MemoryStore(), scratch
        mark_root(self.tree)

    def drop(self, **options: Any) -> list[SubmittedTrees]:
        trees = read_trees(self.checkout, FOLDER, clock=FakeClock())
        jobs = submit_trees(self.tree, self.checkout, trees, **{"scratch": self.scratch, "source": SOURCE, **options})
        assert list(self.scratch.iterdir()) == []
        return jobs

    def receive(self, committed: Any = None) -> tuple[Job, ...]:
        return receive(self.tree, committed or (lambda *_: False))


def receive(store: MemoryStore, committed: Any = lambda *_: False) -> tuple[Job, ...]:
    inbox = Inbox(store, clock=FakeClock(), arrival_timeout=1, committed=committed)
    poll = inbox.poll()
    assert not poll.rejected
    assert not poll.arriving
    return poll.ready


def told(chunks: tuple[Chunk, ...]) -> list[Chunk]:
    """Return the chunks without what differs by the form: where the data lies."""
    gone = {"data_path": "", "data_offset": 0, "data_size": None, "chunk_path": None}
    return sorted((replace(chunk, **gone) for chunk in chunks), key=lambda chunk: chunk.name)  # type: ignore[arg-type]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    write_tree(scene.checkout, PHOTO)
    write_tree(scene.checkout, TEXT, (b"Dear Anna,\n", b"all well"))
    return scene


def rich_manifest() -> dict[str, Any]:
    manifest = tree_manifest(
        total_size=39,
        original_hash=sha(b"".join(CHUNKS)),
        source_file="photo.png",
        format="png",
        media_type="image/png",
        colour={"space": ["sRGB", 1.5, None]},
        grammar_id=None,
    )
    manifest["chunks"][1] |= {"note": {"x": [1]}, "dependencies": [0]}
    manifest["chunks"][2]["pattern"] = None
    manifest["chunks"].reverse()
    return manifest


def test_a_worker_sees_the_chunks_that_the_trees_themselves_would_give(scene: Scene) -> None:
    write_json(scene.checkout, f"{PHOTO}/manifest.json", rich_manifest())
    dropped = MemoryStore()
    mark_root(dropped)
    for path, data in scene.checkout.files.items():
        dropped.write(f"inbox/{path}", data)
    trees = {job.files[0].base: job for job in receive(dropped)}
    (sent,) = scene.drop()
    (job,) = scene.receive()
    assert job.job_id == sent.job_id
    assert told(job.chunks) == told(tuple(chunk for tree in trees.values() for chunk in tree.chunks))
    for file in job.files:
        assert file == trees[file.base].files[0]
    assert set(trees) == {file.base for file in job.files}


def test_the_bytes_arrive_as_they_were(scene: Scene, tmp_path: Path) -> None:
    (sent,) = scene.drop()
    inbox = Inbox(scene.tree, clock=FakeClock(), arrival_timeout=1)
    (job,) = inbox.poll().ready
    found = {}
    for chunk in job.chunks:
        assert inbox.fetch(chunk, tmp_path / "piece") == chunk.original_hash
        found[chunk.name] = (tmp_path / "piece").read_bytes()
    assert found == {
        **{f"a/photo.png/chunk_{number:04d}": data for number, data in enumerate(CHUNKS)},
        "letters/2026 é.txt/chunk_0000": b"Dear Anna,\n",
        "letters/2026 é.txt/chunk_0001": b"all well",
    }
    assert (sent.chunks, sent.size, sent.bases) == (5, 58, ("a/photo.png", "letters/2026 é.txt"))
    assert sent.data_paths == (f"{sent.manifest_path.removesuffix('.json')}/data.bin",)


def test_the_job_says_where_it_comes_from_and_what_is_wished(scene: Scene) -> None:
    scene.drop(level="max", method="text", priority=7)
    (job,) = scene.receive()
    assert (job.source, job.level, job.method, job.priority) == (SOURCE, "max", "text", 7)
    assert job.created_at == "2024-01-02T03:04:05Z"


def test_the_data_comes_first_and_the_manifest_last(scene: Scene) -> None:
    (sent,) = scene.drop()
    written = [(name, path) for name, path in scene.tree.operations if name in ("put", "write") and "inbox" in path]
    assert written == [("put", sent.data_paths[0]), ("write", sent.manifest_path)]


def test_no_manifest_is_written_where_the_data_could_not_be(scene: Scene) -> None:
    scene.tree.fail(StoreFull("full"), "put")
    with pytest.raises(StoreFull):
        scene.drop()
    assert not [path for path in scene.tree.files if path.startswith("inbox/")]
    assert list(scene.scratch.iterdir()) == []


def test_a_repeated_drop_writes_the_same_files(scene: Scene) -> None:
    first, files = scene.drop(), scene.tree.files
    assert scene.drop() == first
    assert scene.tree.files == files
    again = scene.drop(source={**SOURCE, "run_id": "13"})
    assert [job.data_paths for job in again] == [job.data_paths for job in first]
    assert scene.tree.files.keys() == files.keys()


def test_another_wish_or_other_bytes_make_another_job(scene: Scene) -> None:
    scene.drop()
    scene.drop(level="max")
    write_tree(scene.checkout, TEXT, (b"Dear Otto,\n", b"all well"))
    scene.drop()
    assert len(scene.receive()) == 3


def test_limits_cut_between_files_only(scene: Scene) -> None:
    for number in range(4):
        write_tree(scene.checkout, f"{FOLDER}/b{number}", (b"x" * 10, b"y" * 10))
    jobs = scene.drop(max_bytes=40)
    assert [job.bases for job in jobs] == [("a/photo.png",), ("b0", "b1"), ("b2", "b3"), ("letters/2026 é.txt",)]
    assert len(scene.receive()) == 4
    few = Scene(scene.scratch)
    few.checkout = scene.checkout
    assert [job.chunks for job in few.drop(max_chunks=4)] == [3, 4, 4, 2]


def test_a_file_beyond_a_limit_is_one_job_with_several_data_files(scene: Scene, tmp_path: Path) -> None:
    (photo, letters) = scene.drop(max_bytes=35)
    assert [path.rpartition("/")[2] for path in photo.data_paths] == ["data.bin", "data-0001.bin"]
    assert [len(scene.tree.files[path]) for path in photo.data_paths] == [8, 31]
    assert letters.size == 19
    inbox = Inbox(scene.tree, clock=FakeClock(), arrival_timeout=1)
    for job in inbox.poll().ready:
        for chunk in job.chunks:
            inbox.fetch(chunk, tmp_path / "piece")


def test_chunks_that_are_done_go_along_so_that_the_published_manifest_is_whole(scene: Scene) -> None:
    write_json(scene.checkout, f"{PHOTO}/chunk_0000/metadata.json", metadata(0, status="completed"))
    write_json(scene.checkout, f"{PHOTO}/chunk_0001/metadata.json", metadata(1, status="completed"))
    scene.checkout.delete(f"{PHOTO}/chunk_0001/data.bin")
    (sent,) = scene.drop()
    assert sent.size == 8 + 19
    (job,) = scene.receive(lambda base, chunk_id, _: (base, chunk_id) == ("a/photo.png", 1))
    published = next(file.manifest for file in job.files if file.base == "a/photo.png")
    assert published is not None
    assert [entry["chunk_id"] for entry in published["chunks"]] == [0, 1, 2]  # type: ignore[attr-defined]


def test_a_hash_that_nobody_declared_is_added(scene: Scene) -> None:
    manifest = tree_manifest()
    del manifest["chunks"][0]["hash"]
    write_json(scene.checkout, f"{PHOTO}/manifest.json", manifest)
    write_json(scene.checkout, f"{PHOTO}/chunk_0000/metadata.json", metadata(0, original_hash=None))
    scene.drop()
    (job,) = scene.receive()
    hashes = {chunk.name: chunk.original_hash for chunk in job.chunks}
    assert hashes["a/photo.png/chunk_0000"] == sha(CHUNKS[0])


def test_data_that_changes_after_it_was_looked_at_is_refused(scene: Scene) -> None:
    trees = read_trees(scene.checkout, FOLDER, clock=FakeClock())
    scene.checkout.write(f"{PHOTO}/chunk_0000/data.bin", b"8 others")
    with pytest.raises(HashMismatch):
        submit_trees(scene.tree, scene.checkout, trees, scratch=scene.scratch, source={})
    assert not [path for path in scene.tree.files if path.startswith("inbox/")]


def test_a_tree_with_a_problem_is_refused(scene: Scene) -> None:
    scene.checkout.delete(f"{PHOTO}/chunk_0000/data.bin")
    with pytest.raises(ValueError, match="has a problem"):
        scene.drop()


def test_the_manifest_is_the_published_form(scene: Scene) -> None:
    (sent,) = scene.drop()
    written = json.loads(scene.tree.files[sent.manifest_path])
    assert (written["format"], written["version"]) == ("panini-job", 1)
    schema = json.loads((Path(__file__).parents[2] / "docs/schemas/job-1.schema.json").read_text())
    assert set(written) <= set(schema["properties"])
