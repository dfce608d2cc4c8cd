"""What senders put into the inbox: jobs of every form, some of them bad, and what may become of each."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from fakes.simulation.machine import MemoryFile

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.root import INBOX
from panini_daemon.storage.store import Store
from panini_daemon.storage.submission import submit

Wait = Callable[[], None]


@dataclass(slots=True, eq=False)
class Submission:
    """A job as the judge knows it. `may_fail_as` names the errors that it may fail with; `must_fail`: it has to.

    `data` are its chunks by folder below compressed_chunks/; `manifest` and `places` lie in the inbox.
    """

    kind: str
    data: dict[str, bytes]
    manifest: str = ""
    places: tuple[str, ...] = ()
    may_fail_as: frozenset[str] = frozenset()
    must_fail: bool = False
    written: bool = False
    failed_as: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Errand:
    """One thing that a sender does: `send` writes into the store, calling the last argument between two files."""

    submission: Submission
    send: Callable[[Store, Clock, Wait], None]


def draw_errands(random: Random, jobs: int) -> list[Errand]:
    """Draw about so many jobs; some come in pairs that get into each other's way."""
    errands: list[Errand] = []
    for number in range(jobs):
        make = random.choices([make for make, _ in _FORMS], [weight for _, weight in _FORMS])[0]
        errands += make(random, f"file-{number}")
    return errands


def _draw_chunks(random: Random, base: str) -> list[bytes]:
    sizes = [random.choice((0, 1, 40, 40, 200)) for _ in range(random.choice((1, 1, 2, 3)))]
    return [(random.randbytes(4).hex() + base).encode() * 25 * bool(size) for size in sizes][:3] or [b""]


def _by_folder(base: str, pieces: list[bytes]) -> dict[str, bytes]:
    return {f"{base}/chunk_{number:04d}": piece for number, piece in enumerate(pieces)}


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _file(base: str, data: bytes, size: int, kind: str = "file", may: frozenset[str] = frozenset()) -> Errand:
    cuts = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
    submission = Submission(kind, _by_folder(base, cuts), may_fail_as=may)

    def send(store: Store, clock: Clock, wait: Wait) -> None:
        wait()
        file: Any = MemoryFile(base.rpartition("/")[2], data)
        (sent,) = submit(store, [file], clock=clock, base=base, chunk_size=size)
        submission.manifest = sent.manifest_path
        submission.places = (sent.data_path.rpartition("/")[0],)

    return Errand(submission, send)


def _files(random: Random, base: str) -> list[Errand]:
    return [_file(base, random.randbytes(90), random.choice((30, 45, 90)))]


def _same_twice(random: Random, base: str) -> list[Errand]:
    data = random.randbytes(60)
    return [_file(base, data, 30, "same twice"), _file(base, data, 30, "same twice")]


def _same_base(random: Random, base: str) -> list[Errand]:
    may = frozenset({"BaseConflict"})
    return [_file(base, random.randbytes(50), 30, "same base", may) for _ in range(2)]


def _same_but_case(random: Random, base: str) -> list[Errand]:
    may = frozenset({"NameCollision"})
    return [_file(name, random.randbytes(40), 40, "case", may) for name in (base, base.upper())]


def _tree(random: Random, base: str, *, kind: str = "tree", manifest: bool = True) -> Errand:
    pieces = [random.randbytes(random.choice((0, 30, 50))) for _ in range(random.choice((1, 2, 3)))]
    submission = Submission(kind, _by_folder(base, pieces), f"{INBOX}/{base}/manifest.json", (f"{INBOX}/{base}",))
    files = _tree_files(base, pieces, metadata=not manifest or random.random() < 0.8)
    if manifest:
        files[submission.manifest] = _json({"base_name": base, "total_chunks": len(pieces), "chunks": _list(pieces)})
    order = list(files)
    random.shuffle(order)
    return Errand(submission, _writer([(path, files[path]) for path in order]))


def _trees(random: Random, base: str) -> list[Errand]:
    return [_tree(random, random.choice((base, f"pending_compression/{base}")).removeprefix("pending_compression/"))]


def _bare_trees(random: Random, base: str) -> list[Errand]:
    return [_tree(random, base, kind="bare tree", manifest=False)]


