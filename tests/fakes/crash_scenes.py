"""Jobs of every kind, for runs in which something breaks: how each is sent, and what must come of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fakes import deliveries
from fakes.clock import FakeClock

from panini_daemon.storage.store import Store
from panini_daemon.storage.submission import submit

PIECES = tuple((f"{number} is the number of this piece. " * 12).encode() for number in range(3))
WRONG = "0" * 64


@dataclass(frozen=True, slots=True)
class Scene:
    """One delivery. `send` writes it into the inbox, the same bytes each time.

    `good` are the chunks that must be committed, by their folder under compressed_chunks/; `bad` those that can never
    be, with `reason`, the error that their job must be given up for. Both tell the bytes.
    """

    name: str
    send: Callable[[Store, Path], None]
    good: Mapping[str, bytes]
    bad: Mapping[str, bytes]
    reason: str = ""
    removal_delay: float = 0.0
    needs_rename: bool = False
    """Whether a half-written manifest of the worker's own making would make it another job: on a disk there is none."""
    solid: bool = False
    """Whether workers compress neighbouring chunks together."""

    @property
    def fails(self) -> bool:
        """Whether the job must end in failed/."""
        return bool(self.reason)


def scenes() -> list[Scene]:
    """Return one scene for each kind of job."""
    one, several = _chunks("play.txt", PIECES[:1]), _chunks("play.txt", PIECES)
    photo, whole = _chunks("photo.png", PIECES), b"".join(PIECES)
    return [
        Scene("one chunk", _submit(("play.txt", PIECES[0])), one, {}),
        Scene("small chunks together", _submit(("play.txt", whole), size=len(PIECES[0])), several, {}),
        Scene("two jobs", _submit(("a.txt", PIECES[0]), ("b.txt", PIECES[1])), _bases("a.txt", "b.txt"), {}),
        Scene("several files in one job", _send_files, _bases("a.txt", "b.txt"), {}),
        Scene("chunk tree", _send_tree, photo, {}),
        Scene("tree without manifest", _send_bare_tree, photo, {}, needs_rename=True),
        Scene("dispatch payload", _send_dispatch, _only(photo, 1), {}),
        Scene("hash undeclared", _send_undeclared, _only(photo, 1), {}),
        Scene("bad chunk", _send_bad, _only(photo, 0, 2), _only(photo, 1), "HashMismatch"),
        Scene("bad chunk in a tree", _send_bad_tree, _only(photo, 0, 2), _only(photo, 1), "HashMismatch"),
        Scene("one run", _submit(("play.txt", whole), size=len(PIECES[0])), several, {}, solid=True),
        Scene("run of a tree", _send_tree, photo, {}, solid=True),
        Scene("bad chunk in a run", _send_bad, _only(photo, 0, 2), _only(photo, 1), "HashMismatch", solid=True),
        Scene(
            "one run, removed late",
            _submit(("play.txt", whole), size=len(PIECES[0])),
            several,
            {},
            removal_delay=30.0,
            solid=True,
        ),
        Scene("no manifest at all", _send_nonsense, {}, {}, "ManifestInvalid"),
        Scene("one chunk, removed late", _submit(("play.txt", PIECES[0])), one, {}, removal_delay=30.0),
        Scene("chunk tree, removed late", _send_tree, photo, {}, removal_delay=30.0),
        Scene("small chunks, removed late", _submit(("play.txt", whole), size=len(PIECES[0])), several, {}, "", 30.0),
    ]


def scene(name: str) -> Scene:
    """Return the scene of this name."""
    (found,) = [one for one in scenes() if one.name == name]
    return found


def _chunks(base: str, pieces: tuple[bytes, ...]) -> dict[str, bytes]:
    return {f"{base}/chunk_{number:04d}": piece for number, piece in enumerate(pieces)}


def _bases(*names: str) -> dict[str, bytes]:
    return {f"{name}/chunk_0000": piece for name, piece in zip(names, PIECES, strict=False)}


def _only(chunks: dict[str, bytes], *numbers: int) -> dict[str, bytes]:
    return {name: data for number, (name, data) in enumerate(chunks.items()) if number in numbers}


def _submit(*files: tuple[str, bytes], size: int = 1 << 20) -> Callable[[Store, Path], None]:
    def send(store: Store, folder: Path) -> None:
        paths = [folder / name for name, _ in files]
        for path, (_, data) in zip(paths, files, strict=True):
            path.write_bytes(data)
        submit(store, paths, clock=FakeClock(), chunk_size=size)

    return send


def _send_files(store: Store, _: Path) -> None:
    described = []
    for name, piece in zip(("a.txt", "b.txt"), PIECES, strict=False):
        store.write(f"inbox/d1/{name}", piece)
        described.append(deliveries.job_file((piece,), name, f"d1/{name}", name=name))
    deliveries.write_json(store, "inbox/j1.json", deliveries.job(*described))


def _send_tree(store: Store, _: Path) -> None:
    deliveries.write_tree(store, "inbox/photo.png", PIECES)


def _send_bare_tree(store: Store, _: Path) -> None:
    for number in range(len(PIECES)):
        deliveries.write_chunk(store, "inbox/photo.png", number, PIECES)


def _send_dispatch(store: Store, _: Path) -> None:
    deliveries.write_chunk(store, "inbox/pending_compression/photo.png", 1, PIECES)
    payload = deliveries.dispatch(1, chunk_info=deliveries.chunk_info(1, chunks=PIECES))
    deliveries.write_json(store, "inbox/dispatch.json", payload)


def _send_undeclared(store: Store, _: Path) -> None:
    folder = "inbox/photo.png/chunk_0001"
    told = deliveries.metadata(1, PIECES)
    store.write(f"{folder}/data.bin", PIECES[1])
    store.write(f"{folder}/metadata.json", json.dumps({**told, "original_hash": None}).encode())
    info = {**deliveries.chunk_info(1, chunks=PIECES), "hash": None}
    deliveries.write_json(store, "inbox/dispatch.json", deliveries.dispatch(1, chunk_info=info))


def _send_bad(store: Store, _: Path) -> None:
    described = deliveries.job_file(PIECES)
    described["chunks"][1]["hash"] = WRONG
    del described["original_hash"]
    for number, piece in enumerate(PIECES):
        store.write(f"inbox/d1/{number}.bin", piece)
        described["chunks"][number] |= {"path": f"d1/{number}.bin", "path_offset": 0}
    deliveries.write_json(store, "inbox/j1.json", deliveries.job(described))


def _send_bad_tree(store: Store, _: Path) -> None:
    manifest = deliveries.tree_manifest(PIECES)
    manifest["chunks"][1]["hash"] = WRONG
    for number, piece in enumerate(PIECES):
        folder = f"inbox/photo.png/chunk_{number:04d}"
        told = deliveries.metadata(number, PIECES)
        store.write(f"{folder}/data.bin", piece)
        deliveries.write_json(
            store, f"{folder}/metadata.json", told | ({"original_hash": WRONG} if number == 1 else {})
        )
    deliveries.write_json(store, "inbox/photo.png/manifest.json", manifest)


def _send_nonsense(store: Store, _: Path) -> None:
    deliveries.write_json(store, "inbox/j1.json", {"format": "panini-job", "version": 1, "files": "none"})
