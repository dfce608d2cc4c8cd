import json
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore

from panini_daemon.dashboard.reading import DashboardReader
from panini_daemon.logs import TreeLog
from panini_daemon.storage.local import LocalStore


def write(store: MemoryStore, name: str, worker: str, updated_at: str) -> None:
    store.write(f"status/{name}.json", json.dumps({"worker": worker, "updated_at": updated_at}).encode())


@pytest.mark.parametrize("newest", ["w", "w (1)", "w (2)"])
def test_of_a_worker_with_duplicate_files_the_newest_counts(newest: str) -> None:
    store = MemoryStore()
    for name in ("w", "w (1)", "w (2)"):
        write(store, name, "w", "2026-01-02T00:00:00.000Z" if name == newest else "2026-01-01T00:00:00.000Z")
    write(store, "v", "v", "2025-01-01T00:00:00.000Z")
    found = DashboardReader(store, "root", FakeClock()).statuses()
    assert [(one["worker"], one["updated_at"][:10]) for one in found] == [("v", "2025-01-01"), ("w", "2026-01-02")]


def test_a_duplicate_of_a_log_is_neither_written_nor_rotated(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.write("logs/w (1).jsonl", b"the other one\n")
    log = TreeLog(store, "logs/w.jsonl", max_bytes=30, backups=1)
    for number in range(9):
        log.add(f"line {number}")
        log.flush()
    assert (tmp_path / "logs/w (1).jsonl").read_bytes() == b"the other one\n"
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["w (1).jsonl", "w.jsonl", "w.jsonl.1"]
