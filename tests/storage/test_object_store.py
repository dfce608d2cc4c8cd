"""What is special about a tree of objects: requests are counted, copies checked, ranges read."""

from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.object_client import ObjectClient
from fakes.s3_server import BUCKET, S3Server
from obstore import exceptions

from panini_daemon.storage.errors import NotFound, RootLost, StoreUnavailable, UnsafeName
from panini_daemon.storage.object_connection import connect
from panini_daemon.storage.object_file import FIRST, LARGEST
from panini_daemon.storage.object_store import ObjectStore
from panini_daemon.storage.root import FOLDERS, MARKER, open_root
from panini_daemon.storage.store import Entry

ODD_NAMES = ["a b", "a#b", "a%20b", "a?b", "a[b]{c}", "ä", "a\u0301", "~a^b|c", '"q"', "a+b&c=d", "x.", "trail "]


@pytest.fixture
def client() -> ObjectClient:
    return ObjectClient()


@pytest.fixture
def store(client: ObjectClient) -> ObjectStore:
    return ObjectStore(client, "memory:")


@pytest.fixture
def server_store(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return ObjectStore(connect(f"s3://{BUCKET}/{tmp_path.name}", s3.environment), "s3")


def check_odd_names(store: ObjectStore) -> None:
    for name in ODD_NAMES:
        store.write(f"x/{name}/{name}.png", name.encode())
    assert sorted(entry.name for entry in store.list("x")) == sorted(ODD_NAMES)
    for name in ODD_NAMES:
        store.move(f"x/{name}", f"y/{name}")
        assert store.read(f"y/{name}/{name}.png") == name.encode()
    store.delete("y")
    with pytest.raises(NotFound):
        store.list("y")


def test_names_of_any_characters_are_kept(store: ObjectStore) -> None:
    check_odd_names(store)


@pytest.mark.slow
def test_names_of_any_characters_are_kept_on_a_server(server_store: ObjectStore) -> None:
    check_odd_names(server_store)


def test_a_new_tree_has_all_its_folders_and_a_marker(store: ObjectStore) -> None:
    with pytest.raises(RootLost):
        store.check_root()
    root = open_root(store, create=True, clock=FakeClock())
    assert open_root(store, create=False, clock=FakeClock()) == root
    assert [store.list(folder) for folder in FOLDERS] == [[] for _ in FOLDERS]
    assert {store.stat(folder).kind for folder in FOLDERS} == {"folder"}
    assert store.list("") == [Entry(MARKER, "file")]


def test_the_trees_own_folders_are_no_place_for_a_file(store: ObjectStore) -> None:
    with pytest.raises(UnsafeName):
        store.write("inbox", b"")


def test_an_empty_object_that_a_console_made_for_a_folder_is_no_entry(store: ObjectStore, client: ObjectClient) -> None:
    client.inner.put("inbox/new", b"")
    client.inner.put("inbox/new/a.json", b"{}")
    assert store.list("inbox/new") == [Entry("a.json", "file")]


def test_the_requests_of_each_operation_are_few(store: ObjectStore, client: ObjectClient, tmp_path: Path) -> None:
    chunk, payload = "compressed_chunks/a/chunk_0000", tmp_path / "payload"
    payload.write_bytes(b"p" * 1000)
    client.count()
    store.put(f"{chunk}/compressed.bin", payload)
    store.write(f"{chunk}/recipe.json", b"{}")
    store.write("done/job.json", b"{}")
    assert client.count() == {"put": 3}
    store.read(f"{chunk}/recipe.json")
    assert client.count() == {"get": 1}
    with store.open(f"{chunk}/compressed.bin") as file:
        assert file.read() == b"p" * 1000
    assert client.count() == {"head": 1, "get": 1}
    with pytest.raises(NotFound):
        store.stat(f"{chunk}/manifest.json")
    assert client.count() == {"head": 1}
    store.delete("done/job.json")
    assert client.count() == {"delete": 1}
    store.list("inbox")
    store.stat(f"{chunk}/recipe.json")
    assert client.count() == {"list": 1, "head": 1}
    store.write("inbox/job.json", b"{}")
    store.delete("inbox/job.json")
    assert client.count() == {"list": 1, "put": 1, "head": 1, "delete": 1}


def test_appending_reads_what_was_there_once_and_never_writes_a_line_twice(
    store: ObjectStore, client: ObjectClient
) -> None:
    store.write("logs/w.jsonl", b"0\n")
    client.count()
    store.append("logs/w.jsonl", b"1\n")
    store.append("logs/w.jsonl", b"2\n")
    assert client.count() == {"get": 1, "put": 2}
    client.outage, client.lands = exceptions.GenericError("lost"), True
    with pytest.raises(StoreUnavailable):
        store.append("logs/w.jsonl", b"3\n")
    client.outage = None
    store.append("logs/w.jsonl", b"3\n")
    assert store.read("logs/w.jsonl") == b"0\n1\n2\n3\n"


def test_a_log_that_was_moved_away_begins_anew(store: ObjectStore) -> None:
    store.append("logs/w.jsonl", b"1\n")
    store.move("logs/w.jsonl", "logs/w.jsonl.1")
    store.append("logs/w.jsonl", b"2\n")
    store.delete("logs/w.jsonl.1")
    store.append("logs/w.jsonl.1", b"3\n")
    assert (store.read("logs/w.jsonl"), store.read("logs/w.jsonl.1")) == (b"2\n", b"3\n")
    store.move("logs/w.jsonl", "logs/w.jsonl.1")
    store.append("logs/w.jsonl.1", b"4\n")
    assert store.read("logs/w.jsonl.1") == b"2\n4\n"


def test_moving_deletes_nothing_before_all_is_copied(store: ObjectStore, client: ObjectClient) -> None:
    for name in "abc":
        store.write(f"inbox/job/{name}", name.encode())
    client.fail(exceptions.GenericError("away"), "copy", "inbox/job/b")
    with pytest.raises(StoreUnavailable):
        store.move("inbox/job", "failed/job")
    assert {store.read(f"inbox/job/{name}") for name in "abc"} == {b"a", b"b", b"c"}
    store.move("inbox/job", "failed/job")
    assert {store.read(f"failed/job/{name}") for name in "abc"} == {b"a", b"b", b"c"}
    with pytest.raises(NotFound):
        store.list("inbox/job")


class Shortening(ObjectClient):
    """Makes copies that lack the end."""

    def copy(self, from_: str, to: str, *, overwrite: bool = True) -> None:
        self.inner.put(to, bytes(self.inner.get(from_).bytes())[:-1])


def test_a_copy_that_is_not_whole_is_no_reason_to_delete() -> None:
    store = ObjectStore(Shortening(), "x")
    store.write("inbox/a", b"12345")
    with pytest.raises(StoreUnavailable, match="4 bytes, expected 5"):
        store.move("inbox/a", "failed/a")
    assert store.read("inbox/a") == b"12345"


def test_what_a_server_does_not_copy_by_itself_is_sent_through(client: ObjectClient) -> None:
    store = ObjectStore(client, "x", copy_limit=10)
    store.write("inbox/large", b"0123456789ab")
    store.move("inbox/large", "failed/large")
    assert client.count().get("copy") is None
    assert store.read("failed/large") == b"0123456789ab"


@pytest.mark.parametrize("absent_is_error", [True, False])
def test_deleting_a_folder_of_many_objects_leaves_none(tmp_path: Path, absent_is_error: bool) -> None:
    url = (tmp_path / "root").as_uri() if absent_is_error else "memory:///"
    store = ObjectStore(connect(url, {}), "x")
    for number in range(50):
        store.write(f"inbox/job/{number % 5}/{number}.bin", b"")
    store.delete("inbox/job")
    store.delete("inbox/job")
    assert store.list("inbox") == []


def test_a_large_object_is_read_in_ranges_that_grow_and_begin_anew_after_a_leap(
    store: ObjectStore, client: ObjectClient
) -> None:
    data = bytes(range(256)) * (40 * FIRST // 256)
    client.inner.put("inbox/large", data)
    with store.open("inbox/large") as file:
        assert file.read() == data
    assert client.count() == {"head": 1, "get": 8}, "1 + 2 + 4 + 8 + 8 + 8 + 8 + 1 MiB"
    assert store.read("inbox/large") == data
    client.count()
    with store.open("inbox/large") as file:
        for offset in (30 * FIRST, 0, 39 * FIRST):
            file.seek(offset)
            assert file.read(FIRST) == data[offset : offset + FIRST]
        assert file.read(1) == b""
    assert client.count() == {"head": 1, "get": 3}
    assert LARGEST == 8 * FIRST


def test_an_object_that_is_overwritten_while_it_is_read_is_not_read_on(store: ObjectStore) -> None:
    store.write("inbox/a", bytes(3 * FIRST))
    with store.open("inbox/a") as file:
        assert file.read(10) == bytes(10)
        store.write("inbox/a", b"1" * (3 * FIRST))
        with pytest.raises(StoreUnavailable, match="changed meanwhile"):
            file.read()


@pytest.mark.slow
def test_a_large_file_goes_up_in_parts_and_comes_back_whole(server_store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(bytes(range(256)) * (20 * FIRST // 256 + 1))
    server_store.put("inbox/large.bin", source)
    assert server_store.stat("inbox/large.bin").size == source.stat().st_size
    assert server_store.read("inbox/large.bin") == source.read_bytes()
    with server_store.open("inbox/large.bin") as file:
        file.seek(-5, 2)
        assert file.read() == source.read_bytes()[-5:]
    server_store.write("inbox/empty", b"")
    with server_store.open("inbox/empty") as file:
        assert file.read() == b""
