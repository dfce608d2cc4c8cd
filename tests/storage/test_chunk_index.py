import pytest
from fakes.memory_store import MemoryStore
from hypothesis import given
from hypothesis import strategies as st

from panini_daemon.storage import chunk_index
from panini_daemon.storage.chunk_index import ChunkIndex, parse_index
from panini_daemon.storage.errors import StoreUnavailable

A, B = "a" * 64, "b" * 64
PLACE = "compressed_chunks/x y/chunk_0003"


def test_what_one_worker_adds_another_finds_after_both_have_written_and_read() -> None:
    store = MemoryStore()
    first, second = ChunkIndex(store, "w1"), ChunkIndex(store, "w2")
    first.add(A, PLACE)
    second.beat()
    assert (first.find(A), second.find(A)) == (PLACE, None)
    first.beat()
    second.beat()
    assert second.find(A) == PLACE


def test_a_worker_that_is_started_again_goes_on_where_it_was() -> None:
    store = MemoryStore()
    for digest in (A, B):
        index = ChunkIndex(store, "w1")
        index.beat()
        index.add(digest, PLACE)
        index.beat()
    assert [entry.name for entry in store.list("index")] == ["w1.1.txt"]
    assert len(parse_index(store.read("index/w1.1.txt"))) == 2


def test_files_are_bounded_and_all_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_index, "FILE_BYTES", 100)
    store = MemoryStore()
    index = ChunkIndex(store, "w1")
    digests = [f"{number:064x}" for number in range(5)]
    for digest in digests:
        index.add(digest, PLACE)
        index.beat()
    assert len(store.list("index")) == 5
    other = ChunkIndex(store, "w2")
    other.beat()
    assert all(other.find(digest) == PLACE for digest in digests)


def test_files_that_did_not_change_are_not_read_again() -> None:
    store = MemoryStore()
    first, second = ChunkIndex(store, "w1"), ChunkIndex(store, "w2")
    first.add(A, PLACE)
    first.beat()
    second.beat()
    before = store.count("open")
    second.beat()
    assert store.count("open") == before


def test_what_the_folder_did_not_take_is_written_later() -> None:
    store = MemoryStore()
    index = ChunkIndex(store, "w1")
    index.add(A, PLACE)
    store.fail(StoreUnavailable("away"), "append")
    with pytest.raises(StoreUnavailable):
        index.beat()
    index.beat()
    assert parse_index(store.read("index/w1.1.txt")) == [(A, PLACE)]


def test_a_hint_that_was_wrong_makes_room_for_another() -> None:
    index = ChunkIndex(MemoryStore(), "w1")
    index.add(A, PLACE)
    index.forget(A, "compressed_chunks/other/chunk_0000")
    assert index.find(A) == PLACE
    index.forget(A, PLACE)
    index.add(A, "compressed_chunks/y/chunk_0000")
    assert index.find(A) == "compressed_chunks/y/chunk_0000"


@pytest.mark.parametrize(
    "line", [A, f"{A} ../x/chunk_0000", f"{A} /x/chunk_0000", f"{A[:-1]} x/chunk_0000", f"{A} x", f"{A} x/chunk_00"]
)
def test_lines_that_are_cut_or_lead_out_are_passed_over(line: str) -> None:
    assert parse_index(f"{line}\n{B} x/chunk_0000".encode()) == [(B, "compressed_chunks/x/chunk_0000")]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    assert isinstance(parse_index(data), list)
