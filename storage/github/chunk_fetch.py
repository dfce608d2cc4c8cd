"""Downloading a chunk of a commit into a local file, checked against what was declared."""

import errno
import hashlib
from pathlib import Path

from panini_daemon.storage.errors import ChunkMissing, HashMismatch, SizeMismatch, StoreFull
from panini_daemon.storage.github.download import Downloaded, Downloader
from panini_daemon.storage.github.errors import GithubMissing
from panini_daemon.storage.github.lfs import POINTER_LIMIT, parse_pointer
from panini_daemon.storage.github.pins import Pin, pin_of
from panini_daemon.storage.jobs import Chunk

PIECE = 1 << 20
_WHOLE = ".whole"


def fetch_chunk(downloader: Downloader, chunk: Chunk, target: Path) -> str:
    """Write the chunk's bytes to `target`, in constant memory; return their SHA-256 in hex.

    A Git LFS pointer is followed, unless the chunk is declared to be the pointer itself. Raises ChunkMissing,
    SizeMismatch, HashMismatch, StoreFull where there is no room, GithubError.
    """
    pin = pin_of(chunk)
    if not pin.sha:
        raise ChunkMissing(f"{chunk.name}: its commit has no {pin.path}; expected {chunk.size} bytes; push it")
    # The data may be a part of a file that holds more.
    whole = chunk.data_offset == 0 and chunk.size == chunk.data_size
    place = target if whole else target.with_name(target.name + _WHOLE)
    try:
        found = _download(downloader, chunk, pin, place, whole=whole)
        digest = found.sha256 if whole else _cut(chunk, place, target)
    except GithubMissing as error:
        raise ChunkMissing(f"{chunk.name}: {pin.path}: {error}") from error
    finally:
        if not whole:
            place.unlink(missing_ok=True)
    if chunk.original_hash not in (None, digest):
        raise HashMismatch(
            f"{chunk.name}: {pin.path} has SHA-256 {digest}; expected {chunk.original_hash}; "
            "push the chunk again, or its manifest"
        )
    return digest


def _download(downloader: Downloader, chunk: Chunk, pin: Pin, place: Path, *, whole: bool) -> Downloaded:
    found = downloader.blob(pin.sha, place)
    what = pin.path
    if found.size < POINTER_LIMIT:
        data = place.read_bytes()
        pointer = parse_pointer(data)
        if pointer is not None and not _is_itself(chunk, data, whole=whole):
            what = f"{pin.path}, by its Git LFS pointer,"
            _check_size(chunk, pointer.size, what, whole=whole)
            if whole and chunk.original_hash not in (None, pointer.oid):
                raise HashMismatch(
                    f"{chunk.name}: {what} has SHA-256 {pointer.oid}; expected {chunk.original_hash}; "
                    "push the chunk again, or its manifest"
                )
            found = downloader.lfs(pointer, place)
    _check_size(chunk, found.size, what, whole=whole)
    return found


def _is_itself(chunk: Chunk, data: bytes, *, whole: bool) -> bool:
    """Tell whether the chunk is declared to be these bytes, whatever they look like."""
    part = data[chunk.data_offset : chunk.data_offset + chunk.size]
    if chunk.original_hash is not None:
        return hashlib.sha256(part).hexdigest() == chunk.original_hash
    return whole and len(data) == chunk.size


def _check_size(chunk: Chunk, size: int, what: str, *, whole: bool) -> None:
    end = chunk.data_offset + chunk.size
    if size < end or (whole and size > end):
        least = "" if whole else "at least "
        raise SizeMismatch(
            f"{chunk.name}: {what} has {size} bytes; expected {least}{end}; push the chunk again, or its manifest"
        )


def _cut(chunk: Chunk, place: Path, target: Path) -> str:
    digest, left = hashlib.sha256(), chunk.size
    try:
        with place.open("rb") as source, target.open("wb") as file:
            source.seek(chunk.data_offset)
            while left and (piece := source.read(min(PIECE, left))):
                digest.update(piece)
                file.write(piece)
                left -= len(piece)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(
                f"{target} has no room for {chunk.size} bytes; free local disk space; the chunk is fetched again"
            ) from error
        raise
    return digest.hexdigest()
