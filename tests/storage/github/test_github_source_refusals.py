"""A repository as a source of jobs: what is wrong in it."""

from pathlib import Path

import pytest
from fakes.deliveries import CHUNKS
from fakes.github.faults import Status
from fakes.github.server import FakeGithub
from fakes.source_scene import ROOT, SourceScene, chunk_files, tree_files

from panini_daemon.storage.errors import ChunkMissing, HashMismatch, ManifestInvalid, SizeMismatch, UnsafeName


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
