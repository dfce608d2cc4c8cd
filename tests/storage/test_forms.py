import json
import re
from pathlib import Path
from typing import Any

import pytest
from fakes.deliveries import CHUNKS, chunk_info, dispatch, job, job_file, metadata, sha, tree_manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.storage import json_input
from panini_daemon.storage.chunk_tree import apply_metadata, parse_bare_tree
from panini_daemon.storage.completion import complete
from panini_daemon.storage.errors import ManifestInvalid, ManifestUnreadable, StorageError, UnsafeName
from panini_daemon.storage.forms import parse_manifest
from panini_daemon.storage.job_manifest import job_schema
from panini_daemon.storage.jobs import Job
from panini_daemon.storage.names import safe_name
from panini_daemon.storage.plans import Plan, Wanted

TREE = "inbox/pending_compression/a/photo.png/manifest.json"
SCHEMA = Path(__file__).parents[2] / "docs/schemas/job-1.schema.json"


def parse(value: object, path: str = "inbox/j.json") -> Plan:
    return parse_manifest(json.dumps(value).encode(), path)


def finish(plan: Plan) -> Job:
    """The job, as if all data were there."""
    return complete(plan, [c if c.data_path else _found(c) for c in plan.chunks], "inbox")


def _found(chunk: Wanted) -> Wanted:
    from dataclasses import replace

    return replace(chunk, data_path=f"{chunk.folders[0]}/data.bin", data_size=chunk.size)


# The first form.


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("inbox/photo.png/manifest.json", "photo.png"),
        ("inbox/pending_compression/photo.png/manifest.json", "photo.png"),
        (TREE, "a/photo.png"),
    ],
)
def test_a_trees_base_is_told_by_its_place(path: str, base: str) -> None:
    plan = parse(tree_manifest(base_name="another"), path)
    assert {chunk.base for chunk in plan.chunks} == {base}
    assert plan.files[0].manifest is not None
    assert plan.files[0].manifest["base_name"] == "another"
    assert plan.chunks[1].folders == (path.replace("manifest.json", "chunk_0001"),)


def test_a_trees_chunks_are_what_the_manifest_says() -> None:
    chunk = parse(tree_manifest(), TREE).chunks[1]
    assert (chunk.chunk_id, chunk.offset, chunk.size) == (1, 8, len(CHUNKS[1]))
    assert chunk.original_hash == sha(CHUNKS[1])
    assert (chunk.pattern_type, chunk.grammar_id) == ("generic", "png_v1")


def test_the_other_documented_spelling_says_the_same() -> None:
    first = tree_manifest()
    second = {
        "source_file": "photo.png",
        "format": "png",
        "media_type": "image/png",
        "total_size": 39,
        "original_hash": "sha256:" + sha(b"".join(CHUNKS)).upper(),
        "chunks": [
            {"id": c["chunk_id"], "offset": c["offset"], "size": c["size"], "original_hash": c["hash"]}
            for c in first["chunks"]
        ],
    }
    plan, other = parse(first, TREE), parse(second, TREE)
    assert [(c.chunk_id, c.offset, c.size, c.original_hash) for c in other.chunks] == [
        (c.chunk_id, c.offset, c.size, c.original_hash) for c in plan.chunks
    ]
    file = finish(other).files[0]
    assert (file.size, file.original_hash, file.total_chunks) == (39, sha(b"".join(CHUNKS)), 3)
    assert file.manifest is not None
    assert {**file.manifest, "chunks": 0} == {
        "base_name": "photo.png",
        "total_chunks": 3,
        "created_at": None,
        "grammar_id": None,
        "total_size": 39,
        "original_hash": sha(b"".join(CHUNKS)),
        "source_file": "photo.png",
        "format": "png",
        "media_type": "image/png",
        "chunks": 0,
    }


def test_the_published_manifest_keeps_what_it_does_not_know() -> None:
    manifest = tree_manifest(colour="blue")
    manifest["chunks"][1] |= {"note": {"x": [1]}, "dependencies": [0]}
    published = finish(parse(manifest, TREE)).files[0].manifest
    assert published is not None
    assert published["colour"] == "blue"
    assert published["chunks"][1] == {**manifest["chunks"][1]}  # type: ignore[index]


def test_numbers_in_quotes_are_numbers_in_foreign_forms() -> None:
    manifest = tree_manifest(total_chunks="3")
    manifest["chunks"][1]["size"] = "31"
    assert parse(manifest, TREE).chunks[1].size == 31