def _dispatches(random: Random, base: str) -> list[Errand]:
    pieces = [random.randbytes(40) for _ in range(random.choice((1, 2)))]
    infos = [
        {"base_dir": base, "chunk_id": number, "size": len(piece), "hash": f"sha256:{_sha(piece)}"}
        for number, piece in enumerate(pieces)
    ]
    path = f"{INBOX}/dispatch-{base}.json"
    files = _tree_files(base, pieces, metadata=True)
    files[path] = _json({"action": "compress_batch", "chunks": infos})
    order = list(files)
    random.shuffle(order)
    submission = Submission("dispatch", _by_folder(base, pieces), path, (f"{INBOX}/{base}",))
    return [Errand(submission, _writer([(name, files[name]) for name in order]))]


def _bad(random: Random, base: str) -> list[Errand]:
    data = random.randbytes(30)
    chunk: dict[str, object] = {"chunk_id": 0, "offset": 0, "size": 30, "hash": _sha(data), "path": f"{base}/data.bin"}
    job: dict[str, object] = {"format": "panini-job", "version": 1, "files": [{"base": base, "chunks": [chunk]}]}
    path, place = f"{INBOX}/{base}.json", f"{INBOX}/{base}"
    kind = random.choice(("hash", "traversal", "link out", "cut", "no form", "no data", "method", "level"))
    expected = _spoil(kind, job, chunk)
    manifest = _json(job)[: 40 if kind == "cut" else None]
    files = [(f"{place}/data.bin", data), (path, manifest)]
    random.shuffle(files)
    files = [file for file in files if kind != "no data" or file[0] == path]
    submission = Submission(
        f"bad: {kind}", {f"{base}/chunk_0000": data}, path, (place,), may_fail_as=frozenset({expected}), must_fail=True
    )
    return [Errand(submission, _writer(files))]


def _spoil(kind: str, job: dict[str, object], chunk: dict[str, object]) -> str:
    """Make a good job manifest a bad one of this kind; return the error that is due."""
    changes: dict[str, tuple[dict[str, object], dict[str, object], str]] = {
        "hash": (chunk, {"hash": "0" * 64}, "HashMismatch"),
        "traversal": (job, {"files": [{"base": "../../out", "chunks": [chunk]}]}, "UnsafeName"),
        "link out": (chunk, {"path": "../leases/data.bin"}, "UnsafeName"),
        "cut": (job, {}, "ManifestUnreadable"),
        "no form": (job, {"format": "another"}, "ManifestInvalid"),
        "no data": (job, {}, "ChunkMissing"),
        "method": (job, {"method": "no_such_method_v9"}, "UnknownMethod"),
        "level": (job, {"level": "enormous"}, "ManifestInvalid"),
    }
    target, fields, expected = changes[kind]
    target.update(fields)
    return expected


def _tree_files(base: str, pieces: list[bytes], *, metadata: bool) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for entry, piece in zip(_list(pieces), pieces, strict=True):
        folder = f"{INBOX}/{base}/chunk_{entry['chunk_id']:04d}"
        files[f"{folder}/data.bin"] = piece
        if metadata:
            files[f"{folder}/metadata.json"] = _json({**entry, "original_hash": _sha(piece), "status": "pending"})
    return files


def _list(pieces: list[bytes]) -> list[dict[str, Any]]:
    offset, entries = 0, []
    for number, piece in enumerate(pieces):
        entries.append({"chunk_id": number, "offset": offset, "size": len(piece), "hash": _sha(piece)})
        offset += len(piece)
    return entries


def _writer(files: list[tuple[str, bytes]]) -> Callable[[Store, Clock, Wait], None]:
    def send(store: Store, clock: Clock, wait: Wait) -> None:
        for path, data in files:
            wait()
            store.write(path, data)

    return send


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


_FORMS: tuple[tuple[Callable[[Random, str], list[Errand]], int], ...] = (
    (_files, 30),
    (_trees, 20),
    (_bare_trees, 4),
    (_dispatches, 12),
    (_same_twice, 6),
    (_same_base, 5),
    (_same_but_case, 5),
    (_bad, 18),
)
