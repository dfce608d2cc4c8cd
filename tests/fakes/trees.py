"""Small committed trees to read from."""

import gzip
import hashlib
import json

from fakes.memory_store import MemoryStore

from panini_daemon.storage.recipe import format_recipe


def commit(store: MemoryStore, folder: str, data: bytes, *, chunk_id: int, offset: int, **changes: object) -> None:
    """Commit one gzip chunk into `folder`."""
    payload = gzip.compress(data, mtime=0)
    fields = {
        "version": "1.1",
        "chunk_id": chunk_id,
        "original_hash": hashlib.sha256(data).hexdigest(),
        "compression_method": "generic_gzip_v1",
        "reconstruction": {"method": "gzip_decompress"},
        "assembly_info": {"offset": offset, "size": len(data)},
        "payload_hash": hashlib.sha256(payload).hexdigest(),
        **changes,
    }
    store.write(f"{folder}/recipe.json", format_recipe(fields))
    store.write(f"{folder}/compressed.bin", payload)


def commit_file(store: MemoryStore, base: str, pieces: list[bytes], *, manifest: bool = True) -> bytes:
    """Commit a file of these pieces under compressed_chunks/<base>; return the whole."""
    offset = 0
    for number, piece in enumerate(pieces):
        commit(store, f"compressed_chunks/{base}/chunk_{number:04d}", piece, chunk_id=number, offset=offset)
        offset += len(piece)
    whole = b"".join(pieces)
    if manifest:
        store.write(f"compressed_chunks/{base}/manifest.json", json.dumps(describe(base, pieces)).encode())
    return whole


def commit_run(store: MemoryStore, base: str, pieces: list[bytes], **changes: object) -> str:
    """Commit a file of these pieces as slices of one gzip run; return the run's path in the tree."""
    whole = b"".join(pieces)
    payload = gzip.compress(whole, mtime=0)
    run = f"{base}/run_{hashlib.sha256(payload).hexdigest()}.bin"
    offset = 0
    for number, piece in enumerate(pieces):
        told = {"run": run, "run_size": len(payload), "method": "generic_gzip_v1", "parameters": {}}
        fields = {
            "version": "1.1",
            "chunk_id": number,
            "original_hash": hashlib.sha256(piece).hexdigest(),
            "compression_method": "solid_slice_v1",
            "reconstruction": {
                "method": "solid_slice",
                "parameters": {**told, "decoded_size": len(whole), "offset": offset, **changes},
            },
            "assembly_info": {"offset": offset, "size": len(piece), "total_chunks": len(pieces)},
            "payload_hash": hashlib.sha256().hexdigest(),
            "base": base,
        }
        store.write(f"compressed_chunks/{base}/chunk_{number:04d}/recipe.json", format_recipe(fields))
        store.write(f"compressed_chunks/{base}/chunk_{number:04d}/compressed.bin", b"")
        offset += len(piece)
    store.write(f"compressed_chunks/{run}", payload)
    store.write(f"compressed_chunks/{base}/manifest.json", json.dumps(describe(base, pieces)).encode())
    return f"compressed_chunks/{run}"


def describe(base: str, pieces: list[bytes]) -> dict[str, object]:
    """Return the manifest of a file of these pieces."""
    whole = b"".join(pieces)
    return {
        "base_name": base,
        "total_chunks": len(pieces),
        "total_size": len(whole),
        "original_hash": hashlib.sha256(whole).hexdigest(),
        "chunks": [{"chunk_id": number, "size": len(piece)} for number, piece in enumerate(pieces)],
    }
