"""What arrives in an inbox, in each of the three forms."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from panini_daemon.storage.root import MARKER
from panini_daemon.storage.store import Store

CHUNKS = (b"\x89PNG\r\n\x1a\n", b"pixels, or what stands for them", b"")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def mark_root(store: Store) -> None:
    store.write(MARKER, b'{"format": 1, "root_id": "test"}')


def write_json(store: Store, path: str, value: object) -> None:
    store.write(path, json.dumps(value).encode())


def offsets(chunks: Sequence[bytes]) -> list[int]:
    return [0, *accumulate(len(chunk) for chunk in chunks)][: len(chunks)]


def tree_manifest(chunks: Sequence[bytes] = CHUNKS, **others: Any) -> dict[str, Any]:
    entries = [
        {"chunk_id": number, "offset": offset, "size": len(chunk), "hash": sha(chunk), "pattern": "generic"}
        for number, (chunk, offset) in enumerate(zip(chunks, offsets(chunks), strict=True))
    ]
    return {
        "base_name": "photo.png",
        "total_chunks": len(chunks),
        "created_at": "2024-01-02T03:04:05Z",
        "grammar_id": "png_v1",
        "chunks": entries,
        **others,
    }


def metadata(number: int, chunks: Sequence[bytes] = CHUNKS, offset: int | None = None, **others: Any) -> dict[str, Any]:
    return {
        "chunk_id": number,
        "offset": offsets(chunks)[number] if offset is None else offset,
        "size": len(chunks[number]),
        "original_hash": sha(chunks[number]),
        "pattern_type": "PNG_SIGNATURE" if number == 0 else "PNG_IDAT",
        "dependencies": [0] if number else [],
        "grammar_id": "png_v1",
        "status": "pending",
        **others,
    }


def write_chunk(
    store: Store, folder: str, number: int, chunks: Sequence[bytes] = CHUNKS, name: str = "data.bin"
) -> None:
    store.write(f"{folder}/chunk_{number:04d}/{name}", chunks[number])
    write_json(store, f"{folder}/chunk_{number:04d}/metadata.json", metadata(number, chunks))


def write_tree(store: Store, folder: str, chunks: Sequence[bytes] = CHUNKS) -> None:
    for number in range(len(chunks)):
        write_chunk(store, folder, number, chunks)
    write_json(store, f"{folder}/manifest.json", tree_manifest(chunks))


def chunk_info(number: int, base: str = "photo.png", chunks: Sequence[bytes] = CHUNKS) -> dict[str, Any]:
    return {
        "base_dir": f"pending_compression/{base}",
        "chunk_id": number,
        "chunk_path": f"pending_compression/{base}/chunk_{number:04d}",
        "pattern_type": "PNG_IDAT",
        "size": len(chunks[number]),
        "hash": sha(chunks[number]),
    }


def dispatch(number: int, **others: Any) -> dict[str, Any]:
    return {
        "action": "compress_chunk",
        "chunk_info": chunk_info(number),
        "repository": {"owner": "o", "repo": "r", "commit_sha": "c", "ref": "refs/heads/main"},
        "workflow": {"run_id": 7, "run_number": 8},
        "priority": "high",
        **others,
    }


def job_file(
    chunks: Sequence[bytes] = CHUNKS, base: str = "photo.png", path: str = "d1/data.bin", **others: Any
) -> dict[str, Any]:
    return {
        "base": base,
        "name": "photo.png",
        "size": sum(map(len, chunks)),
        "original_hash": sha(b"".join(chunks)),
        "grammar_id": "png_v1",
        "total_chunks": len(chunks),
        "chunks": [
            {
                "chunk_id": number,
                "offset": offset,
                "size": len(chunk),
                "hash": sha(chunk),
                "path": path,
                "path_offset": offset,
            }
            for number, (chunk, offset) in enumerate(zip(chunks, offsets(chunks), strict=True))
        ],
        **others,
    }


def job(*files: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    return {"format": "panini-job", "version": 1, "files": list(files or (job_file(),)), **others}


def write_job(store: Store, name: str = "j1.json", chunks: Sequence[bytes] = CHUNKS) -> None:
    store.write("inbox/d1/data.bin", b"".join(chunks))
    write_json(store, f"inbox/{name}", job(job_file(chunks)))
