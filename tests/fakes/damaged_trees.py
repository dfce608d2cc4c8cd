"""A tree that a worker has filled, to be damaged and mended."""

import hashlib
import json
import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fakes.bench import Bench
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore

from panini_daemon.compressors import Device, Registry
from panini_daemon.reader import Reader
from panini_daemon.repair.course import repair_tree
from panini_daemon.repair.findings import Repaired, Tools
from panini_daemon.restoration import restore_file
from panini_daemon.storage.root import CHUNKS
from panini_daemon.verification import verify_tree

A = f"{CHUNKS}/a.txt"
ONE = f"{A}/chunk_0001"
CHUNK = 400
SHARED = random.Random(5).randbytes(CHUNK)
"""A chunk that two files have."""
FILES = {
    "a.txt": b"To be, or not to be, that is the question. " * 25 + b"?" * 125 + SHARED,
    "b.bin": random.Random(6).randbytes(CHUNK) + SHARED + b"the end",
    "deep/c (1).txt": b"As You Like It, act two, scene seven; " * 20,
    "empty": b"",
}


def fill(folder: Path, files: Mapping[str, bytes] = FILES, **options: Any) -> dict[str, bytes]:
    """Return the files of a tree in which a worker has committed these."""
    bench = Bench(folder, **options)
    for base, data in files.items():
        bench.submit("file", data, base=base, chunk_size=CHUNK)
    bench.run()
    bench.close()
    return {path: data for path, data in bench.store.files.items() if not path.startswith("logs/")}


@cache
def good(*, solid: bool = False) -> dict[str, bytes]:
    """Return the files of the tree that tests damage; with `solid`, chunks of a file were compressed together."""
    with TemporaryDirectory() as folder:
        return fill(Path(folder), solid=solid)


def load(files: Mapping[str, bytes]) -> MemoryStore:
    """Return a store with these files."""
    store = MemoryStore()
    for path, data in files.items():
        store.write(path, data)
    return store


def reader_of(store: MemoryStore) -> Reader:
    return Reader(store, Registry(), Device())


def repair(store: MemoryStore, folder: str = CHUNKS, **options: Any) -> Repaired:
    """Repair a tree in memory; `hold` and the fields of Tools can be given."""
    hold = options.pop("hold", lambda _jobs: ())
    told = {"deep": True, "dry_run": False, "shared": False, "ready": lambda: None, "clock": FakeClock(), **options}
    return repair_tree(Tools(reader=reader_of(store), **told), folder, hold)


def work(store: MemoryStore, folder: Path) -> Bench:
    """Let a worker empty the inbox."""
    bench = Bench(folder, store)
    bench.run()
    bench.close()
    return bench


def problems(store: MemoryStore) -> list[str]:
    """Return where a deep look finds something wrong."""
    return [problem.path for problem in verify_tree(reader_of(store), CHUNKS, deep=True).problems]


def restored(store: MemoryStore, base: str, folder: Path) -> bytes:
    target = folder / "restored"
    restore_file(reader_of(store), f"{CHUNKS}/{base}", target)
    return target.read_bytes()


def lose(store: MemoryStore, base: str, number: int) -> None:
    store.delete(f"{CHUNKS}/{base}/chunk_{number:04d}")


def change(store: MemoryStore, path: str, **fields: Any) -> None:
    store.write(path, json.dumps({**json.loads(store.read(path)), **fields}).encode())


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
