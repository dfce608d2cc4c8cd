"""Finished payloads, kept on local disk until their commits have surely arrived.

A mount takes what is written and uploads it later; it can go away before, or in the middle. Then the commit is made
again from here instead of by compressing again: after an outage, after a commit vanished, after the worker died.
Everything here could be made again, so nothing here is trusted without its hash, and no failure here is an error.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from panini_daemon.compute import Compressed
from panini_daemon.recipes import SOFTWARE
from panini_daemon.storage.clock import Clock

OLDEST = 7 * 86400.0
"""Seconds after which a payload is thrown away that nobody came back for."""
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Ask:
    """What was asked of the compressors; the same ask of the same bytes gives the same payload."""

    request: str
    level: str
    exclude: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return a file name for payloads that answer this ask by this software."""
        fields = json.dumps([SOFTWARE, self.request, self.level, sorted(self.exclude)])
        return hashlib.sha256(fields.encode()).hexdigest()[:16]


def name_run(chunks: Iterable[tuple[str, int]]) -> str:
    """Return what stands for the SHA-256 of chunks that were compressed together; each is told by hash and size."""
    told = "\n".join(f"{sha256} {size}" for sha256, size in chunks)
    return hashlib.sha256(f"run\n{told}".encode()).hexdigest()


class Keep:
    """Payloads by the SHA-256 of the chunk and what was asked for, below `folder`; processes may share it.

    `limit` is in bytes, 0 to keep nothing; when it is reached the oldest go. Thread-safe.
    """

    def __init__(self, folder: Path, *, limit: int, clock: Clock) -> None:
        """Throw away what is too old. The folder is made when something is kept."""
        self._folder, self._limit, self._clock = folder, limit, clock
        self._lock = threading.Lock()
        self._size = 0
        if limit:
            with self._lock:
                self._make_room()

    def add(self, original_hash: str, ask: Ask, encoded: Compressed, payload: Path) -> None:
        """Keep a payload that was decoded and compared; the file is moved. Without room, nothing is kept."""
        if not self._limit or encoded.payload_size > self._limit:
            return
        note = json.dumps(asdict(encoded))
        with contextlib.suppress(OSError), self._lock:  # the payload may have been moved into the tree
            place = self._folder / original_hash
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            payload.replace(place / f"{ask.name}.bin")
            temporary = place / f"{ask.name}.{secrets.token_hex(4)}.tmp"
            temporary.write_text(note, encoding="utf-8")
            temporary.replace(place / f"{ask.name}.json")
            self._size += encoded.payload_size + len(note)
            if self._size > self._limit:
                self._make_room()

    def take(self, original_hash: str | None, ask: Ask, target: Path) -> Compressed | None:
        """Copy the payload kept for a chunk to `target` and return what came of it then; None where there is none."""
        if not self._limit or original_hash is None:
            return None
        place = self._folder / original_hash
        try:
            encoded = _read_note(place / f"{ask.name}.json")
            if encoded is not None and _copy(place / f"{ask.name}.bin", target) == encoded.payload_hash:
                return encoded
        except OSError:
            return None
        return None

    def drop(self, original_hash: str | None) -> None:
        """Throw away what is kept for a chunk: it has arrived, or is not wanted any more."""
        if not self._limit or original_hash is None:
            return
        with self._lock:
            place = self._folder / original_hash
            self._size = max(0, self._size - _size_of(place))
            shutil.rmtree(place, ignore_errors=True)

    def _make_room(self) -> None:
        """Look at what is really there, which other processes change too; throw the old away, the oldest first."""
        now = self._clock.now().timestamp()
        found = sorted((_age_of(place), place) for place in _list(self._folder))
        sizes = {place: _size_of(place) for _, place in found}
        self._size = sum(sizes.values())
        for written, place in found:
            if self._size > self._limit or now - written > OLDEST:
                shutil.rmtree(place, ignore_errors=True)
                self._size -= sizes[place]


def _list(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from folder.iterdir()


def _age_of(place: Path) -> float:
    with contextlib.suppress(OSError):
        return place.stat().st_mtime
    return 0.0


def _size_of(place: Path) -> int:
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        return sum(entry.stat().st_size for entry in entries)
    return 0


def _read_note(path: Path) -> Compressed | None:
    """Read what `add` wrote; None where it is not that, as after a crash or by another version."""
    try:
        fields: Any = json.loads(path.read_bytes())
        return Compressed(**{**fields, "trials": tuple((name, size, error) for name, size, error in fields["trials"])})
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as kept, target.open("wb") as copy:
        while piece := kept.read(_PIECE):
            digest.update(piece)
            copy.write(piece)
    return digest.hexdigest()
