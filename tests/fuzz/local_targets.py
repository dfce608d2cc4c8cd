"""What programs of this machine say: rclone over its remote control, and notes of an earlier process on local disk."""

import hashlib
import json
import random
import shutil
import socketserver
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from pathlib import Path

from fakes.clock import FakeClock

from fuzz.mutation import mutate_json
from fuzz.target import Target, raw
from panini_daemon.compute import Compressed
from panini_daemon.keeping import Ask, Keep
from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.upload_flags import RcloneQueue

_GROUP = "local"
_ANSWER = {
    "vfses": ["drive:"],
    "queue": [{"name": "PaniniFS/inbox/a.json", "size": 1, "tries": 0, "uploading": False}],
    "opt": {"DirCacheTime": 20_000_000_000, "WriteBack": 2_000_000_000},
}
_PAYLOAD = b"a payload"
_CHUNK = "c" * 64
_ASK = Ask("auto", "balanced")
_NOTE = {
    "method": "generic_zstd_v1",
    "reconstruction": "zstd",
    "parameters": {},
    "kind": "text",
    "seconds": 0.5,
    "payload_size": len(_PAYLOAD),
    "payload_hash": hashlib.sha256(_PAYLOAD).hexdigest(),
    "trials": [["generic_zstd_v1", 9, None], ["text_v1", None, "no"]],
    "device": "cpu",
}


def local_targets() -> Iterator[Target]:
    """Yield the targets."""
    yield Target("rclone.control", _GROUP, _answers, _control, (float,), (StoreUnavailable,), _mutate_answer, share=0.3)
    yield Target(
        "keep.note", _GROUP, lambda: [json.dumps(_NOTE).encode()], _keep, (Compressed, type(None)), (), share=0.3
    )


def _answers() -> list[bytes]:
    return [json.dumps(_ANSWER).encode(), json.dumps({**_ANSWER, "queue": []}).encode()]


def _mutate_answer(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Change what is answered; now and then the whole response, head and all."""
    body = mutate_json(seeds, chance)
    return raw([_response(body)], chance) if chance.random() < 0.3 else body


def _response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class _Server(socketserver.UnixStreamServer):
    """Answers every request with the same bytes, then hangs up."""

    response = b""


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = 0
        while line := self.rfile.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self.rfile.read(length)
        assert isinstance(self.server, _Server)
        self.wfile.write(self.server.response)


class _Quiet(_Server):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that hung up before it had read everything."""


def _control() -> Callable[[bytes], object]:
    folder = Path(tempfile.mkdtemp(prefix="panini-fuzz-"))
    server = _Quiet(str(folder / "rc"), _Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    queue = RcloneQueue(folder / "rc")

    def run(case: bytes) -> object:
        server.response = case if case.startswith(b"HTTP") else _response(case)
        assert isinstance(queue(["/mnt/PaniniFS/inbox/a.json"]), bool)
        seconds = queue.delay()
        assert isfinite(seconds)
        assert seconds >= 0
        return seconds

    weakref.finalize(run, _end, server, folder)
    return run


def _end(server: _Server, folder: Path) -> None:
    server.shutdown()
    server.server_close()
    shutil.rmtree(folder, ignore_errors=True)


def _keep() -> Callable[[bytes], object]:
    folder = Path(tempfile.mkdtemp(prefix="panini-fuzz-"))
    keep = Keep(folder / "kept", limit=1 << 30, clock=FakeClock())
    place = folder / "kept" / _CHUNK
    place.mkdir(parents=True)
    (place / f"{_ASK.name}.bin").write_bytes(_PAYLOAD)

    def run(case: bytes) -> object:
        (place / f"{_ASK.name}.json").write_bytes(case)
        found = keep.take(_CHUNK, _ASK, folder / "target")
        assert found is None or (folder / "target").read_bytes() == _PAYLOAD
        return found

    weakref.finalize(run, shutil.rmtree, folder, ignore_errors=True)
    return run