def test_without_a_list_total_chunks_says_how_many_folders_there_are() -> None:
    plan = parse({"total_chunks": 2, "grammar_id": "png_v1"}, TREE)
    assert [chunk.chunk_id for chunk in plan.chunks] == [0, 1]
    assert plan.chunks[0].size is None


def test_hints_of_any_kind_are_no_error() -> None:
    manifest = tree_manifest(grammar_id=["x"], created_at=7, base_name={})
    manifest["chunks"][0] |= {"pattern": 12, "dependencies": {"a": 1}}
    manifest["chunks"][1] |= {"pattern": "x" * 500, "dependencies": [0, "chunk_0002", -1, None, "7"]}
    plan = parse(manifest, TREE)
    assert plan.chunks[0].pattern_type is None
    assert plan.chunks[1].depends_on == (0, 2, 7)
    assert plan.chunks[1].pattern_type == "x" * 200


def wrong(**change: Any) -> dict[str, Any]:
    manifest = tree_manifest()
    manifest["chunks"][1] |= change
    return manifest


@pytest.mark.parametrize(
    ("manifest", "named"),
    [
        (wrong(chunk_id=-1), "chunk_id"),
        (wrong(chunk_id=True), "chunk_id"),
        (wrong(chunk_id=1.5), "chunk_id"),
        (wrong(chunk_id=0), "chunk_0000 twice"),
        (wrong(offset=-1), "offset"),
        (wrong(size=-1), "size"),
        (wrong(size=2**64), "size"),
        (wrong(size="many"), "size"),
        (wrong(hash="abc"), "hash"),
        (wrong(hash="g" * 64), "hash"),
        (wrong(hash="a" * 64 + "\n"), "hash"),
        (wrong(hash=5), "hash"),
        ({**tree_manifest(), "chunks": 5}, "chunks"),
        ({**tree_manifest(), "chunks": [5]}, "chunks.0"),
        (tree_manifest(total_chunks=2), "total_chunks 2"),
        (tree_manifest(total_chunks=10**7), "total_chunks"),
        (tree_manifest(total_size=-1), "total_size"),
    ],
)
def test_a_wrong_field_of_a_tree_is_named(manifest: object, named: str) -> None:
    with pytest.raises(ManifestInvalid, match=re.escape(named)):
        parse(manifest, TREE)


@pytest.mark.parametrize("spelling", ["", None, "sha256:" + "A" * 64, "A" * 64])
def test_a_hash_may_be_absent_prefixed_or_upper_case(spelling: str | None) -> None:
    chunk = parse(wrong(hash=spelling), TREE).chunks[1]
    assert chunk.original_hash == ("a" * 64 if spelling else None)


@pytest.mark.parametrize("path", ["inbox/manifest.json", "inbox/pending_compression/manifest.json"])
def test_a_tree_needs_a_folder_of_its_own(path: str) -> None:
    with pytest.raises(ManifestInvalid, match="folder of their own"):
        parse(tree_manifest(), path)


def test_a_trees_folder_with_an_unsafe_name_is_refused() -> None:
    with pytest.raises(UnsafeName):
        parse(tree_manifest(), "inbox/C:x/manifest.json")


# Metadata.

CHUNK = Wanted("b", 1, folders=("inbox/b/chunk_0001",))


def test_metadata_describes_a_chunk_that_the_manifest_only_names() -> None:
    told = apply_metadata(CHUNK, json.dumps(metadata(1)).encode(), "m")
    assert (told.offset, told.size, told.original_hash) == (8, 31, sha(CHUNKS[1]))
    assert (told.pattern_type, told.grammar_id, told.depends_on) == ("PNG_IDAT", "png_v1", (0,))


def test_pattern_stands_for_pattern_type() -> None:
    assert apply_metadata(CHUNK, b'{"pattern": "JPEG_DQT"}', "m").pattern_type == "JPEG_DQT"


@pytest.mark.parametrize("status", ["completed", "failed", "queued", 5, None])
def test_the_status_of_a_chunk_decides_nothing(status: object) -> None:
    told = apply_metadata(CHUNK, json.dumps(metadata(1, status=status)).encode(), "m")
    assert told.original_hash == sha(CHUNKS[1])


