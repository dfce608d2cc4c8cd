"""GitHub's own descriptions of its APIs, and Prism, which holds requests and answers against them: npm packages."""

import fcntl
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "tests" / "openapi"
PACKAGES = ("package.json", "package-lock.json", ".npmrc")
BUILD = ROOT / ".build" / "openapi"
LIMIT = 60.0
"""Seconds that Prism may take to start; it takes two."""
PATIENCE = 300.0
"""Seconds that the installation may take; it takes ten."""

OFFLINE = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT"
)
RETRIES = ("--fetch-retries=3", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
VIOLATION = re.compile(r'\{"location":(\[[^\]]*\])[^{}]*?"message":("(?:[^"\\]|\\.)*")\}')
LISTENING = re.compile(r"Prism is listening on http://127\.0\.0\.1:(\d+)")
END_WITH_US = "data:text/javascript,process.stdin.resume().on('end',()=>process.exit())"
"""Node ends when its standard input does, so that nothing is left of it even where the tests are killed."""


class Missing(Exception):
    """What is needed is not on this machine and cannot be had now; the text says why."""


@dataclass(frozen=True)
class Violation:
    """What Prism says is not as described, of the `request` or of the `response`."""

    side: str
    text: str


@dataclass(frozen=True)
class Given:
    """An answer that was given to a request."""

    status: int
    content_type: str
    body: bytes


def install(folder: Path = BUILD) -> Path:
    """Install the packages, unless they are there in these very versions, and return the folder they are in.

    Raises Missing without Node.js or network, AssertionError with npm's words where it fails for another reason.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Missing(f"{program} is not installed: Node.js 20 has it")
    wanted = hashlib.sha256(b"\0".join((SOURCE / name).read_bytes() for name in PACKAGES)).hexdigest()
    marker = folder / "installed.sha256"
    with _locked(folder.with_name(f"{folder.name}.lock")):
        if marker.is_file() and marker.read_text("ascii") == wanted:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in PACKAGES:
            shutil.copy(SOURCE / name, folder)
        _run_npm(folder)
        marker.write_text(wanted, "ascii")
    return folder


def check_queries(installed: Path, queries: list[str]) -> list[str]:
    """Return what GitHub's GraphQL schema has against the queries."""
    program = (
        "import { validate } from '@octokit/graphql-schema'; import { readFileSync } from 'node:fs';"
        "const found = JSON.parse(readFileSync(0, 'utf8')).flatMap(query => validate(query));"
        "console.log(JSON.stringify(found.map(String)))"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", program],
        cwd=installed,
        input=json.dumps(queries),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, f"node failed with {done.returncode}:\n{done.stderr[-3000:]}"
    return list(json.loads(done.stdout))


class Prism:
    """Prism as a proxy in front of a server that repeats given answers. Thread-safe.

    `log` gets what Prism says of each request.
    """

    def __init__(self, installed: Path, description: Path, log: Path) -> None:
        self._log = log
        self._numbers = count(1)
        self._replay = _Replay()
        program = installed / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
        upstream = f"http://127.0.0.1:{self._replay.server_address[1]}"
        options = ["--host", "127.0.0.1", "--port", "0", str(description), upstream]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["node", "--import", END_WITH_US, str(program), "proxy", *options],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._port = self._wait()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill Prism and whatever it started, and wait until it is gone."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._replay.close()

    def judge(self, method: str, target: str, headers: Mapping[str, str], body: bytes, given: Given) -> list[Violation]:
        """Return what is not as described in a request and in the answer that was given to it."""
        number = str(next(self._numbers))
        self._replay.given[number] = given
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LIMIT)
        try:
            connection.request(method, target, body or None, {**headers, _Replay.NUMBER: number})
            answer = connection.getresponse()
            said = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        found = answer.headers.get("sl-violations", "")
        violations = [_violation(json.loads(place), json.loads(text)) for place, text in VIOLATION.findall(found)]
        if found and not violations:
            raise AssertionError(f"Prism's words have a new form: {found[:1000]}")
        if self._replay.given.pop(number, None) is not None or "problem+json" in answer.headers.get_content_type():
            violations.append(Violation("request", f"Prism did not pass it on: {answer.status} {said[:1000]}"))
        return violations

    def read_log(self) -> str:
        """Return the end of what Prism said."""
        return self._log.read_text("utf-8", "replace")[-3000:]

    def _wait(self) -> int:
        deadline = time.monotonic() + LIMIT
        while not (found := LISTENING.search(self._log.read_text("utf-8", "replace"))):
            code = self._process.poll()
            assert code is None, f"Prism ended with {code}:\n{self.read_log()}"
            assert time.monotonic() < deadline, f"Prism does not listen after {LIMIT:.0f} s:\n{self.read_log()}"
            time.sleep(0.05)
        return int(found[1])


class _Replay(ThreadingHTTPServer):
    """What Prism takes for GitHub: gives each numbered request, once, the answer that is kept for it."""

    NUMBER = "x-exchange"
    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ReplayHandler)
        self.given: dict[str, Given] = {}
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _ReplayHandler(BaseHTTPRequestHandler):
    server: _Replay

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        given = self.server.given.pop(self.headers[_Replay.NUMBER])
        self.send_response(given.status)
        if given.content_type:
            self.send_header("content-type", given.content_type)
        self.send_header("content-length", str(len(given.body)))
        self.end_headers()
        self.wfile.write(given.body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 -- names that http.server looks up

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing."""


def _violation(place: list[str], text: str) -> Violation:
    return Violation(place[0], f"{'.'.join(place)}: {text}")


def _run_npm(folder: Path) -> None:
    log = folder / "npm.log"
    with log.open("wb") as output:
        try:
            code = subprocess.run(
                ["npm", "ci", *RETRIES],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=PATIENCE,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            raise Missing(f"npm ci was not done after {PATIENCE:.0f} s") from None
    said = log.read_text("utf-8", "replace")[-3000:]
    if code and OFFLINE.search(said):
        raise Missing(f"npm ci reaches no registry:\n{said}")
    assert code == 0, f"npm ci failed with {code}:\n{said}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other processes out; the lock goes with the process that has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
