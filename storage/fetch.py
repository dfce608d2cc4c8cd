"""Copying a chunk out of the store into a local file, checked against what was declared."""

import errno
import hashlib
from pathlib import Path
from typing import BinaryIO

from panini_daemon.storage.errors import (
    ChunkMissing,
    HashMismatch,
    NotFound,
    SizeMismatch,
    StillArriving,
    StoreFull,
)
from panini_daemon.storage.jobs import Chunk
from panini_daemon.storage.store import Store

PIECE = 256 * 1024


def fetch(store: Store, chunk: Chunk, target: Path) -> str:
    """Copy the chunk's bytes to `target`, in constant memory; return their SHA-256 in hex.

    Raises ChunkMissing where the data file is not there, StillArriving where it is too short, SizeMismatch where
    it is longer than declared, HashMismatch, UnsafeName for a link, StoreFull where `target` has no room.
    """
    try:
        with store.open(chunk.data_path) as source:
            digest, size = _copy(source, chunk, target)
            longer = chunk.data_size is not None and size == chunk.size and bool(source.read(1))
    except NotFound as error:
        raise ChunkMissing(
            f"{chunk.name}: found no {chunk.data_path}; expected {chunk.size} bytes; upload the chunk again"
        ) from error
    if size < chunk.size:
        raise StillArriving(
            f"{chunk.name}: found {size} bytes at {chunk.data_offset} of {chunk.data_path}; "
            f"expected {chunk.size}; wait for the upload, or upload the chunk again"
        )
    if longer:
        found = store.stat(chunk.data_path).size
        raise SizeMismatch(
            f"{chunk.name}: {chunk.data_path} has {found} bytes; expected {chunk.data_size}; "
            "upload the chunk again, or its manifest"
        )
    if chunk.original_hash not in (None, digest):
        raise HashMismatch(
            f"{chunk.name}: {chunk.data_path} has SHA-256 {digest}; expected {chunk.original_hash}; "
            "upload the chunk again"
        )
    return digest


def _copy(source: BinaryIO, chunk: Chunk, target: Path) -> tuple[str, int]:
    digest, left = hashlib.sha256(), chunk.size
    source.seek(chunk.data_offset)
    try:
        with target.open("wb") as file:
            while left and (piece := source.read(min(PIECE, left))):
                digest.update(piece)
                file.write(piece)
                left -= len(piece)
    except OSError as error:  # the store's own errors are no OSErrors: this is the local file's
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(
                f"{target} has no room for {chunk.size} bytes; free local disk space; the chunk is fetched again"
            ) from error
        raise
    return digest.hexdigest(), chunk.size - left
