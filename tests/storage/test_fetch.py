import errno
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
from fakes.memory_store import MemoryStore
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.storage import fetch as fetch_module
from panini_daemon.storage.errors import (
    ChunkMissing,
    HashMismatch,
    SizeMismatch,
    StillArriving,
    StoreFull,
    StoreUnavailable,
    UnsafeName,
)
from panini_daemon.storage.fetch import PIECE, fetch
from panini_daemon.storage.jobs import Chunk

DATA = b"0123456789"
HASH = hashlib.sha256(DATA).hexdigest()
CHUNK = Chunk("b", 0, 0, "inbox/b/chunk_0000/data.bin", len(DATA), original_hash=HASH, data_size=len(DATA))


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.write(CHUNK.data_path, DATA)
    return store


def test_the_bytes_and_their_hash_come_back(store: MemoryStore, tmp_path: Path) -> None:
    assert fetch(store, CHUNK, tmp_path / "x") == HASH
    assert (tmp_path / "x").read_bytes() == DATA


def test_a_chunk_without_a_declared_hash_is_hashed(store: MemoryStore, tmp_path: Path) -> None:
    assert fetch(store, replace(CHUNK, original_hash=None), tmp_path / "x") == HASH


@settings(max_examples=25, deadline=None)
@given(data=st.binary(max_size=40), start=st.integers(0, 40), size=st.integers(0, 40))
def test_any_part_of_a_data_file_can_be_fetched(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, start: int, size: int
) -> None:
    store, target = MemoryStore(), tmp_path_factory.getbasetemp() / "part"
    store.write("inbox/d", data)
    expected = data[start : start + size]
    digest = fetch(store, Chunk("b", 0, 0, "inbox/d", len(expected), data_offset=start), target)
    assert target.read_bytes() == expected
    assert digest == hashlib.sha256(expected).hexdigest()


def test_a_chunk_of_no_bytes_is_an_empty_file(store: MemoryStore, tmp_path: Path) -> None:
    store.write("inbox/empty", b"")
    empty = replace(CHUNK, data_path="inbox/empty", size=0, original_hash=None, data_size=0)
    assert fetch(store, empty, tmp_path / "x") == hashlib.sha256().hexdigest()
    assert (tmp_path / "x").read_bytes() == b""


def test_an_absent_file_is_a_missing_chunk(store: MemoryStore, tmp_path: Path) -> None:
    with pytest.raises(ChunkMissing, match=r"found no inbox/gone; expected 10 bytes; upload"):
        fetch(store, replace(CHUNK, data_path="inbox/gone"), tmp_path / "x")


@pytest.mark.parametrize("chunk", [replace(CHUNK, size=11), replace(CHUNK, data_offset=1)])
def test_a_short_file_is_still_arriving(store: MemoryStore, tmp_path: Path, chunk: Chunk) -> None:
    with pytest.raises(StillArriving, match=r"expected 1[01]; wait"):
        fetch(store, chunk, tmp_path / "x")


def test_a_file_longer_than_declared_is_a_size_mismatch(store: MemoryStore, tmp_path: Path) -> None:
    with pytest.raises(SizeMismatch, match="has 10 bytes; expected 9;"):
        fetch(store, replace(CHUNK, size=9, data_size=9), tmp_path / "x")


def test_other_bytes_are_a_hash_mismatch(store: MemoryStore, tmp_path: Path) -> None:
    with pytest.raises(HashMismatch, match=f"{HASH}; expected {'0' * 64}"):
        fetch(store, replace(CHUNK, original_hash="0" * 64), tmp_path / "x")


def test_a_link_is_refused(store: MemoryStore, tmp_path: Path) -> None:
    store.link("inbox/link")
    with pytest.raises(UnsafeName):
        fetch(store, replace(CHUNK, data_path="inbox/link"), tmp_path / "x")


def test_an_outage_is_passed_on(store: MemoryStore, tmp_path: Path) -> None:
    store.fail(StoreUnavailable("EIO"), "open")
    with pytest.raises(StoreUnavailable):
        fetch(store, CHUNK, tmp_path / "x")


class Pieces(io.BytesIO):
    """A file that notes how much is asked for at once."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size > 0
        Pieces.largest = max(Pieces.largest, size)
        return super().read(size)


class Streaming(MemoryStore):
    def open(self, path: str) -> BinaryIO:
        return Pieces(super().open(path).read())


def test_a_large_chunk_is_streamed_in_pieces(tmp_path: Path) -> None:
    store, data = Streaming(), bytes(range(256)) * 4096
    store.write("inbox/d", data)
    digest = fetch(store, Chunk("b", 0, 0, "inbox/d", len(data), data_size=len(data)), tmp_path / "x")
    assert digest == hashlib.sha256(data).hexdigest()
    assert Pieces.largest == PIECE


class FullDisk(io.BytesIO):
    def write(self, data: object, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


class FullPath:
    """A local path on a disk without room."""

    def open(self, mode: str) -> BinaryIO:
        return FullDisk()


def test_a_full_local_disk_is_named(store: MemoryStore) -> None:
    assert fetch_module.PIECE
    with pytest.raises(StoreFull, match="free local disk space"):
        fetch(store, CHUNK, FullPath())  # type: ignore[arg-type]
