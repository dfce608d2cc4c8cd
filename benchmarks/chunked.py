"""Files cut as the chunker cuts them, through the daemon, beside the same files as one chunk each."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from panini_daemon.compressors import Level
from panini_daemon.storage.json_output import write_json

_PIECE = 1 << 20
_Sizes = dict[str, int]


def measure_chunked(paths: Sequence[Path], level: Level) -> dict[str, _Sizes]:
    """Return, for `cut` files and `whole` ones, the bytes of all payloads, of all recipes, and the chunks.

    The daemon verifies every chunk before it commits it; each file is restored and compared besides.
    """
    return {
        "cut": _through_daemon({path: list(cut(path.read_bytes())) for path in paths}, level),
        "whole": _through_daemon({path: [path.read_bytes()] for path in paths}, level),
    }


def cut(data: bytes) -> Iterator[bytes]:
    """Yield a PNG's signature and chunks, a JPEG's segments, of any other file pieces of 1 MB."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        ends = _cut_png(data)
    elif data[:3] == b"\xff\xd8\xff":
        ends = _cut_jpeg(data)
    else:
        ends = iter(range(_PIECE, len(data), _PIECE))
    start = 0
    for end in ends:
        if start < end < len(data):
            yield data[start:end]
            start = end
    yield data[start:]


def _cut_png(data: bytes) -> Iterator[int]:
    at = 8
    while at < len(data):
        yield at
        at += 12 + int.from_bytes(data[at : at + 4], "big")


def _cut_jpeg(data: bytes) -> Iterator[int]:
    """Yield where segments end; what follows the start of a scan is one piece, up to the last marker of all."""
    at = 2
    yield at
    while data[at : at + 1] == b"\xff" and data[at + 1] not in (0xDA, 0xD9):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield at
    yield at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    yield len(data) - 2


def _through_daemon(files: dict[Path, list[bytes]], level: Level) -> _Sizes:
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "root", Path(folder) / "out"
        _call(root, level, "run", "--once", "--quiet")  # makes the tree
        for number, (path, pieces) in enumerate(files.items()):
            _send(root / "inbox" / f"{number:04d}-{path.name}", pieces)
        _call(root, level, "run", "--once", "--quiet")
        chunks = root / "compressed_chunks"
        for number, path in enumerate(files):
            _call(root, level, "restore", f"{number:04d}-{path.name}", "--output", str(out))
            if out.read_bytes() != path.read_bytes():
                raise SystemExit(f"{path} does not come back")
        return {
            "payloads": sum(path.stat().st_size for path in chunks.rglob("*.bin")),
            "recipes": sum(path.stat().st_size for path in chunks.rglob("recipe.json")),
            "chunks": sum(1 for _ in chunks.rglob("recipe.json")),
        }


def _send(folder: Path, pieces: list[bytes]) -> None:
    """Put a chunk tree into the inbox, its manifest last."""
    described, offset = [], 0
    for number, piece in enumerate(pieces):
        place = folder / f"chunk_{number:04d}"
        place.mkdir(parents=True)
        (place / "data.bin").write_bytes(piece)
        told = {"chunk_id": number, "offset": offset, "size": len(piece), "hash": sha256(piece).hexdigest()}
        (place / "metadata.json").write_text(json.dumps({**told, "original_hash": told["hash"], "status": "pending"}))
        described.append(told)
        offset += len(piece)
    manifest = {"base_name": folder.name, "total_chunks": len(pieces), "total_size": offset, "chunks": described}
    (folder / "manifest.json").write_bytes(write_json(manifest))


def _call(root: Path, level: Level, *arguments: str) -> None:
    settings = {
        "PANINI_ROOT": str(root),
        "PANINI_LEVEL": str(level),
        "PANINI_DEDUP": "false",
        "PANINI_CPU_WORKERS": "1",
    }
    settings["PANINI_POLL_MIN"] = "10ms"
    command = [sys.executable, "-m", "panini_daemon", *arguments]
    subprocess.run(command, env={**os.environ, **settings}, check=True, stdout=subprocess.DEVNULL)
