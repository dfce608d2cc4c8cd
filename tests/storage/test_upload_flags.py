"""What a mount tells of its uploads."""

import json
import os
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.upload_flags import RcloneQueue, read_drive_ids

DRIVE_ID = "user.drive.id"


def set_drive_id(path: Path, value: bytes) -> None:
    try:
        os.setxattr(path, DRIVE_ID, value)
    except OSError as error:
        pytest.skip(f"this file system keeps no extended attributes: {error}")


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param((None, None), None, id="none has one"),
        pytest.param((b"1AbCdEf", b"1GhIjKl"), None, id="all were uploaded once, which tells nothing of this version"),
        pytest.param((b"1AbCdEf", b"local-17"), False, id="one was never uploaded"),
        pytest.param((b"local-17", None), False, id="one was never uploaded, one has none"),
    ],
)
def test_googles_mount_tells_what_is_only_on_this_machine(
    ids: tuple[bytes | None, ...], expected: bool | None, tmp_path: Path
) -> None:
    for number, value in enumerate(ids):
        (tmp_path / f"{number}").write_bytes(b"x")
        if value is not None:
            set_drive_id(tmp_path / f"{number}", value)
    assert LocalStore(tmp_path).arrived([f"{number}" for number in range(len(ids))]) is expected


def test_a_file_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    assert read_drive_ids([str(tmp_path / "absent")]) is None


# --- rclone


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[dict[str, Any]], Path]]:
    """Answer over a Unix socket as rclone's remote control does: by command, and for queues by the mount's name."""
    servers: list[socketserver.UnixStreamServer] = []

    def start(answers: dict[str, Any]) -> Path:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                found = answers.get(self.path.strip("/") + ":" + fields.get("fs", ""))
                data = found if isinstance(found, bytes) else json.dumps(found or {"error": "no such"}).encode()
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def address_string(self) -> str:
                return "unix"

            def log_message(self, *_: object) -> None:
                pass

        address = tmp_path / f"{len(servers)}.sock"
        servers.append(socketserver.UnixStreamServer(str(address), Handler))
        threading.Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return address

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def queue(*names: str) -> dict[str, Any]:
    return {"queue": [{"name": name, "size": 1, "tries": 0, "uploading": False} for name in names]}


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        ((), True),
        (("PaniniFS/inbox/job.json",), True),
        (("PaniniFS/chunks/a/recipe.json",), False),
        (("chunks/a/recipe.json",), False),
        (("s/a/recipe.json",), True),
    ],
)
def test_what_is_in_rclones_queue_has_not_arrived(
    waiting: tuple[str, ...], expected: bool, serve: Callable[[dict[str, Any]], Path]
) -> None:
    answers = {"vfs/list:": {"vfses": ["one:", "two:"]}, "vfs/queue:one:": queue(), "vfs/queue:two:": queue(*waiting)}
    flags = RcloneQueue(serve(answers))
    assert flags(["/mnt/PaniniFS/chunks/a/compressed.bin", "/mnt/PaniniFS/chunks/a/recipe.json"]) is expected


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"vfs/list:": b"no JSON"},
        {"vfs/list:": {"vfses": 7}},
        {"vfs/list:": {"vfses": ["one:"]}},
        {"vfs/list:": {"vfses": ["one:"]}, "vfs/queue:one:": {"queue": [{"no name": 1}]}},
    ],
)
def test_an_answer_that_is_none_is_no_knowledge(
    answers: dict[str, Any], serve: Callable[[dict[str, Any]], Path]
) -> None:
    with pytest.raises(StoreUnavailable, match="rclone_socket"):
        RcloneQueue(serve(answers))(["/mnt/a"])


def test_an_rclone_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="rclone mount --rc"):
        RcloneQueue(tmp_path / "absent.sock")(["/mnt/a"])


@pytest.mark.parametrize("told", [float("nan"), float("inf"), 10**400, -1, "20s", True])
def test_a_time_that_is_none_is_no_answer(told: object, serve: Callable[[dict[str, Any]], Path]) -> None:
    stats = {"opt": {"DirCacheTime": told, "WriteBack": 1}}
    with pytest.raises(StoreUnavailable, match="rclone_socket"):
        RcloneQueue(serve({"vfs/list:": {"vfses": ["a:"]}, "vfs/stats:a:": stats})).delay()


def test_what_rclones_mounts_may_hide_is_told_in_seconds(serve: Callable[[dict[str, Any]], Path]) -> None:
    def stats(cache: float, write_back: float) -> dict[str, Any]:
        return {"opt": {"DirCacheTime": int(cache * 1e9), "WriteBack": int(write_back * 1e9)}}

    answers = {"vfs/list:": {"vfses": ["a:", "b:"]}, "vfs/stats:a:": stats(5, 1), "vfs/stats:b:": stats(20, 2.5)}
    assert RcloneQueue(serve(answers)).delay() == 22.5
    with pytest.raises(StoreUnavailable, match="rclone_socket"):
        RcloneQueue(serve({"vfs/list:": {"vfses": []}})).delay()
