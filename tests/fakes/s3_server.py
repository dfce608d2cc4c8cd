"""Real S3 servers as processes: one that obeys conditions on writes, one that ignores them."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fakes.daemon_process import wait_until

BUCKET = "bucket"
KEY, SECRET = "AKIATESTTESTTEST", "a-secret-that-nobody-may-ever-see"


@dataclass(frozen=True, slots=True)
class S3Server:
    """A server's endpoint."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """What a client has to find in its environment."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }


@contextmanager
def conditional_server() -> Iterator[S3Server]:
    """Run moto's server, which obeys If-Match and If-None-Match, with one bucket."""
    program = Path(__file__).with_name("moto_server.py")
    with _process([sys.executable, str(program)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        server = S3Server(f"http://127.0.0.1:{int(process.stdout.readline())}")
        urllib.request.urlopen(urllib.request.Request(f"{server.endpoint}/{BUCKET}", method="PUT")).close()
        yield server


@contextmanager
def unconditional_server(folder: Path) -> Iterator[S3Server]:
    """Run `rclone serve s3` over a folder, which ignores conditions on writes, with one bucket."""
    rclone = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")
    assert rclone, "the development environment has rclone"
    (folder / BUCKET).mkdir(parents=True)
    address = f"127.0.0.1:{_free_port()}"
    command = [rclone, "serve", "s3", "--addr", address, "--auth-key", f"{KEY},{SECRET}", str(folder)]
    with _process(command, stdout=subprocess.DEVNULL):
        wait_until(lambda: _answers(f"http://{address}/"), "rclone's server", 30)
        yield S3Server(f"http://{address}")


@contextmanager
def _process(command: list[str], stdout: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        time.sleep(0.05)
        return False
    return True
