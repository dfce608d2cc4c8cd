import hashlib
import json
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.deliveries import mark_root
from fakes.memory_store import MemoryStore
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.storage.errors import ManifestInvalid, NameCollision, NotFound, StoreUnavailable, UnsafeName
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.jobs import Job
from panini_daemon.storage.names import safe_base
from panini_daemon.storage.submission import Submitted, make_base, submit


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    mark_root(store)
    return store


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def send(store: MemoryStore, *files: Path, **options: object) -> list[Submitted]:
    return submit(store, files, clock=FakeClock(), **options)  # type: ignore[arg-type]


def receive(store: MemoryStore) -> tuple[Job, ...]:
    poll = Inbox(store, clock=FakeClock(), arrival_timeout=1).poll()
    assert not poll.rejected
    return poll.ready


@pytest.mark.parametrize(
    ("data", "sizes"),
    [(b"", [0]), (b"a", [1]), (b"abcd", [4]), (b"abcde", [4, 1]), (b"abcdefgh", [4, 4]), (b"abcdefghi", [4, 4, 1])],
)
def test_what_is_submitted_arrives_as_it_was(store: MemoryStore, tmp_path: Path, data: bytes, sizes: list[int]) -> None:
    file = put(tmp_path, "text.txt", data)
    (sent,) = send(store, file, chunk_size=4)
    (job,) = receive(store)
    assert [chunk.size for chunk in job.chunks] == sizes
    assert job.job_id == sent.job_id
    assert (sent.base, sent.size, sent.chunks, sent.file) == ("text.txt", len(data), len(sizes), file)
    assert sent.original_hash == job.files[0].original_hash == hashlib.sha256(data).hexdigest()
    inbox = Inbox(store, clock=FakeClock(), arrival_timeout=1)
    pieces = []
    for chunk in job.chunks:
        assert inbox.fetch(chunk, tmp_path / "piece") == chunk.original_hash
        pieces.append((tmp_path / "piece").read_bytes())
    assert b"".join(pieces) == data


def test_the_manifest_is_written_last_under_its_final_name(store: MemoryStore, tmp_path: Path) -> None:
    (sent,) = send(store, put(tmp_path, "a", b"data"))
    writes = [(name, path) for name, path in store.operations if name in ("write", "put") and "inbox" in path]
    assert writes == [("put", sent.data_path), ("write", sent.manifest_path)]


def test_no_manifest_is_written_where_the_data_could_not_be(store: MemoryStore, tmp_path: Path) -> None:
    store.fail(StoreUnavailable("EIO"), "put")
    with pytest.raises(StoreUnavailable):
        send(store, put(tmp_path, "a", b"data"))
    assert not [path for path in store.files if path.startswith("inbox/")]


def test_what_is_asked_for_is_in_the_job(store: MemoryStore, tmp_path: Path) -> None:
    send(
        store, put(tmp_path, "a", b"x"), level="best", method="m_v1", priority=7, grammar_id="text_generic", base="d/é"
    )
    (job,) = receive(store)
    assert (job.level, job.method, job.priority) == ("best", "m_v1", 7)
    assert (job.chunks[0].base, job.chunks[0].grammar_id) == ("d/é", "text_generic")
    assert job.created_at == "2024-05-06T07:08:09.000Z"


def test_each_file_is_a_job(store: MemoryStore, tmp_path: Path) -> None:
    sent = send(store, put(tmp_path, "a", b"x"), put(tmp_path, "b", b"x"))
    assert {job.job_id for job in receive(store)} == {one.job_id for one in sent}
    assert len({one.data_path for one in sent}) == 2


def test_submitting_again_writes_the_same_files(store: MemoryStore, tmp_path: Path) -> None:
    file = put(tmp_path, "a", b"x")
    assert send(store, file) == send(store, file)
    assert len(receive(store)) == 1


