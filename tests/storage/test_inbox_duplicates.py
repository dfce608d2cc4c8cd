"""What a shared folder does to an inbox: second files and folders of one name, entries that come and go."""

import shutil
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.deliveries import CHUNKS, job, mark_root, write_job, write_json, write_tree

from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.local import LocalStore

TREE = "inbox/photo.png"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path)
    mark_root(store)
    store.write("inbox/README.md", b"what goes here")
    store.check_root()
    return store


@pytest.fixture
def inbox(store: LocalStore) -> Inbox:
    return Inbox(store, clock=FakeClock(), arrival_timeout=100.0)


def left(store: LocalStore) -> list[str]:
    return sorted(str(path.relative_to(store.root)) for path in (store.root / "inbox").iterdir())


def test_two_files_of_one_name_and_content_are_one_job_and_leave_together(store: LocalStore, inbox: Inbox) -> None:
    write_job(store)
    shutil.copy(store.root / "inbox/j1.json", store.root / "inbox/j1 (1).json")
    (ready,) = inbox.poll().ready
    inbox.remove(ready)
    assert left(store) == ["inbox/README.md"]


def test_two_files_of_one_name_with_other_contents_are_two_jobs(store: LocalStore, inbox: Inbox) -> None:
    write_job(store)
    write_json(store, "inbox/j1 (1).json", job(priority=1))
    first, second = inbox.poll().ready
    inbox.remove(first)
    assert (store.root / "inbox/d1/data.bin").exists()
    assert inbox.has(second)
    inbox.remove(second)
    assert left(store) == ["inbox/README.md"]


@pytest.mark.parametrize("names", [("data.bin",), ("metadata.json",), ("data.bin", "metadata.json")])
def test_a_chunk_that_lies_in_two_folders_of_its_name_is_found(
    store: LocalStore, inbox: Inbox, tmp_path: Path, names: tuple[str, ...]
) -> None:
    write_tree(store, TREE)
    second = store.root / f"{TREE}/chunk_0001 (1)"
    second.mkdir()
    for name in names:
        (store.root / f"{TREE}/chunk_0001/{name}").rename(second / name)
    (ready,) = inbox.poll().ready
    told = {chunk.chunk_id: chunk for chunk in ready.chunks}
    inbox.fetch(told[1], tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == CHUNKS[1]
    assert told[1].pattern_type == "PNG_IDAT"
    inbox.remove(ready)
    assert not (store.root / f"{TREE}/chunk_0001").exists()
    if "data.bin" in names:
        assert left(store) == ["inbox/README.md"]


def test_data_that_came_whole_into_the_second_folder_counts_before_what_was_cut_short(
    store: LocalStore, inbox: Inbox, tmp_path: Path
) -> None:
    write_tree(store, TREE)
    shutil.copytree(store.root / f"{TREE}/chunk_0001", store.root / f"{TREE}/chunk_0001 (1)")
    store.write(f"{TREE}/chunk_0001/data.bin", b"")
    (ready,) = inbox.poll().ready
    (chunk,) = [chunk for chunk in ready.chunks if chunk.chunk_id == 1]
    inbox.fetch(chunk, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == CHUNKS[1]


def test_what_was_set_aside_from_two_folders_is_the_same_job_when_moved_back(store: LocalStore, inbox: Inbox) -> None:
    write_tree(store, TREE)
    (store.root / f"{TREE}/chunk_0001 (1)").mkdir()
    (store.root / f"{TREE}/chunk_0001/data.bin").rename(store.root / f"{TREE}/chunk_0001 (1)/data.bin")
    (ready,) = inbox.poll().ready
    inbox.set_aside(ready, ())
    assert left(store) == ["inbox/README.md"]
    shutil.copytree(store.root / f"failed/{ready.job_id}/data", store.root / "inbox", dirs_exist_ok=True)
    store.move(f"failed/{ready.job_id}/manifest.json", ready.manifest_path)
    (again,) = Inbox(store, clock=FakeClock(), arrival_timeout=100.0).poll().ready
    assert again.job_id == ready.job_id


def test_a_second_folder_of_a_files_name_takes_nothing_from_the_first(store: LocalStore, inbox: Inbox) -> None:
    write_tree(store, TREE)
    write_tree(store, "inbox/photo (1).png")
    first, second = inbox.poll().ready
    assert {first.files[0].base, second.files[0].base} == {"photo.png", "photo (1).png"}
    inbox.remove(first)
    assert inbox.has(second)


@pytest.mark.parametrize("gone", ["inbox/j1.json", "inbox/d1"])
def test_what_vanishes_from_a_listing_and_comes_back_is_a_job_again(
    store: LocalStore, inbox: Inbox, tmp_path: Path, gone: str
) -> None:
    write_job(store)
    (ready,) = inbox.poll().ready
    (tmp_path / gone).rename(tmp_path / "away")
    poll = inbox.poll()
    assert poll.gone == ((ready.job_id,) if gone.endswith(".json") else ())
    (tmp_path / "away").rename(tmp_path / gone)
    again = inbox.poll()
    assert [found.job_id for found in again.ready] == ([ready.job_id] if gone.endswith(".json") else [])
    assert again.gone == ()
    assert inbox.has(ready)


def test_a_tree_that_vanishes_and_comes_back_is_a_job_again(store: LocalStore, inbox: Inbox, tmp_path: Path) -> None:
    write_tree(store, TREE)
    (ready,) = inbox.poll().ready
    (tmp_path / TREE).rename(tmp_path / "away")
    assert inbox.poll().gone == (ready.job_id,)
    (tmp_path / "away").rename(tmp_path / TREE)
    (again,) = inbox.poll().ready
    assert again.job_id == ready.job_id
