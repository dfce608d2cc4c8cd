"""Roots in object stores: their URLs, the leases that other workers keep there, and paths."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fakes.clock import FakeClock

from fuzz.target import Target, raw
from panini_daemon.config import ObjectUrl
from panini_daemon.config.object_url import parse_object_url
from panini_daemon.errors import UsageError
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.object_connection import connect
from panini_daemon.storage.object_lease_record import LeaseRecord, parse_record
from panini_daemon.storage.object_leases import ObjectLeases
from panini_daemon.storage.object_store import ObjectStore
from panini_daemon.storage.object_versions import Versions
from panini_daemon.stores import parse_root

_GROUP = "objects"
_TIMING = LeaseTiming(settle=0.0, refresh=12.0, stale=90.0, stop=60.0)
_RECORD = LeaseRecord("w2", "job-1", 1, "abc1", 1)
_URLS = (b"s3://archive/PaniniFS/", b"az://account/container/a", b"gs://b", b"file:///a%20b", b"memory:///x", b"a/b")
_PATHS = ("inbox/a", "inbox/d/b", "a/b/c", "compressed_chunks/a/chunk_0000/recipe.json", "x/../y", "a//b")


def object_targets() -> Iterator[Target]:
    """Yield the targets."""
    yield Target("objects.url", _GROUP, lambda: list(_URLS), lambda: _parse_url, (ObjectUrl, Path), (UsageError,), raw)
    yield Target("objects.record", _GROUP, _records, lambda: _read_record, (LeaseRecord, type(None)), ())
    yield Target("objects.leases", _GROUP, _records, lambda: _lease, (str,), (), share=0.3)
    yield Target("objects.paths", _GROUP, _steps, lambda: _walk, (int,), (), share=0.3)


def _records() -> list[bytes]:
    mine = LeaseRecord("w1", "job-1", 3, "p0", 7)
    return [record.encode("2024-05-06T07:08:09.000Z") for record in (_RECORD, mine)]


def _parse_url(case: bytes) -> object:
    """Read a root as the command line does, and what was accepted once more."""
    root = parse_root(case.decode("utf-8", "surrogateescape"))
    if isinstance(root, ObjectUrl):
        assert parse_object_url(root.url) == root
        assert not {"", ".", ".."} & set(root.url.partition("://")[2].split("/")[:-1])
    return root


def _read_record(case: bytes) -> object:
    record = parse_record(case, "job-1")
    assert record is None or parse_record(record.encode("now"), "job-1") == record
    return record


def _lease(case: bytes) -> object:
    """Wait for a job whose lease says what the case says, take it over when its holder is dead, and give it back."""
    client, clock = connect("memory:///", {}), FakeClock()
    client.put("leases/job-1.json", case)
    numbers = iter(range(100))
    versions = Versions(client, "memory")
    mine = ObjectLeases(versions, "w1", clock=clock, timing=_TIMING, nonce=lambda: f"{next(numbers):04d}")
    mine.recover()
    for _ in range(3):
        mine.request("job-1")
        mine.holder("job-1")
        clock.advance(_TIMING.stale)
        mine.tick()
        mine.refresh()
    mine.sweep(lambda _: True)
    state = mine.state("job-1").value
    mine.release_all()
    return state


def _steps() -> list[bytes]:
    return [json.dumps([["write", path], [verb, path]]).encode() for verb in _VERBS for path in _PATHS]


def _walk(case: bytes) -> object:
    """Do what the case says, over any paths."""
    try:
        steps = json.loads(case)
    except (ValueError, RecursionError):
        steps = [["write", case.decode("utf-8", "surrogateescape")]]
    store, count = ObjectStore(connect("memory:///", {}), "memory"), 0
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, list) and len(step) == 2 and isinstance(step[0], str) and isinstance(step[1], str):
            with contextlib.suppress(StorageError):
                _VERBS.get(step[0], ObjectStore.read)(store, step[1])
                count += 1
    return count


_VERBS: dict[str, Any] = {
    "list": ObjectStore.list,
    "stat": ObjectStore.stat,
    "read": ObjectStore.read,
    "write": lambda store, path: store.write(path, b"x"),
    "append": lambda store, path: store.append(path, b"x"),
    "move": lambda store, path: store.move(path, "inbox/moved"),
    "delete": ObjectStore.delete,
}