@pytest.mark.parametrize("second", ["y/a", "y/A"])
def test_two_files_of_one_base_are_refused_before_anything_is_written(
    store: MemoryStore, tmp_path: Path, second: str
) -> None:
    with pytest.raises(NameCollision):
        send(store, put(tmp_path, "x/a", b"1"), put(tmp_path, second, b"2"))
    with pytest.raises(NameCollision):
        send(store, put(tmp_path, "x/b", b"1"), put(tmp_path, "x/c", b"2"), base="one")
    assert not [path for path in store.files if path.startswith("inbox/")]


@pytest.mark.parametrize("absent", ["gone", "."])
def test_what_is_no_file_is_refused_before_anything_is_written(store: MemoryStore, tmp_path: Path, absent: str) -> None:
    with pytest.raises(NotFound, match="expected a file"):
        send(store, put(tmp_path, "a", b"1"), tmp_path / absent, base=None)
    assert not [path for path in store.files if path.startswith("inbox/")]


@pytest.mark.parametrize("base", ["../x", "/x", "C:x", "a//b", ""])
def test_an_unsafe_base_is_refused(store: MemoryStore, tmp_path: Path, base: str) -> None:
    with pytest.raises(UnsafeName):
        send(store, put(tmp_path, "a", b"1"), base=base)


def test_a_file_that_changes_meanwhile_is_refused(store: MemoryStore, tmp_path: Path) -> None:
    file = put(tmp_path, "a", b"12345678")
    pieces: list[int] = []

    def grow(size: int) -> None:
        pieces.append(size)
        assert len(pieces) <= 2, "what was not there at the start is not read"
        file.write_bytes(b"1234567890")

    with pytest.raises(ManifestInvalid, match="changed while"):
        send(store, file, progress=grow, chunk_size=4)
    assert not [path for path in store.files if path.startswith("inbox/")]


def test_a_file_that_becomes_shorter_meanwhile_is_refused(store: MemoryStore, tmp_path: Path) -> None:
    file = put(tmp_path, "a", b"x" * 600_000)
    with pytest.raises(ManifestInvalid, match="changed while"):
        send(store, file, progress=lambda _size: file.write_bytes(b"") and None)
    assert not [path for path in store.files if path.startswith("inbox/")]


def test_too_many_chunks_are_refused(store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("panini_daemon.storage.submission.MAX_CHUNKS", 2)
    file = put(tmp_path, "a", b"123")
    with pytest.raises(ManifestInvalid, match="larger chunk size"):
        send(store, file, chunk_size=1)
    with pytest.raises(ValueError, match="above 0"):
        send(store, file, chunk_size=0)


def test_progress_counts_every_byte(store: MemoryStore, tmp_path: Path) -> None:
    seen: list[int] = []
    send(store, put(tmp_path, "a", b"x" * 600_000), progress=seen.append, chunk_size=500_000)
    assert sum(seen) == 600_000
    assert max(seen) <= 256 * 1024


def test_the_manifest_validates_against_what_is_published(store: MemoryStore, tmp_path: Path) -> None:
    (sent,) = send(store, put(tmp_path, "a", b"x"))
    written = json.loads(store.files[sent.manifest_path])
    schema = json.loads((Path(__file__).parents[2] / "docs/schemas/job-1.schema.json").read_text())
    assert set(written) <= set(schema["properties"])
    assert set(schema["required"]) <= set(written)


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("photo.png", "photo.png"),
        ("a:b?.txt", "a_b_.txt"),
        ("dots...", "dots"),
        ("chunk_0001", "file-chunk_0001"),
        ("...", "file"),
    ],
)
def test_a_base_is_made_from_a_name(name: str, base: str) -> None:
    assert make_base(name) == base


@settings(max_examples=80, deadline=None)
@given(name=st.text(st.characters(), max_size=40))
def test_any_name_makes_a_safe_base(name: str) -> None:
    base = make_base(name)
    assert safe_base(base) == base
    assert "/" not in base
