"""A tree as several workers leave it after days: heartbeats with a history, receipts, commits, failures."""

import json
from datetime import datetime, timedelta

from panini_daemon.storage.clock import iso
from panini_daemon.storage.root import MARKER
from panini_daemon.storage.store import Store

METHODS = {
    "text_lm_v1": 0.14,
    "text_ppmd_v1": 0.24,
    "image_jpeg_v1": 0.77,
    "container_parts_v1": 0.61,
    "generic_xz_v1": 0.38,
    "passthrough_v1": 1.0,
}
_DAY = 86400
_ERRORS = (
    ("letters/1871.txt #3", "HashMismatch", "chunk_0003/data.bin has SHA-256 91ab, its manifest expects 5f02"),
    ("scans/map <old>.tif #0", "ComputeTimeout", "image_jxl_v1 did not answer for 360 s and was ended"),
)


def write_status(
    store: Store,
    worker: str,
    now: datetime,
    *,
    state: str = "working",
    age: float = 3.0,
    gpu: bool = False,
    speed: int = 1,
) -> None:
    """Write one worker's heartbeat, `age` seconds old, with a day of history; `speed` in MB a minute."""
    seen = now - timedelta(seconds=age)
    start = int(seen.timestamp()) - _DAY
    history, total = [], 0
    for minute in range(0, 1441, 6):
        total += speed * (3 + (minute // 90) % 4) * (minute > 200) * 1_000_000
        history.append([start + minute * 60, total, int(total * 0.31)])
    share = total // 21
    methods = {
        name: {"chunks": 6 * at, "bytes_in": share * at, "bytes_out": int(share * at * ratio)}
        for at, (name, ratio) in zip((6, 5, 4, 3, 2, 1), METHODS.items(), strict=True)
    }
    status = {
        "worker": worker,
        "state": state,
        "device": "cuda:0 (NVIDIA L4)" if gpu else "cpu (AMD EPYC)",
        "started_at": iso(now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)),
        "updated_at": iso(seen),
        "interval": 10.0,
        "queue": {"jobs": 41, "bytes": 3_400_000_000, "running": 3, "arriving": 1},
        "progress": [
            {
                "chunk": "letters/1872.txt #5",
                "task": "compress",
                "method": "text_lm_v1",
                "done": 1_200_000,
                "total": 4_000_000,
                "bytes_per_second": 3100.0,
            }
        ]
        if gpu
        else [],
        "throughput": {"bytes_per_second": 71_000.0 * speed},
        "totals": {
            "chunks": 126,
            "bytes_in": total,
            "bytes_out": int(total * 0.31),
            "jobs_done": 40,
            "jobs_failed": 1,
            "methods": methods,
        },
        "last_error": None,
        "failures": [
            {"at": iso(seen - timedelta(hours=2 + at)), "chunk": chunk, "error": error, "message": message}
            for at, (chunk, error, message) in enumerate(_ERRORS if gpu else ())
        ],
        "history": history,
        "space": {"total": 2_000_000_000_000, "free": 1_240_000_000_000},
        "gpus": [{"index": 0, "name": "NVIDIA L4", "percent": 93, "memory_used": 9 << 30, "memory_total": 23 << 30}]
        if gpu
        else [],
        "version": "panini-daemon 0.1.0",
    }
    store.write(MARKER, json.dumps({"format": 1, "root_id": "busy", "created_at": ""}).encode(), durable=False)
    store.write(f"status/{worker}.json", json.dumps(status).encode(), durable=False)


def write_busy_tree(store: Store, now: datetime, *, chunks: int = 0) -> None:
    """Write five workers, one of them dead and one stopped, and `chunks` finished one-chunk jobs."""
    write_status(store, "colab-7f3a", now, gpu=True, speed=9)
    write_status(store, "colab-91c2", now, gpu=True, speed=7)
    write_status(store, "shed-1", now, state="idle")
    write_status(store, "colab-0b44", now, age=8 * 3600.0)
    write_status(store, "laptop", now, state="stopped", age=90_000.0)
    recipe = {"version": "1.1", "chunk_id": 0, "compression_method": "text_ppmd_v1", "base": ""}
    for number in range(chunks):
        base = f"books/{number // 100:03d}/{number:05d}.txt"
        store.write(f"done/job-{number:05d}.json", b'{"state": "done"}', durable=False)
        store.write(f"compressed_chunks/{base}/chunk_0000/recipe.json", json.dumps(recipe).encode(), durable=False)
        store.write(f"compressed_chunks/{base}/chunk_0000/compressed.bin", b"payload", durable=False)
    store.write("failed/job-x/error.json", b"{}", durable=False)
    store.write("inbox/job-next.json", b"{}", durable=False)
