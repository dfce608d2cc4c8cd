"""A repository as a source of jobs: what is found, what it costs, and what is left alone."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.deliveries import CHUNKS
from fakes.github.faults import Status
from fakes.github.server import FakeGithub
from fakes.source_scene import ROOT, SourceScene, chunk_files, many_files, tree_files

from panini_daemon.storage.errors import ChunkMissing, HashMismatch, ManifestInvalid, SizeMismatch, UnsafeName
from panini_daemon.storage.github.errors import GithubMissing, GithubUnavailable

MakeScene = Callable[..., SourceScene]


def data_of(scene: SourceScene, target: Path) -> bytes:
    job = scene.one()
    data = b""
    for chunk in sorted(job.chunks, key=lambda chunk: chunk.chunk_id):
        digest = scene.source.fetch(chunk, target)
        assert digest == hashlib.sha256(target.read_bytes()).hexdigest()
        data += target.read_bytes()
    return data


# --- What is found


def test_a_chunk_tree_is_a_job_with_all_its_bytes(scene: SourceScene, hub: FakeGithub, tmp_path: Path) -> None:
    head = hub.commit(tree_files("holiday/beach.png"))
    assert data_of(scene, tmp_path / "chunk") == b"".join(CHUNKS)
    assert scene.source.head == head


def test_a_job_says_where_it_comes_from(scene: SourceScene, hub: FakeGithub) -> None:
    head = hub.commit(tree_files("beach.png"))
    job = scene.one()
    assert job.source == {"repository": "someone/archive", "commit": head, "ref": "refs/heads/main"}
    assert job.manifest_path == f"github:someone/archive@{head}:{ROOT}/beach.png/manifest.json"
    assert all(chunk.data_path.startswith("github:") for chunk in job.chunks)


@pytest.mark.parametrize("name", ["a b.txt", "à côté.txt", "naïve#1?.txt", "100%.txt", "it's “so”.txt", "文字.txt"])
def test_names_are_what_they_are(name: str, scene: SourceScene, hub: FakeGithub, tmp_path: Path) -> None:
    hub.commit(tree_files(name.replace("?", "")))
    assert data_of(scene, tmp_path / "chunk") == b"".join(CHUNKS)


def test_an_empty_chunk_is_a_chunk(scene: SourceScene, hub: FakeGithub, tmp_path: Path) -> None:
    hub.commit(tree_files("empty", [b""]))
    assert data_of(scene, tmp_path / "chunk") == b""


def test_the_other_forms_of_manifests_are_read_as_well(scene: SourceScene, hub: FakeGithub, tmp_path: Path) -> None:
    chunk = {"chunk_id": 0, "offset": 0, "size": 3, "path": "data/all.bin", "path_offset": 2}
    manifest = {"format": "panini-job", "version": 1, "files": [{"base": "abc", "chunks": [chunk]}]}
    hub.commit({f"{ROOT}/job.json": json.dumps(manifest).encode(), f"{ROOT}/data/all.bin": b"xxabcyy"})
    assert data_of(scene, tmp_path / "chunk") == b"abc"


def test_a_tree_without_a_manifest_is_read_from_its_metadata(
    scene: SourceScene, hub: FakeGithub, tmp_path: Path
) -> None:
    files = tree_files("bare.png")
    del files[f"{ROOT}/bare.png/manifest.json"]
    hub.commit(files)
    assert data_of(scene, tmp_path / "chunk") == b"".join(CHUNKS)


@pytest.mark.parametrize(
    ("status", "taken"),
    [
        ("pending", True),
        ("queued", True),
        ("", True),
        ("whatever", True),
        ("processing", False),
        ("completed", False),
        ("failed", False),
    ],
)
def test_only_chunks_that_nobody_began_are_taken(status: str, taken: bool, scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(tree_files("a.png", status="pending") | chunk_files(f"{ROOT}/a.png", 1, status=status))
    assert (1 in {chunk.chunk_id for chunk in scene.one().chunks}) is taken


def test_a_file_whose_chunks_are_all_completed_is_no_job(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(tree_files("a.png", status="completed"))
    assert scene.look().ready == ()


@pytest.mark.parametrize("ref", ["dev", "refs/heads/dev", "v1"])
def test_another_ref_can_be_named(ref: str, make_scene: MakeScene, hub: FakeGithub) -> None:
    hub.commit(tree_files("main.png"))
    sha = hub.commit(tree_files("dev.png"), branch="dev")
    hub.git.refs.set("refs/tags/v1", sha)
    assert make_scene(ref=ref).one().files[0].base == "dev.png"


def test_a_commit_that_is_named_is_read_once_and_never_again(make_scene: MakeScene, hub: FakeGithub) -> None:
    sha = hub.commit(tree_files("old.png"))
    hub.commit(tree_files("new.png"))
    scene = make_scene(ref=sha)
    assert scene.one().files[0].base == "old.png"
    scene.spent()
    assert scene.look().ready == ()
    assert scene.spent() == {}


@pytest.mark.parametrize("path", ["", "data/pending chunks"])
def test_another_folder_can_be_named(path: str, make_scene: MakeScene, hub: FakeGithub) -> None:
    hub.commit(tree_files("a.png", root=path))
    assert make_scene(path=path).one().files[0].base == "a.png"


def test_a_repository_without_the_folder_has_no_jobs(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit({"README.md": b"x"})
    poll = scene.look()
    assert (poll.ready, poll.arriving) == ((), 0)


def test_a_branch_that_is_not_there_is_told(make_scene: MakeScene, hub: FakeGithub) -> None:
    hub.commit({"README.md": b"x"})
    with pytest.raises(GithubMissing, match="gone"):
        make_scene(ref="gone").source.look()


# --- What it costs


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


# --- What changes


def test_a_status_that_changed_makes_no_new_job(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(tree_files("a.png"))
    scene.one()
    hub.commit(chunk_files(f"{ROOT}/a.png", 0, status="completed"))
    poll = scene.look()
    assert (poll.ready, poll.gone) == ((), ())


def test_a_job_whose_chunks_are_all_completed_now_is_gone(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(tree_files("a.png"))
    job = scene.one()
    hub.commit(tree_files("a.png", status="completed"))
    poll = scene.look()
    assert (poll.ready, poll.gone) == ((), (job.job_id,))
    assert not scene.source.pending(job.job_id)


def test_data_that_changed_is_another_job(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(tree_files("a.png"))
    old = scene.one()
    hub.commit(tree_files("a.png", [b"other bytes"]))
    poll = scene.look()
    assert poll.gone == (old.job_id,)
    assert [job.job_id for job in poll.ready] != [old.job_id]


def test_a_job_in_work_keeps_the_bytes_of_its_own_commit(scene: SourceScene, hub: FakeGithub, tmp_path: Path) -> None:
    hub.commit(tree_files("a.png"))
    job = scene.one()
    hub.commit(dict.fromkeys(tree_files("a.png")) | {"README.md": b"x"})
    scene.look()
    chunk = next(chunk for chunk in job.chunks if chunk.chunk_id == 1)
    scene.source.fetch(chunk, tmp_path / "chunk")
    assert (tmp_path / "chunk").read_bytes() == CHUNKS[1]


def test_ids_are_the_same_on_every_worker_and_at_every_commit(make_scene: MakeScene, hub: FakeGithub) -> None:
    hub.commit(tree_files("a.png"))
    first = make_scene().one().job_id
    hub.commit({"README.md": b"x"} | chunk_files(f"{ROOT}/a.png", 0, status="queued"))
    assert make_scene().one().job_id == first


def test_a_failed_job_is_offered_again_when_its_folder_is_deleted(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(tree_files("a.png"))
    job = scene.one()
    scene.source.set_aside(job, [])
    scene.receipts.add(job.job_id)
    assert scene.store.read(f"failed/{job.job_id}/manifest.json") == job.manifest
    hub.commit({"README.md": b"x"})
    assert scene.look().ready == ()
    scene.receipts.clear()
    scene.clock.advance(1000)
    assert [again.job_id for again in scene.look().ready] == [job.job_id]


# --- What is wrong


def test_a_wrong_size_or_hash_is_refused_when_fetched(scene: SourceScene, hub: FakeGithub, tmp_path: Path) -> None:
    hub.commit(tree_files("a.png") | {f"{ROOT}/a.png/chunk_0001/data.bin": b"!" * len(CHUNKS[1])})
    job = scene.one()
    chunk = next(chunk for chunk in job.chunks if chunk.chunk_id == 1)
    with pytest.raises(HashMismatch):
        scene.source.fetch(chunk, tmp_path / "chunk")


def test_data_of_another_length_is_refused(scene: SourceScene, hub: FakeGithub, tmp_path: Path) -> None:
    hub.commit(tree_files("a.png") | {f"{ROOT}/a.png/chunk_0001/data.bin": CHUNKS[1] + b"more"})
    job = scene.one()
    chunk = next(chunk for chunk in job.chunks if chunk.chunk_id == 1)
    with pytest.raises((SizeMismatch, HashMismatch)):
        scene.source.fetch(chunk, tmp_path / "chunk")


def test_a_blob_that_github_lost_is_a_missing_chunk(scene: SourceScene, hub: FakeGithub, tmp_path: Path) -> None:
    hub.commit(tree_files("a.png"))
    job = scene.one()
    hub.faults.add("GET */git/blobs/*", Status(404), times=None)
    with pytest.raises(ChunkMissing):
        scene.source.fetch(job.chunks[0], tmp_path / "chunk")


def test_a_missing_chunk_is_a_refusal_that_names_it(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit(tree_files("a.png") | dict.fromkeys(chunk_files(f"{ROOT}/a.png", 1)))
    assert "chunk_0001" in str(scene.refusal().error)


@pytest.mark.parametrize("mode", ["120000", "160000"])
def test_links_and_submodules_are_no_data(mode: str, scene: SourceScene, hub: FakeGithub) -> None:
    path = f"{ROOT}/a.png/chunk_0001/data.bin"
    target = b"/etc/passwd" if mode == "120000" else b"0" * 40
    hub.commit(tree_files("a.png") | {path: target}, mode={path: mode})
    assert isinstance(scene.refusal().error, (ChunkMissing, UnsafeName))


@pytest.mark.parametrize("manifest", [b"", b"[]", b'{"chunks": 7}', b"{" * 50_000])
def test_a_wrong_manifest_is_refused_and_the_others_go_on(manifest: bytes, scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit({f"{ROOT}/bad.png/manifest.json": manifest})
    assert isinstance(scene.refusal().error, ManifestInvalid)


def test_a_refused_manifest_is_kept_with_its_reason(scene: SourceScene, hub: FakeGithub) -> None:
    hub.commit({f"{ROOT}/bad.png/manifest.json": b"[]"})
    refused = scene.refusal()
    scene.source.set_aside(refused, [])
    assert scene.store.read(f"failed/{refused.job_id}/manifest.json") == b"[]"


# --- Git LFS


def pointer(data: bytes) -> bytes:
    digest = hashlib.sha256(data).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(data)}\n".encode()


def test_git_lfs_pointers_are_followed(scene: SourceScene, hub: FakeGithub, tmp_path: Path) -> None:
    hub.lfs[hashlib.sha256(CHUNKS[1]).hexdigest()] = CHUNKS[1]
    hub.commit(tree_files("a.png") | {f"{ROOT}/a.png/chunk_0001/data.bin": pointer(CHUNKS[1])})
    assert data_of(scene, tmp_path / "chunk") == b"".join(CHUNKS)


def test_an_object_that_git_lfs_does_not_have_is_a_missing_chunk(
    scene: SourceScene, hub: FakeGithub, tmp_path: Path
) -> None:
    hub.commit(tree_files("a.png") | {f"{ROOT}/a.png/chunk_0001/data.bin": pointer(CHUNKS[1])})
    chunk = next(chunk for chunk in scene.one().chunks if chunk.chunk_id == 1)
    with pytest.raises(ChunkMissing, match="LFS"):
        scene.source.fetch(chunk, tmp_path / "chunk")


def test_a_pointer_to_something_else_is_refused(scene: SourceScene, hub: FakeGithub, tmp_path: Path) -> None:
    hub.commit(tree_files("a.png") | {f"{ROOT}/a.png/chunk_0001/data.bin": pointer(b"something else")})
    chunk = next(chunk for chunk in scene.one().chunks if chunk.chunk_id == 1)
    with pytest.raises((SizeMismatch, HashMismatch), match="LFS"):
        scene.source.fetch(chunk, tmp_path / "chunk")


def test_a_chunk_that_is_a_pointers_text_itself_stays_that(scene: SourceScene, hub: FakeGithub, tmp_path: Path) -> None:
    text = pointer(b"whatever")
    hub.commit(tree_files("pointer.txt", [text]))
    assert data_of(scene, tmp_path / "chunk") == text
