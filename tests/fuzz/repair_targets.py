"""A whole repair of a damaged tree in which lies what others wrote: manifests, recipes, receipts, jobs, heartbeats."""

import contextlib
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fakes.damaged_trees import fill

from fuzz.manifest_targets import JOB_REPORT
from fuzz.scene import Scene, in_tree
from fuzz.target import Target
from panini_daemon.compressors import Device, Registry
from panini_daemon.reader import Reader
from panini_daemon.repair.course import repair_tree
from panini_daemon.repair.findings import Tools
from panini_daemon.repair.leftovers import Patience, look_for_leftovers, remove_leftovers
from panini_daemon.restoration import restore_file
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.propagation import QUIET, WRITE, Propagation
from panini_daemon.storage.root import CHUNKS

_GROUP = "tree"
_FILES = {"a.txt": b"To be, or not to be, that is the question. " * 20, "b.bin": bytes(range(256)) * 2}
_WHOLE = "b.bin"
"""The file that nothing is done to: it must be as it was after any repair."""
_STATUS = {"worker": "w1", "state": "working", "updated_at": "2024-05-06T07:08:09.000Z"}
_PROBE = {"nonce": "abc", "number": 7, "seen": {"probe-w1.json": ["mine", 1], "probe-w3.json": ["x", 3]}}
_ONE = f"{CHUNKS}/a.txt/chunk_0001"


def repair_targets() -> Iterator[Target]:
    """Yield the targets."""
    yield Target("repair", _GROUP, _documents, in_tree(_repair), (int,), (), share=0.05, seconds=30.0)
    yield Target("probe", _GROUP, lambda: [json.dumps(_PROBE).encode()], in_tree(_measure), (int,), (), share=0.2)


@cache
def _tree() -> dict[str, bytes]:
    with TemporaryDirectory(prefix="panini-fuzz-") as folder:
        return fill(Path(folder), _FILES)


def _documents() -> list[bytes]:
    """Return documents by their paths, one of each kind that a repair reads."""
    tree = _tree()
    recipe, manifest = (json.loads(tree[path]) for path in (f"{_ONE}/recipe.json", f"{CHUNKS}/a.txt/manifest.json"))
    receipt = json.loads(next(data for path, data in sorted(tree.items()) if path.startswith("done/")))
    source = {"job_id": "r-1", "repository": "o/r", "commit": "c" * 40, "manifest_path": "github:x"}
    job = {
        "format": "panini-job",
        "version": 1,
        "job_id": "j-1",
        "files": [{"path": "a.txt", "base": "a.txt", "chunk_size": 400}],
    }
    text = _FILES["a.txt"].decode()
    failed = {"manifest_path": "inbox/j.json", "reason": "x"}
    kinds: tuple[dict[str, object], ...] = (
        {f"{_ONE}/recipe.json": {**recipe, "source": source}},
        {f"{_ONE}/recipe (1).json": recipe},
        {f"{CHUNKS}/a.txt/manifest.json": manifest},
        {f"{CHUNKS}/a.txt/manifest (1).json": {**manifest, "total_size": 7}, f"{CHUNKS}/a.txt/manifest.json": "{"},
        {"done/r-1.json": {**receipt, "bases": ["gone", "a.txt"], "source": source}},
        {"inbox/j.json": job},
        {"failed/j-1/error.json": failed, "failed/j-1/manifest.json": job, "failed/j-1/data/a.txt": text},
        {"inbox/lost": text},
        {"status/w1.json": _STATUS},
        {"reports/a-1.json": JOB_REPORT},
    )
    return [json.dumps(kind).encode() for kind in kinds]


def _repair(scene: Scene, store: LocalStore, case: bytes) -> object:
    """Show what a repair would do, repair twice, and remove left-overs, as `verify --repair` does."""
    for path, data in _tree().items():
        store.write(path, data)
    store.delete(f"{CHUNKS}/a.txt/chunk_0000")
    store.move(f"{_ONE}/compressed.bin", f"{_ONE}/compressed (1).bin")
    touched = _lay(store, case)
    store.write("inbox/x.partial", b"half")
    heartbeat = store.read("status/w1.json") if "status/w1.json" in touched else b"{}"
    store.write("status/w1.json", b"")  # so that the heartbeat changes between two looks
    before = _read_all(scene)
    for dry_run in (True, False, False):
        sighting = look_for_leftovers(store, scene.clock)
        tools = Tools(
            reader=Reader(store, Registry(), Device()),
            clock=scene.clock,
            scratch=scene.home,
            ready=lambda: None,
            deep=True,
            dry_run=dry_run,
            shared=False,
        )
        result = repair_tree(tools, CHUNKS, lambda _: ())
        json.dumps([[str(found.path), found.message] for found in result.findings], ensure_ascii=False)
        if dry_run:
            assert _read_all(scene) == before, "a dry run changed the tree"
            continue
        store.write("status/w1.json", heartbeat)
        patience = Patience(alone=5.0, among_workers=90.0)
        remove_leftovers(store, sighting, patience, clock=scene.clock, sleep=scene.clock.advance, ready=lambda: None)
    if not any(_WHOLE in path for path in touched):
        target = scene.root / "restored"
        restore_file(Reader(store, Registry(), Device()), f"{CHUNKS}/{_WHOLE}", target)
        assert target.read_bytes() == _FILES[_WHOLE]
    return len(result.findings)


def _lay(store: LocalStore, case: bytes) -> set[str]:
    """Put the documents of a case where it says, or all of it in every place if it is none; return the paths."""
    try:
        told = json.loads(case)
    except (ValueError, RecursionError):
        told = None
    documents: dict[str, bytes] = {}
    if isinstance(told, dict):
        for path, inner in told.items():
            text = inner if isinstance(inner, str) else json.dumps(inner)
            documents[path] = text.encode("utf-8", "surrogatepass")
    else:
        documents = {path: case for seed in _documents() for path in json.loads(seed)}
    for path, data in documents.items():
        with contextlib.suppress(StorageError):
            store.write(path, data)
    return set(documents)


def _read_all(scene: Scene) -> dict[str, bytes]:
    paths = (Path(folder) / name for folder, _, names in os.walk(scene.root) for name in names)
    return {str(path): path.read_bytes() for path in paths if not path.is_symlink()}


def _measure(scene: Scene, store: LocalStore, case: bytes) -> object:
    """Answer another worker's probe, and measure with it."""
    store.write("leases/probe-w2.json", case)
    mine = Propagation(store, "w1", clock=scene.clock, nonce="mine")
    for _ in range(4):
        mine.beat()
        scene.clock.advance(max(QUIET, WRITE))
        longest = mine.longest()
        assert longest is None or longest >= 0
    mine.close()
    return 0
