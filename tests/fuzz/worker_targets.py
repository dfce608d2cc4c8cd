"""A whole worker over a real tree in whose inbox is whatever others put there."""

import contextlib
import json
import os
from collections.abc import Iterator

from fakes.bench import Bench
from fakes.clock import FakeClock
from fakes.deliveries import CHUNKS, dispatch, job, job_file, metadata, tree_manifest

from fuzz.scene import Scene, in_tree
from fuzz.target import Target, raw
from panini_daemon.storage.local import LocalStore

_GROUP = "tree"


def worker_targets() -> Iterator[Target]:
    """Yield the targets."""
    yield Target("service", _GROUP, _forms, in_tree(_serve), (int,), (), share=0.05, seconds=30.0)
    yield Target("service.names", _GROUP, _file_names, in_tree(_serve_names), (int,), (), raw, share=0.05, seconds=30.0)


def _file_names() -> list[bytes]:
    return [
        b"photo.png",
        b"\xff\xfe\nphoto\xcc\x81",
        "Ünï\nünï\ncopy (1)".encode(),
        b"a\\b\n\x1b[2J\n~\n-rf",
        b"CON\naux. \n.hidden",
    ]


def _forms() -> list[bytes]:
    forms = (job(job_file()), job(job_file(base="other", path="d2/x.bin")), dispatch(1), tree_manifest())
    return [json.dumps(form).encode() for form in forms]


def _serve(scene: Scene, store: LocalStore, case: bytes) -> object:
    """Let a whole worker do what is in the inbox."""
    for folder in ("d1", "d2"):
        store.write(f"inbox/{folder}/data.bin", b"".join(CHUNKS))
    for number in range(3):
        store.write(f"inbox/photo.png/chunk_{number:04d}/data.bin", CHUNKS[number])
        store.write(f"inbox/photo.png/chunk_{number:04d}/metadata.json", json.dumps(metadata(number)).encode())
    store.write("inbox/photo.png/manifest.json", case)
    store.write("inbox/j.json", case)
    return _work(scene, store)


def _serve_names(scene: Scene, store: LocalStore, case: bytes) -> object:
    """Let a whole worker do what lies under names that the case chose: jobs, trees, chunk folders and data files."""
    names = [
        name for name in case.replace(b"/", b"").replace(b"\0", b"").split(b"\n") if name not in (b"", b".", b"..")
    ]
    for name in names[:6]:
        short = name[:240]
        for path, data in (
            (short + b".json", json.dumps(job(job_file(path="d1/data.bin"))).encode()),
            (short + b"/manifest.json", json.dumps(tree_manifest(CHUNKS[:1])).encode()),
            (short + b"/chunk_0000/data.bin", CHUNKS[0]),
            (b"tree/" + short + b"/data.bin", CHUNKS[0]),
            (b"tree/chunk_0000/" + short, CHUNKS[0]),
        ):
            with contextlib.suppress(OSError):
                place = scene.root / "inbox" / os.fsdecode(path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
    return _work(scene, store)


def _work(scene: Scene, store: LocalStore) -> int:
    """Let a worker end with everything done or given up; no step of it may fail in a way that nobody foresaw."""
    folder = scene.root / "bench"
    folder.mkdir()
    bench = Bench(folder, store, FakeClock())  # type: ignore[arg-type]
    try:
        bench.run()
    finally:
        bench.close()
    said = bench.screen.getvalue()
    assert "round_failed" not in said, said[-3000:]
    assert "traceback" not in said, said[-3000:]
    assert bench.service.fatal is None
    return 0
