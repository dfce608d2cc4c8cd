import json
import re
from typing import Any

import pytest
from fakes.deliveries import CHUNKS, metadata, sha, tree_manifest
from fakes.parsed_forms import CHUNK, TREE, _found, finish, parse

from panini_daemon.storage import json_input
from panini_daemon.storage.chunk_tree import apply_metadata, parse_bare_tree
from panini_daemon.storage.completion import complete
from panini_daemon.storage.errors import ManifestInvalid, ManifestUnreadable, UnsafeName


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