@pytest.mark.parametrize(("field", "value"), [("original_hash", "0" * 64), ("size", 30), ("offset", 9)])
def test_manifest_and_metadata_must_agree_on_bytes(field: str, value: object) -> None:
    chunk = parse(tree_manifest(), TREE).chunks[1]
    with pytest.raises(ManifestInvalid, match=field):
        apply_metadata(chunk, json.dumps(metadata(1, **{field: value})).encode(), "m")


def test_metadata_in_the_wrong_folder_is_refused() -> None:
    with pytest.raises(ManifestInvalid, match="chunk_id 2"):
        apply_metadata(CHUNK, json.dumps(metadata(2)).encode(), "m")


def test_half_of_a_metadata_file_is_unreadable_not_invalid() -> None:
    with pytest.raises(ManifestUnreadable):
        apply_metadata(CHUNK, json.dumps(metadata(1)).encode()[:40], "m")


def test_large_metadata_is_refused() -> None:
    with pytest.raises(ManifestInvalid, match="at most"):
        apply_metadata(CHUNK, b" " * (json_input.MAX_METADATA_BYTES + 1), "m")


def test_a_tree_without_manifest_gets_an_id_that_depends_on_what_was_told() -> None:
    names = ["chunk_0001", "chunk_0000", "chunk_00001", "notes"]
    plan = parse_bare_tree("inbox/b", "inbox", names)
    assert [chunk.chunk_id for chunk in plan.chunks] == [0, 1]
    told = [apply_metadata(c, json.dumps(metadata(c.chunk_id)).encode(), "m") for c in plan.chunks]
    finished = complete(plan, map(_found, told), "inbox")
    again = complete(plan, map(_found, reversed(told)), "inbox")
    assert finished == again
    assert finished.files[0].manifest is None
    assert complete(plan, map(_found, told[:1]), "inbox").job_id != finished.job_id


# The second form.


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


# The third form.


def test_a_job_is_read_whole() -> None:
    manifest = job(priority=3, level="best", method="x_v1", source={"repo": "r"}, created_at="2024-01-01T00:00:00Z")
    done = finish(parse(manifest))
    assert (done.priority, done.level, done.method, done.source) == (3, "best", "x_v1", {"repo": "r"})
    first, second, third = done.chunks
    assert (second.data_path, second.data_offset, second.offset, second.size) == ("inbox/d1/data.bin", 8, 8, 31)
    assert third.size == 0
    assert first.total_chunks == 3
    assert second.grammar_id == "png_v1"
    assert done.leftovers == ("inbox/d1/data.bin", "inbox/d1")
    manifest_ = done.files[0].manifest
    assert manifest_ is not None
    assert manifest_["chunks"][1] == {  # type: ignore[index]
        "chunk_id": 1, "offset": 8, "size": 31, "hash": sha(CHUNKS[1]), "pattern": None,
    }  # fmt: skip
    assert (manifest_["total_size"], manifest_["total_chunks"]) == (39, 3)


def test_one_job_may_hold_many_files() -> None:
    plan = parse(job(job_file(), job_file(base="x/y", path="d2/data.bin")))
    assert [file.base for file in plan.files] == ["photo.png", "x/y"]
    assert len(plan.chunks) == 6


def with_chunk(**change: Any) -> dict[str, Any]:
    file = job_file()
    file["chunks"][1] |= change
    return job(file)


@pytest.mark.parametrize(
    ("manifest", "named"),
    [
        (job(version=2), "version 2"),
        (job(version="1"), "version '1'"),
        (job(files=[]), "files"),
        (job(job_file(), job_file()), "base twice"),
        (job(job_file(total_chunks=2)), "total_chunks 2"),
        (job(level=5), "level"),
        (with_chunk(chunk_id="1"), "chunk_id"),
        (with_chunk(chunk_id=0), "chunk_0000 twice"),
        (with_chunk(path_offset=-1), "path_offset"),
        (with_chunk(path=""), "path"),
        (with_chunk(path="j2.json"), "taken for a manifest"),
        (with_chunk(path="d/manifest.json"), "taken for a manifest"),
        (with_chunk(hash="12"), "hash"),
        (with_chunk(size=None), "size"),
        (with_chunk(depends_on=[-1]), "depends_on"),
    ],
)
def test_a_wrong_field_of_a_job_is_named(manifest: object, named: str) -> None:
    with pytest.raises(ManifestInvalid, match=re.escape(named)):
        parse(manifest)


