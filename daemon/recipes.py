"""Writing recipe 1.1 for a chunk that was just compressed."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from panini_daemon import __version__
from panini_daemon.compute import Compressed
from panini_daemon.storage.clock import iso
from panini_daemon.storage.jobs import Chunk, Job, is_in_repository
from panini_daemon.storage.recipe import format_recipe
from panini_daemon.storage.solid import SLICE_METHOD, SLICE_RECONSTRUCTION, Slice

SOFTWARE = f"panini-daemon {__version__}"
EMPTY_HASH = hashlib.sha256().hexdigest()
"""The payload_hash of a chunk whose bytes are elsewhere."""


def make_recipe(
    job: Job,
    chunk: Chunk,
    encoded: Compressed,
    *,
    original_hash: str,
    worker: str,
    moment: datetime,
    timings: Mapping[str, float],
    level: str = "",
) -> bytes:
    """Return recipe.json, recipe 1.1. `timings` are seconds by step; hashes are SHA-256 in hex.

    `level` is the one that the chunk was compressed at, where it was.
    """
    return format_recipe(
        {
            "version": "1.1",
            "chunk_id": chunk.chunk_id,
            "original_hash": original_hash,
            "compression_method": encoded.method,
            "reconstruction": {"method": encoded.reconstruction, "parameters": encoded.parameters},
            "assembly_info": _place(chunk),
            "stats": {
                **_sizes(chunk.size, encoded.payload_size),
                "kind": encoded.kind,
                **({"level": level} if level else {}),
                **_trials(encoded),
            },
            "uploaded_at": iso(moment),
            "worker": worker,
            "payload_hash": encoded.payload_hash,
            "pattern_type": chunk.pattern_type,
            "grammar_id": chunk.grammar_id,
            "base": chunk.base,
            "source": _source(job),
            "timings": {step: round(seconds, 6) for step, seconds in timings.items()},
            "device": encoded.device,
            "software": SOFTWARE,
        }
    )


def make_slice_recipe(
    job: Job,
    chunk: Chunk,
    where: Slice,
    *,
    original_hash: str,
    charged: int,
    kind: str,
    device: str,
    worker: str,
    moment: datetime,
    level: str = "",
) -> bytes:
    """Return the recipe.json of a slice: all that decoding needs, and of how the run was made only the essence.

    There may be thousands of a file, most of them of a few bytes, so what the job's receipt tells as well is left out.
    `charged` are the bytes of the run that the slice counts for; `kind`, `device` and `level` are the run's.
    """
    return format_recipe(
        {
            "version": "1.1",
            "chunk_id": chunk.chunk_id,
            "original_hash": original_hash,
            "compression_method": SLICE_METHOD,
            "reconstruction": {"method": SLICE_RECONSTRUCTION, "parameters": where.to_parameters(chunk.base)},
            "assembly_info": _place(chunk),
            "stats": {**_sizes(chunk.size, charged), "kind": kind, **({"level": level} if level else {})},
            "uploaded_at": iso(moment),
            "worker": worker,
            "payload_hash": EMPTY_HASH,
            "pattern_type": chunk.pattern_type,
            "grammar_id": chunk.grammar_id,
            "base": chunk.base,
            "source": _source(job) if is_in_repository(job) else {"job_id": job.job_id, **job.source},
            "timings": {},
            "device": device,
            "software": SOFTWARE,
        }
    )


def _place(chunk: Chunk) -> dict[str, object]:
    return {
        "offset": chunk.offset,
        "size": chunk.size,
        "total_chunks": chunk.total_chunks,
        "ordering": chunk.chunk_id,
        "depends_on": list(chunk.depends_on),
    }


def _source(job: Job) -> dict[str, object]:
    return {"job_id": job.job_id, "manifest_path": job.manifest_path, **job.source}


def _sizes(original: int, compressed: int) -> dict[str, float]:
    ratio = compressed / original if original else 1.0
    return {
        "original_size": original,
        "compressed_size": compressed,
        "ratio": round(ratio, 6),
        "savings_percent": round(100 * (1 - ratio), 3),
    }


def _trials(encoded: Compressed) -> dict[str, object]:
    failed = {method: error for method, _, error in encoded.trials if error}
    return (
        {"trials": {method: size for method, size, error in encoded.trials if not error}}
        | ({"failed_trials": failed} if failed else {})
        | ({"chosen": encoded.chosen} if encoded.chosen else {})
    )
