import json
from collections.abc import Mapping
from typing import Any

import pytest
from fakes.memory_store import MemoryStore

from panini_daemon.receipts import publish_manifests
from panini_daemon.storage.jobs import Job, SourceFile

PATH = "compressed_chunks/a.txt/manifest.json"


def entry(number: int, **others: object) -> dict[str, object]:
    return {"chunk_id": number, "offset": 10 * number, "size": 10, "hash": None, **others}


def manifest(*numbers: int, **others: object) -> dict[str, object]:
    told = {"base_name": "a.txt", "total_chunks": 3, "total_size": 30, "original_hash": None}
    return {**told, "chunks": [entry(number) for number in numbers], **others}


def publish(store: MemoryStore, told: Mapping[str, object], *, replace: bool = True) -> Any:
    job = Job("j", "inbox/j.json", b"{}", (SourceFile("a.txt", manifest=told),), ())
    publish_manifests(store, job, replace=replace)
    return json.loads(store.read(PATH))


def test_a_job_with_some_chunks_of_a_file_leaves_the_others_listed() -> None:
    store = MemoryStore()
    publish(store, manifest(0, 2))
    assert publish(store, manifest(1)) == manifest(0, 1, 2)


def test_what_a_job_says_of_its_own_chunks_counts() -> None:
    store = MemoryStore()
    publish(store, manifest(chunks=[entry(0, size=9), entry(1)]))
    assert publish(store, manifest(0, 2)) == manifest(0, 1, 2)


def test_a_job_with_all_chunks_replaces_what_is_there() -> None:
    store = MemoryStore()
    publish(store, manifest(0, 1, total_chunks=9))
    assert publish(store, manifest(0, 1, 2)) == manifest(0, 1, 2)


@pytest.mark.parametrize(
    "older",
    [
        b"",
        b"{",
        b"[]",
        json.dumps(manifest(0, total_size=31)).encode(),
        json.dumps(manifest(0, total_chunks=4)).encode(),
        json.dumps(manifest(0, 3, 4)).encode(),
    ],
)
def test_junk_or_another_files_manifest_adds_nothing(older: bytes) -> None:
    store = MemoryStore()
    store.write(PATH, older)
    assert publish(store, manifest(1)) == manifest(1)


def test_a_failed_job_leaves_a_manifest_as_it_is() -> None:
    store = MemoryStore()
    publish(store, manifest(0))
    assert publish(store, manifest(1), replace=False) == manifest(0)
