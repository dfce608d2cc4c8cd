"""Files of the tree that others write as well, read through a real store; and what commands make of them."""

import contextlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fakes.deliveries import CHUNKS, metadata, sha, tree_manifest

from fuzz.manifest_targets import JOB_REPORT
from fuzz.scene import Scene, in_tree
from fuzz.target import Target, raw
from panini_daemon.commands.status import show_status
from panini_daemon.dashboard.page import format_page
from panini_daemon.dashboard.reading import DashboardReader
from panini_daemon.exit_codes import ExitCode
from panini_daemon.log_lines import make_renderer
from panini_daemon.log_reading import Follower, read_last
from panini_daemon.storage.chunk_index import ChunkIndex, parse_index
from panini_daemon.storage.errors import RootLost, RootUnsupported, StorageError
from panini_daemon.storage.lease_entry import EntryName, name_entry, parse_content, parse_name, read_written_at
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.outbox import REFUSED, Outbox
from panini_daemon.storage.pending_trees import read_trees
from panini_daemon.storage.rclone import RcloneDrop
from panini_daemon.storage.reports import ChunkReport, parse_report
from panini_daemon.storage.root import MARKER, Root, open_root

_GROUP = "tree"
_NOW = datetime(2024, 5, 6, tzinfo=UTC)
_NAME = name_entry("job-1", 1, "abc1", "w2")
_LEASE = {
    "worker": "w2",
    "job": "job-1",
    "attempt": 1,
    "nonce": "abc1",
    "state": "hold",
    "sequence": 1,
    "written_at": "2024-05-06T07:08:09.000Z",
}
_STATUS = {
    "worker": "w1",
    "state": "working",
    "updated_at": "2024-05-06T07:08:09.000Z",
    "last_error": "none",
    "totals": {"chunks": 1, "bytes_in": 10, "bytes_out": 5},
    "github": {"state": "ok", "repository": "o/r", "rate_limit_remaining": 5, "reports_waiting": 1, "problem": "x"},
}
_REFUSALS = {"job_id": "a-1", "refused": [{"refused_at": "2024", "reason": "x", "chunk_path": "a/chunk_0000"}]}
_MARK = {"format": 1, "root_id": "0" * 32, "created_at": "2024-05-06T07:08:09.000Z"}
_EVENT = {
    "timestamp": "2026-03-01T12:00:00.000Z",
    "level": "info",
    "event": "chunk_committed",
    "chunk": "a #1",
    "ratio": 0.5,
    "worker": "w",
}
_SAID = b"""2024/05/06 07:08:09 ERROR : x: Failed to copy: googleapi: Error 403: storageQuotaExceeded
2024/05/06 07:08:09 NOTICE: {"access_token":"ya29.abcdefgh","client_secret": 'x'} https://h/x?sig=abc Bearer abcdefgh1
"""


def tree_targets() -> Iterator[Target]:
    """Yield the targets."""
    yield Target("lease.name", _GROUP, _names, lambda: _parse_name, (EntryName, type(None)), (), raw)
    yield Target(
        *("lease.content", _GROUP, lambda: _texts(_LEASE), lambda: _read_lease),
        returns=(str, type(None)),
        raises=(),
    )
    yield Target("lease.folder", _GROUP, lambda: _texts(_LEASE), in_tree(_lease), (str,), (), share=0.2)
    yield Target("index.lines", _GROUP, _index, in_tree(_read_index), (int,), (), raw, share=0.3)
    yield Target(
        "root.marker", _GROUP, lambda: _texts(_MARK), in_tree(_open), (Root,), (RootLost, RootUnsupported), share=0.2
    )
    yield Target("outbox.report", _GROUP, lambda: _texts(JOB_REPORT), in_tree(_send), (int,), (), share=0.2)
    yield Target("outbox.refused", _GROUP, lambda: _texts(_REFUSALS), in_tree(_refuse), (list,), (), share=0.2)
    yield Target("status.file", _GROUP, lambda: _texts(_STATUS), in_tree(_status), (int,), (), share=0.2)
    yield Target("logs.file", _GROUP, _logs, in_tree(_read_logs), (int,), (), raw, share=0.3)
    yield Target("checkout", _GROUP, _trees, in_tree(_read_checkout), (list,), (), share=0.2)
    yield Target("store.paths", _GROUP, _paths, in_tree(_walk), (int,), (), share=0.3)
    yield Target("rclone.said", _GROUP, lambda: [_SAID], lambda: _explain, (StorageError,), (), raw, share=0.5)


def _texts(*values: object) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


def _index() -> list[bytes]:
    return [f"{sha(CHUNKS[0])} a/chunk_0000\n{sha(CHUNKS[1])} b/c/chunk_0012\n".encode()]


def _read_index(scene: Scene, store: LocalStore, case: bytes) -> object:
    """Read another worker's file; a hint that is taken leads nowhere but into the tree."""
    store.write("index/w2.1.txt", case)
    index, found = ChunkIndex(store, "w1"), parse_index(case)
    index.beat()
    for sha256, _ in found:
        place = index.find(sha256)
        assert place is not None
        assert place.startswith("compressed_chunks/")
    for sha256, folder in found:
        index.forget(sha256, folder)
    return len(found)


def _names() -> list[bytes]:
    return [b"job-1.1.abc1.w2.json", b"job.2.3.abc.w%2E (1).json", b"a.1.b.c (2).json"]


