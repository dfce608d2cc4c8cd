"""Chunk trees as the PaniniFS chunker commits them."""

import hashlib
import json
from collections.abc import Mapping, Sequence

FOLDER = "pending_compression"


def chunk_tree(
    base: str, chunks: Sequence[bytes], *, folder: str = FOLDER, status: str = "pending", **manifest: object
) -> dict[str, bytes]:
    """Return the files of one base: its manifest, and data and metadata of each chunk, by path."""
    place = f"{folder}/{base}" if folder else base
    files, entries, offset = {}, [], 0
    for number, data in enumerate(chunks):
        digest = hashlib.sha256(data).hexdigest()
        entry = {"chunk_id": number, "offset": offset, "size": len(data), "hash": digest, "pattern": "text"}
        metadata = {
            "chunk_id": number,
            "offset": offset,
            "size": len(data),
            "original_hash": digest,
            "pattern_type": "text",
            "dependencies": [],
            "status": status,
            "created_at": "2026-05-04T09:12:55Z",
        }
        where = f"{place}/chunk_{number:04d}"
        files[f"{where}/data.bin"] = data
        files[f"{where}/metadata.json"] = (json.dumps(metadata, indent=2) + "\n").encode()
        entries.append(entry)
        offset += len(data)
    told = {"base_name": base, "total_chunks": len(chunks), "created_at": "2026-05-04T09:12:55Z", **manifest}
    files[f"{place}/manifest.json"] = json.dumps({**told, "chunks": entries}, indent=2).encode()
    return files


def statuses(read: Mapping[str, bytes]) -> dict[str, str]:
    """Return the status in each metadata.json of `read`, by chunk folder."""
    return {
        path.removesuffix("/metadata.json"): json.loads(data)["status"]
        for path, data in read.items()
        if path.endswith("/metadata.json")
    }
