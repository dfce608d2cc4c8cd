import json
from pathlib import Path

import pytest
from fakes.memory_store import MemoryStore
from fakes.trees import commit, commit_file, describe

from panini_daemon.compressors import Device, Registry
from panini_daemon.errors import Incomplete, ReconstructionFailed
from panini_daemon.reader import Reader
from panini_daemon.restoration import restore_chunk, restore_file
from panini_daemon.storage.errors import ManifestInvalid, NotCommitted

FOLDER = "compressed_chunks/a/b.txt"
PIECES = [b"first ", b"", b"second ", b"third"]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def reader(store: MemoryStore) -> Reader:
    return Reader(store, Registry(), Device())


@pytest.mark.parametrize("manifest", [True, False])
def test_a_file_comes_back_whole(store: MemoryStore, tmp_path: Path, manifest: bool) -> None:
    whole = commit_file(store, "a/b.txt", PIECES, manifest=manifest)
    restored = restore_file(reader(store), FOLDER, tmp_path / "new" / "out")
    assert (tmp_path / "new" / "out").read_bytes() == whole
    assert (restored.size, restored.chunks, restored.whole_file_checked) == (len(whole), 4, manifest)


def test_an_empty_file_comes_back(store: MemoryStore, tmp_path: Path) -> None:
    commit_file(store, "a/b.txt", [b""])
    assert restore_file(reader(store), FOLDER, tmp_path / "out").size == 0
    assert (tmp_path / "out").read_bytes() == b""


def test_chunks_are_put_together_by_offset_not_by_number(store: MemoryStore, tmp_path: Path) -> None:
    commit(store, f"{FOLDER}/chunk_0000", b"world", chunk_id=0, offset=6)
    commit(store, f"{FOLDER}/chunk_0001", b"hello ", chunk_id=1, offset=0)
    restore_file(reader(store), FOLDER, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"hello world"


def test_a_missing_chunk_is_named_and_nothing_is_written(store: MemoryStore, tmp_path: Path) -> None:
    commit_file(store, "a/b.txt", PIECES)
    store.delete(f"{FOLDER}/chunk_0002")
    with pytest.raises(Incomplete, match="chunk 2"):
        restore_file(reader(store), FOLDER, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_gap_is_told_where_no_manifest_tells(store: MemoryStore, tmp_path: Path) -> None:
    commit_file(store, "a/b.txt", PIECES, manifest=False)
    store.delete(f"{FOLDER}/chunk_0002")
    with pytest.raises(Incomplete, match="byte 13"):
        restore_file(reader(store), FOLDER, tmp_path / "out")


def test_a_missing_end_is_told_by_the_recipes_where_no_manifest_tells(store: MemoryStore, tmp_path: Path) -> None:
    for number, piece in enumerate(PIECES[:3]):
        place = {"offset": sum(map(len, PIECES[:number])), "size": len(piece), "total_chunks": 4}
        commit(store, f"{FOLDER}/chunk_{number:04d}", piece, chunk_id=number, offset=0, assembly_info=place)
    with pytest.raises(Incomplete, match=r"3 chunks are there.* tell of 4"):
        restore_file(reader(store), FOLDER, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_told(store: MemoryStore, tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match="not there"):
        restore_file(reader(store), "compressed_chunks/none", tmp_path / "out")


def test_a_damaged_payload_stops_the_restore_and_leaves_an_old_file_alone(store: MemoryStore, tmp_path: Path) -> None:
    commit_file(store, "a/b.txt", PIECES)
    store.write(f"{FOLDER}/chunk_0003/compressed.bin", b"damaged")
    (tmp_path / "out").write_bytes(b"old")
    with pytest.raises(NotCommitted, match="chunk_0003"):
        restore_file(reader(store), FOLDER, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_chunks_that_agree_but_are_of_another_file_are_refused(store: MemoryStore, tmp_path: Path) -> None:
    commit_file(store, "a/b.txt", PIECES)
    manifest = {**describe("a/b.txt", PIECES), "original_hash": "0" * 64}
    store.write(f"{FOLDER}/manifest.json", json.dumps(manifest).encode())
    with pytest.raises(ReconstructionFailed, match="manifest expects"):
        restore_file(reader(store), FOLDER, tmp_path / "out")


def test_a_truncated_file_is_refused_by_its_size(store: MemoryStore, tmp_path: Path) -> None:
    commit_file(store, "a/b.txt", PIECES)
    manifest = {**describe("a/b.txt", PIECES), "total_size": 99}
    store.write(f"{FOLDER}/manifest.json", json.dumps(manifest).encode())
    with pytest.raises(Incomplete, match="99"):
        restore_file(reader(store), FOLDER, tmp_path / "out")


@pytest.mark.parametrize("junk", [b"{", b"[]", b"\xff"])
def test_a_junk_manifest_is_told(store: MemoryStore, tmp_path: Path, junk: bytes) -> None:
    commit_file(store, "a/b.txt", PIECES)
    store.write(f"{FOLDER}/manifest.json", junk)
    with pytest.raises(ManifestInvalid):
        restore_file(reader(store), FOLDER, tmp_path / "out")


def test_one_chunk_comes_back_alone(store: MemoryStore, tmp_path: Path) -> None:
    commit_file(store, "a/b.txt", PIECES)
    assert restore_chunk(reader(store), f"{FOLDER}/chunk_0002", tmp_path / "out").size == 7
    assert (tmp_path / "out").read_bytes() == b"second "


def test_reencoded_images_need_consent(store: MemoryStore, tmp_path: Path) -> None:
    import gzip
    import hashlib

    payload = gzip.compress(bytes(12), mtime=0)
    commit(
        store,
        f"{FOLDER}/chunk_0000",
        bytes(12),
        chunk_id=0,
        offset=0,
        compression_method="semantic_image_v1",
        original_hash="1" * 64,
        payload_hash=hashlib.sha256(payload).hexdigest(),
        reconstruction={"method": "image_array_reconstruct", "shape": [2, 2, 3], "dtype": "uint8", "format": "BMP"},
    )
    with pytest.raises(ReconstructionFailed, match="--accept-reencoded"):
        restore_file(reader(store), FOLDER, tmp_path / "out")
    restored = restore_file(reader(store), FOLDER, tmp_path / "out", accept_reencoded=True)
    assert not restored.exact
    assert (tmp_path / "out").read_bytes().startswith(b"BM")