def _parse_name(case: bytes) -> object:
    return parse_name(case.decode("utf-8", "surrogateescape"))


def _read_lease(case: bytes) -> object:
    """Read how far a claim got, and its age as a worker that may be alone does."""
    moment = read_written_at(case)
    assert moment is None or isinstance((_NOW - moment).total_seconds(), float)
    return parse_content(case, _NAME)


def _trees() -> list[bytes]:
    return _texts(metadata(0), tree_manifest())


def _lease(scene: Scene, store: LocalStore, case: bytes) -> object:
    store.write(f"leases/{_NAME.file}", case)
    numbers = iter(range(100))
    timing = LeaseTiming.local()
    mine = Leases(store, "w1", clock=scene.clock, timing=timing, nonce=lambda: f"{next(numbers):04d}")
    mine.recover()
    mine.request("job-1")
    for _ in range(3):
        scene.clock.advance(timing.stale)
        mine.tick()
        mine.refresh()
        mine.holder("job-1")
    mine.sweep(lambda _: True)
    state = mine.state("job-1").value
    mine.release_all()
    return state


def _open(scene: Scene, store: LocalStore, case: bytes) -> object:
    store.write(MARKER, case)
    return open_root(store, create=True, clock=scene.clock)


def _send(scene: Scene, store: LocalStore, case: bytes) -> object:
    store.write("reports/a-1.json", case)
    outbox = Outbox(store, "w", scene.clock)
    due = outbox.due("o/r")
    for report in due:
        outbox.rewrite(report)
        outbox.delete(report)
    return len(due)


def _refuse(scene: Scene, store: LocalStore, case: bytes) -> object:
    store.write(f"{REFUSED}/a-1.json", case)
    report = parse_report(json.dumps(JOB_REPORT).encode(), "it")
    Outbox(store, "w", scene.clock).refuse(report, [(ChunkReport("a/chunk_0001", "failed"), "too large")])
    found = json.loads(store.read(f"{REFUSED}/a-1.json"))["refused"]
    assert found[-1]["chunk_path"] == "a/chunk_0001"
    assert all(isinstance(one, dict) for one in found)
    return found


def _status(scene: Scene, store: LocalStore, case: bytes) -> object:
    store.write("status/w1.json", case)
    assert "</html>" in format_page(DashboardReader(store, "root", scene.clock).read())
    codes = []
    for as_json in (False, True):
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with contextlib.redirect_stdout(out):
            codes.append(show_status({"root": str(scene.root)}, as_json=as_json))
    assert codes == [ExitCode.OK] * 2
    return codes[0]


def _logs() -> list[bytes]:
    return [b"".join(line + b"\n" for line in _texts(_EVENT, {**_EVENT, "seconds": {"fetch": 0.1}}))]


def _read_logs(scene: Scene, store: LocalStore, case: bytes) -> object:
    """Read a log as `logs` does, tell every line to a person, and follow what is appended."""
    store.write("logs/w.jsonl", case)
    follower, render = Follower(store), make_renderer(colours=False, named=True, dated=True)
    lines = read_last(store, 100, lambda _: True)
    assert all(isinstance(render(line), str) for line in lines)
    store.append("logs/w.jsonl", b"\n" + _texts(_EVENT)[0] + b"\n")
    assert follower.read(lambda line: line == _EVENT) == [_EVENT]
    return len(lines)


def _read_checkout(scene: Scene, store: LocalStore, case: bytes) -> object:
    store.write("pending_compression/a/chunk_0000/data.bin", CHUNKS[0])
    store.write("pending_compression/a/chunk_0000/metadata.json", case)
    store.write("pending_compression/b/manifest.json", case)
    return read_trees(store, "pending_compression", clock=scene.clock)


def _paths() -> list[bytes]:
    paths = ("inbox/a", "link/canary", "inbox/link/new", "../outside/new", "compressed_chunks/link/canary", "a/b/c")
    return _texts([[verb, path] for verb in _VERBS for path in paths])


def _walk(scene: Scene, store: LocalStore, case: bytes) -> object:
    """Do what the case says; whatever the paths are, nothing outside may be touched."""
    try:
        steps = json.loads(case)
    except (ValueError, RecursionError):
        steps = [["write", case.decode("utf-8", "surrogateescape")]]
    count = 0
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, list) and len(step) == 2 and isinstance(step[0], str) and isinstance(step[1], str):
            with contextlib.suppress(StorageError):
                _VERBS.get(step[0], LocalStore.read)(store, step[1])  # type: ignore[operator]
                count += 1
            if store.root.joinpath(MARKER).exists() and step[1] == "":
                break
    return count


def _put(store: LocalStore, path: str) -> None:
    source = store.root / "inbox" / "source"
    source.write_bytes(b"x")
    store.put(path, source, consume=True)


_VERBS: dict[str, Any] = {
    "list": LocalStore.list,
    "stat": LocalStore.stat,
    "read": LocalStore.read,
    "write": lambda store, path: store.write(path, b"x"),
    "append": lambda store, path: store.append(path, b"x"),
    "put": _put,
    "move": lambda store, path: store.move(path, "inbox/moved"),
    "moved": lambda store, path: (store.write("inbox/one", b"x"), store.move("inbox/one", path)),
    "sync": lambda store, path: store.sync([path]),
    "delete": LocalStore.delete,
}


def _explain(case: bytes) -> object:
    said = case.decode(errors="replace") * 40
    return RcloneDrop("drive:x")._explain("inbox/a", "copyto", 1, said)
