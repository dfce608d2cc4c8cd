"""The inbox over a real folder: what a store in memory cannot show."""

import os
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.deliveries import CHUNKS, dispatch, job, job_file, sha, write_chunk, write_job, write_json, write_tree

from panini_daemon.storage.errors import RootLost, UnsafeName
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import open_root

TREE = "inbox/pending_compression/a/photo.png"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "root")
    open_root(store, create=True, clock=FakeClock())
    return store


@pytest.fixture
def inbox(store: LocalStore) -> Inbox:
    return Inbox(store, clock=FakeClock(), arrival_timeout=10)


def left(store: LocalStore, folder: str) -> list[str]:
    return sorted(str(path.relative_to(store.root)) for path in (store.root / folder).rglob("*") if path.is_file())


def test_all_three_forms_go_from_arrival_to_removal(store: LocalStore, inbox: Inbox, tmp_path: Path) -> None:
    write_tree(store, TREE)
    write_job(store)
    write_chunk(store, "inbox/photo.png", 1)
    write_json(store, "inbox/p.json", dispatch(1))
    ready = inbox.poll().ready
    assert len(ready) == 3
    for found in ready:
        for chunk in found.chunks:
            assert inbox.fetch(chunk, tmp_path / "x") == sha(CHUNKS[chunk.chunk_id])
        inbox.remove(found)
    assert left(store, "inbox") == []
    poll = inbox.poll()
    assert (poll.ready, poll.gone, poll.rejected, poll.arriving) == ((), (), (), 0)


def test_all_three_forms_can_be_set_aside(store: LocalStore, inbox: Inbox) -> None:
    write_tree(store, TREE)
    write_job(store)
    write_chunk(store, "inbox/photo.png", 1)
    write_json(store, "inbox/p.json", dispatch(1))
    for found in inbox.poll().ready:
        inbox.set_aside(found, [])
    assert left(store, "inbox") == []
    assert sum(path.endswith(("data.bin", "manifest.json")) for path in left(store, "failed")) == 3 + 1 + 1 + 1 + 2


@pytest.mark.parametrize("at", ["file", "folder"])
def test_a_symbolic_link_out_of_the_tree_is_refused_and_its_target_kept(
    store: LocalStore, inbox: Inbox, tmp_path: Path, at: str
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "data.bin").write_bytes(b"".join(CHUNKS))
    if at == "folder":
        (store.root / "inbox/d1").symlink_to(secret)
    else:
        (store.root / "inbox/d1").mkdir()
        (store.root / "inbox/d1/data.bin").symlink_to(secret / "data.bin")
    write_json(store, "inbox/j.json", job())
    (refused,) = inbox.poll().rejected
    assert isinstance(refused.error, UnsafeName)
    inbox.set_aside(refused, [])
    assert not (store.root / "inbox/j.json").exists()
    assert inbox.poll().arriving == 0
    assert (secret / "data.bin").read_bytes() == b"".join(CHUNKS)


def test_a_pipe_in_the_inbox_does_not_block_the_look(store: LocalStore, inbox: Inbox) -> None:
    os.mkfifo(store.root / "inbox/pipe.json")
    write_job(store)
    poll = inbox.poll()
    assert len(poll.ready) == 1
    assert [refused.manifest_path for refused in poll.rejected] == ["inbox/pipe.json"]


def test_an_unmounted_root_loses_no_job(store: LocalStore, inbox: Inbox, tmp_path: Path) -> None:
    write_job(store)
    (found,) = inbox.poll().ready
    store.root.rename(tmp_path / "elsewhere")
    store.root.mkdir()
    with pytest.raises(RootLost):
        inbox.poll()
    store.root.rmdir()
    (tmp_path / "elsewhere").rename(store.root)
    poll = inbox.poll()
    assert (poll.ready, poll.gone) == ((), ())
    inbox.remove(found)


def test_what_nobody_here_named_outlives_everything(store: LocalStore, inbox: Inbox) -> None:
    write_tree(store, TREE)
    write_job(store)
    for path in (f"{TREE}/chunk_0000/mine.txt", f"{TREE}/mine.txt", "inbox/d1/mine.txt", "inbox/mine.txt"):
        store.write(path, b"mine")
    first, second = inbox.poll().ready
    inbox.remove(first)
    inbox.set_aside(second, second.chunks)
    assert [path for path in left(store, "inbox") if not path.endswith("mine.txt")] == []
    assert len(left(store, "inbox")) == 4


def test_ten_thousand_chunks_of_one_job_need_one_stat(store: LocalStore, inbox: Inbox) -> None:
    chunks = [b"x"] * 10_000
    file = job_file(CHUNKS)
    file["chunks"] = [
        {"chunk_id": number, "offset": number, "size": 1, "path": "d1/data.bin", "path_offset": number}
        for number in range(len(chunks))
    ]
    file["total_chunks"] = len(chunks)
    store.write("inbox/d1/data.bin", b"".join(chunks))
    write_json(store, "inbox/j.json", job(file))
    (found,) = inbox.poll().ready
    assert len(found.chunks) == 10_000
    assert found.leftovers == ("inbox/d1/data.bin", "inbox/d1")
