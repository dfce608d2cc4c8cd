import json
from typing import Any

import pytest
from fakes.deliveries import job, metadata
from fakes.parsed_forms import CHUNK, TREE, finish, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.storage import json_input
from panini_daemon.storage.chunk_tree import apply_metadata
from panini_daemon.storage.errors import ManifestInvalid, ManifestUnreadable, StorageError
from panini_daemon.storage.forms import parse_manifest
from panini_daemon.storage.names import safe_name


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
