"""A repository as a source of jobs: data that Git LFS keeps."""

import hashlib
from pathlib import Path

import pytest
from fakes.deliveries import CHUNKS
from fakes.github.server import FakeGithub
from fakes.source_scene import ROOT, SourceScene, data_of, tree_files

from panini_daemon.storage.errors import ChunkMissing, HashMismatch, SizeMismatch


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
