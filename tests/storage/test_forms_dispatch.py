import pytest
from fakes.deliveries import chunk_info, dispatch
from fakes.parsed_forms import finish, parse

from panini_daemon.storage.errors import ManifestInvalid, UnsafeName


def test_a_dispatch_names_its_chunk_and_where_it_may_lie() -> None:
    plan = parse(dispatch(1))
    (chunk,) = plan.chunks
    assert (chunk.base, chunk.chunk_id, chunk.size) == ("photo.png", 1, 31)
    assert chunk.chunk_path == "pending_compression/photo.png/chunk_0001"
    assert chunk.folders == (
        "inbox/pending_compression/photo.png/chunk_0001",
        "inbox/photo.png/chunk_0001",
    )
    assert plan.priority == 10
    assert plan.source["workflow"] == {"run_id": 7, "run_number": 8}
    assert plan.source["repository"] == dispatch(1)["repository"]


def test_a_batch_may_hold_chunks_of_several_files() -> None:
    infos = [chunk_info(0), chunk_info(1), chunk_info(0, "x/other.wav")]
    plan = parse({"action": "compress_batch", "chunks": infos})
    assert [file.base for file in plan.files] == ["photo.png", "x/other.wav"]
    assert len(plan.chunks) == 3


@pytest.mark.parametrize("absent", ["base_dir", "chunk_path", "chunk_id"])
def test_what_a_dispatch_leaves_out_is_told_by_the_rest(absent: str) -> None:
    info = chunk_info(1)
    del info[absent]
    chunk = parse({"action": "compress_chunk", "chunk_info": info}).chunks[0]
    assert (chunk.base, chunk.chunk_id) == ("photo.png", 1)
    assert "inbox/photo.png/chunk_0001" in chunk.folders


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"chunk_path": "pending_compression/photo.png"},
        {"chunk_path": "pending_compression/chunk_0001"},
        {"chunk_path": "a/chunk_0001", "chunk_id": 2},
        {"base_dir": "a"},
        {"chunk_path": "a/chunk_0001", "size": -1},
        {"chunk_path": "a/chunk_0001", "hash": "x"},
        {"chunk_path": 5},
    ],
)
def test_a_dispatch_that_names_no_chunk_is_refused(info: object) -> None:
    with pytest.raises(ManifestInvalid):
        parse({"action": "compress_chunk", "chunk_info": info})


@pytest.mark.parametrize(
    "payload",
    [
        {"action": "compress_chunk"},
        {"action": "compress_batch", "chunks": []},
        {"action": "compress_batch", "chunks": [chunk_info(0), chunk_info(0)]},
    ],
)
def test_a_dispatch_of_nothing_or_of_one_chunk_twice_is_refused(payload: object) -> None:
    with pytest.raises(ManifestInvalid):
        parse(payload)


@pytest.mark.parametrize(
    ("priority", "number"),
    [(5, 5), ("high", 10), (" Low", -10), ("12", 12), ("x", 0), (None, 0), (True, 0), (1e9, 10**6), (2.7, 2)],
)
def test_priority_is_a_number_or_a_word(priority: object, number: int) -> None:
    assert parse(dispatch(1, priority=priority)).priority == number


@pytest.mark.parametrize(
    "bad",
    ["../x/chunk_0001", "/x/chunk_0001", "C:/x/chunk_0001", "a\\..\\b/chunk_0001", "a/\0/chunk_0001", "a//chunk_0001"],
)
def test_a_chunk_path_that_leaves_the_inbox_is_refused(bad: str) -> None:
    with pytest.raises(UnsafeName):
        parse({"action": "compress_chunk", "chunk_info": {"chunk_path": bad}})


def test_a_base_dir_that_leaves_the_tree_is_refused() -> None:
    with pytest.raises(UnsafeName):
        parse({"action": "compress_chunk", "chunk_info": {**chunk_info(1), "base_dir": "../etc"}})


def test_offsets_follow_from_the_chunks_before_or_are_asked_for() -> None:
    batch = {"action": "compress_batch", "chunks": [chunk_info(1), chunk_info(0), chunk_info(2)]}
    assert [chunk.offset for chunk in finish(parse(batch)).chunks] == [0, 8, 39]
    with pytest.raises(ManifestInvalid, match="nothing tells its offset"):
        finish(parse(dispatch(1)))
