"""A repository as a source of jobs: what is found, and what is found when it changes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.deliveries import CHUNKS
from fakes.github.server import FakeGithub
from fakes.source_scene import ROOT, SourceScene, chunk_files, data_of, tree_files

from panini_daemon.storage.github.errors import GithubMissing

MakeScene = Callable[..., SourceScene]


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
