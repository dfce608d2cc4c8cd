"""Writing recipe 1.1 for a chunk that was just compressed."""

from collections.abc import Mapping
from datetime import datetime

from panini_daemon import __version__
from panini_daemon.compute import Compressed
from panini_daemon.storage.clock import iso
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.recipe import format_recipe

SOFTWARE = f"panini-daemon {__version__}"


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
            "assembly_info": {
                "offset": chunk.offset,
                "size": chunk.size,
                "total_chunks": chunk.total_chunks,
                "ordering": chunk.chunk_id,
                "depends_on": list(chunk.depends_on),
            },
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
            "source": {"job_id": job.job_id, "manifest_path": job.manifest_path, **job.source},
            "timings": {step: round(seconds, 6) for step, seconds in timings.items()},
            "device": encoded.device,
            "software": SOFTWARE,
        }
    )


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