@pytest.mark.parametrize("bad", ["../x", "/etc/passwd", "d/../../x", "C:\\x", "d\\x"])
def test_job_paths_and_bases_that_leave_the_tree_are_refused(bad: str) -> None:
    with pytest.raises(UnsafeName):
        parse(with_chunk(path=bad))
    with pytest.raises(UnsafeName):
        parse(job(job_file(base=bad)))


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text()) == job_schema(), "write docs/schemas/job-1.schema.json anew"


# All of them.


def test_a_file_of_no_form_is_refused() -> None:
    with pytest.raises(ManifestInvalid, match="none of the three forms"):
        parse({"name": "package"})


def test_the_id_depends_on_path_and_content_and_is_a_safe_name() -> None:
    data = json.dumps(job(job_id="été/../x")).encode()
    one = parse_manifest(data, "inbox/j.json")
    assert one.job_id == parse_manifest(data, "inbox/j.json").job_id
    assert safe_name(one.job_id)
    assert one.job_id != parse_manifest(data + b" ", "inbox/j.json").job_id
    assert one.job_id != parse_manifest(data, "inbox/k.json").job_id


@pytest.mark.parametrize("copy", ["inbox/j (1).json", "inbox/j(12).json"])
def test_a_shared_folders_copy_of_a_manifest_is_the_same_job(copy: str) -> None:
    data = json.dumps(job()).encode()
    assert parse_manifest(data, "inbox/j.json").job_id == parse_manifest(data, copy).job_id


@pytest.mark.parametrize("data", [b"", b"  \n", b"{", b'{"format": "panini-job", "ver', b"\xff\xfe\x00", b"\x00" * 30])
def test_what_may_be_cut_short_is_unreadable(data: bytes) -> None:
    with pytest.raises(ManifestUnreadable):
        parse_manifest(data, "inbox/j.json")


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"format": "panini-job", "version": ' + b"9" * 5000 + b"}",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b"[]",
        b"null",
        b'"text"',
    ],
    ids=range(9),
)
def test_bombs_and_oddities_are_invalid_and_never_a_crash(data: bytes) -> None:
    with pytest.raises(ManifestInvalid):
        parse_manifest(data, "inbox/j.json")


def test_a_manifest_over_the_limits_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_input, "MAX_CONTAINERS", 3)
    with pytest.raises(ManifestInvalid, match="JSON objects and arrays"):
        parse_manifest(b"[[[[", "inbox/j.json")
    with pytest.raises(ManifestInvalid, match="expected at most 9"):
        json_input.parse_object(b" " * 10, "m", 9)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_SOME = ["chunks", "files", "base", "chunk_id", "id", "offset", "size", "hash", "path", "chunk_path"]
_MORE = [
    "base_dir",
    "chunk_info",
    "priority",
    "total_chunks",
    "pattern",
    "dependencies",
    "created_at",
    "source",
    "version",
    "original_hash",
    "grammar_id",
]
KEYS = st.sampled_from([*_SOME, *_MORE])
FIELDS = st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON, max_size=3), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    fields=FIELDS,
    inner=st.lists(FIELDS, max_size=2),
    form=st.sampled_from(["job", "dispatch", "tree"]),
    path=st.sampled_from(["inbox/j.json", TREE]),
)
def test_junk_in_any_form_raises_storage_errors_only(
    fields: dict[str, Any], inner: list[dict[str, Any]], form: str, path: str
) -> None:
    key = {"job": "format", "dispatch": "action", "tree": "x"}[form]
    value = {"job": "panini-job", "dispatch": "compress_batch", "tree": 0}[form]
    extra = {"version": 1, "files": [{"base": "b", "chunks": inner}]} if form == "job" else {"chunks": inner}
    try:
        plan = parse({**fields, **extra, key: value}, path)
        finish(plan)
    except StorageError:
        return
    assert safe_name(plan.job_id)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_junk_bytes_raise_manifest_invalid_only(data: bytes) -> None:
    with pytest.raises(ManifestInvalid):
        parse_manifest(data, "inbox/j.json")
    with pytest.raises(ManifestInvalid):
        apply_metadata(CHUNK, b"[" + data, "m")


@settings(max_examples=40, deadline=None)
@given(change=FIELDS)
def test_junk_metadata_raises_manifest_invalid_only(change: dict[str, Any]) -> None:
    try:
        told = apply_metadata(CHUNK, json.dumps({**metadata(1), **change}).encode(), "m")
    except ManifestInvalid:
        return
    assert told.size is None or told.size >= 0
