"""Compressing one file into a folder without a daemon: the same line, with the file as the source."""

import hashlib
import json
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from panini_daemon.attempts import Attempts, RetryPolicy
from panini_daemon.budget import MemoryBudget
from panini_daemon.compressors import Level, Registry
from panini_daemon.compute import Compute
from panini_daemon.keeping import Keep
from panini_daemon.logs import Logger
from panini_daemon.pacing import AUTO
from panini_daemon.pipeline import Line, Outcome
from panini_daemon.spool import Spool
from panini_daemon.storage.clock import Clock, iso
from panini_daemon.storage.commits import MANIFEST
from panini_daemon.storage.errors import ChunkMissing
from panini_daemon.storage.jobs import Chunk, Job, SourceFile
from panini_daemon.storage.store import Store

_PIECE = 1 << 20


def compress_file(
    file: Path,
    store: Store,
    *,
    compute: Compute,
    spool: Spool,
    budget: MemoryBudget,
    clock: Clock,
    log: Logger,
    worker: str,
    level: str,
    method: str,
    chunk_size: int,
    threads: int,
    models: Sequence[Path] = (),
    on_outcome: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Compress `file` in chunks of `chunk_size` bytes into `store`: chunk_0000/..., manifest.json.

    Returns one outcome a chunk, in order; a failed one says why and leaves the manifest unwritten.
    """
    size = file.stat().st_size
    count = max(1, -(-size // chunk_size))
    chunks = [
        Chunk(
            base=file.name,
            chunk_id=number,
            offset=number * chunk_size,
            data_path=str(file),
            size=min(chunk_size, size - number * chunk_size),
            data_offset=number * chunk_size,
            total_chunks=count,
        )
        for number in range(count)
    ]
    job = Job("compress", str(file), b"", (SourceFile(file.name, count, size),), tuple(chunks))
    line = Line(
        fetch=copy_range,
        store=store,
        compute=compute,
        budget=budget,
        spool=spool,
        keep=Keep(spool.parent, limit=0, clock=clock),
        clock=clock,
        registry=Registry(),
        worker=worker,
        level=Level.BEST if level == AUTO else level,  # nothing else waits
        method=method,
        shared=False,
        folder_of=lambda chunk: f"chunk_{chunk.chunk_id:04d}",
        models=models,
    )
    stopped = threading.Event()
    attempts = Attempts(
        line,
        RetryPolicy(attempts=1),
        sleep=lambda _: True,
        stop=lambda _: stopped.set(),
        jitter=random.Random(0),  # noqa: S311  there is no second try
    )

    def run(chunk: Chunk) -> Outcome:
        (outcome,) = attempts.run(job, [chunk], lambda: None, log)
        on_outcome(outcome)
        return outcome

    with ThreadPoolExecutor(threads) as pool:
        outcomes = list(pool.map(run, chunks))
    store.sync([path for outcome in outcomes for path in outcome.unsynced])
    if all(outcome.error is None for outcome in outcomes):
        store.write(MANIFEST, _manifest(file, size, outcomes, clock))
    return outcomes


def copy_range(chunk: Chunk, target: Path) -> str:
    """Copy a chunk's bytes out of a local file; return their SHA-256. Raises ChunkMissing where it shrank."""
    digest, left = hashlib.sha256(), chunk.size
    with Path(chunk.data_path).open("rb") as source, target.open("wb") as copy:
        source.seek(chunk.data_offset)
        while left and (piece := source.read(min(_PIECE, left))):
            digest.update(piece)
            copy.write(piece)
            left -= len(piece)
    if left:
        raise ChunkMissing(f"{chunk.data_path} ended {left} bytes early: it changed while being compressed")
    return digest.hexdigest()


def _manifest(file: Path, size: int, outcomes: list[Outcome], clock: Clock) -> bytes:
    with file.open("rb") as source:
        whole = hashlib.file_digest(source, "sha256").hexdigest()
    manifest = {
        "base_name": file.name,
        "total_chunks": len(outcomes),
        "created_at": iso(clock.now()),
        "total_size": size,
        "original_hash": whole,
        "chunks": [
            {
                "chunk_id": outcome.chunk.chunk_id,
                "offset": outcome.chunk.offset,
                "size": outcome.chunk.size,
                "hash": outcome.original_hash,
                "pattern": outcome.chunk.pattern_type,
            }
            for outcome in outcomes
        ],
    }
    return (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()
