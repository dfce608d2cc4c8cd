"""The HTTP side: connections kept open, bodies read and sent, and an end that leaves no thread behind."""

import gzip
import select
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote

from fakes.github.exchange import Answer, Request
from fakes.github.faults import Action

PIECE = 1 << 20
JOINED = 1 << 16
"""Up to this many bytes, head and body leave in one packet."""
POLL = 0.05

Respond = Callable[[Request, Action], Answer]
Due = Callable[[str, str], Action]


class Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A server on a free port of 127.0.0.1; one daemon thread a connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, respond: Respond, record: Callable[[Request], None], due: Due) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.respond, self.record, self.due = respond, record, due
        self.closing = threading.Event()
        self.crashes: list[BaseException] = []
        self._connections: set[socket.socket] = set()
        self._workers: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def close(self) -> None:
        """End every connection and wait for its thread."""
        if self.closing.is_set():
            return
        self.closing.set()
        with socket.create_connection(("127.0.0.1", self.port)):
            self._thread.join()
        self.server_close()
        with self._lock:
            connections, workers = list(self._connections), list(self._workers)
        for connection in connections:
            hang_up(connection)
        for worker in workers:
            worker.join(10)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread that `close` waits for."""
        worker = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            self._connections.add(request)
            self._workers = [thread for thread in self._workers if thread.is_alive()] + [worker]
            worker.start()

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ended."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go are no error; whatever else gets here is one of the fake."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.crashes.append(error)

    def _accept(self) -> None:
        while not self.closing.is_set():
            self.handle_request()


class Handler(BaseHTTPRequestHandler):
    """One connection; also what a fault's action sees of it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def do_GET(self) -> None:
        """Serve any method."""
        target, _, query = self.path.partition("?")
        method = self.command
        pairs = dict(parse_qsl(query, keep_blank_values=True))
        request = Request(method, unquote(target), pairs, self.headers, self._read_body(), "other")
        self._request = request
        action = self.server.due(method, request.path)
        self.server.record(request)
        answer = self.server.respond(request, action)
        action.send(self, answer)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 -- names that http.server looks up

    def send(self, answer: Answer) -> None:
        """Send a whole answer."""
        packed = self._request.headers.get("Accept-Encoding", "")
        if answer.headers.pop("x-pack", "") and "gzip" in packed and answer.status == 200:
            self._send_packed(answer)
            return
        body = memoryview(answer.body)
        if self.command == "HEAD" or answer.status in {204, 304}:
            self.wfile.write(self._head(answer))
        elif len(body) <= JOINED:
            self.wfile.write(self._head(answer) + bytes(body))
        else:
            self.send_head(answer)
            for at in range(0, len(body), PIECE):
                self.wfile.write(body[at : at + PIECE])

    def send_head(self, answer: Answer) -> None:
        """Send the status and headers of a whole answer."""
        answer.headers.pop("x-pack", None)
        self.wfile.write(self._head(answer))

    def send_piece(self, data: bytes) -> None:
        """Send a piece of the body."""
        self.wfile.write(data)

    def wait(self, event: threading.Event) -> None:
        """Wait until `event` is set or the server closes."""
        while not event.wait(POLL) and not self.server.closing.is_set():
            pass

    def wait_for_the_end(self) -> None:
        """Wait until the client goes or the server closes."""
        select.select([self.connection], [], [])
        self.drop()

    def drop(self) -> None:
        """Close the connection."""
        self.close_connection = True
        hang_up(self.connection)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing."""

    def _head(self, answer: Answer) -> bytes:
        self._request.status = answer.status
        phrase = self.responses.get(answer.status, ("Unknown",))[0]
        lines = [f"HTTP/1.1 {answer.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if answer.status not in {204, 304} and "transfer-encoding" not in answer.headers:
            lines.append(f"content-length: {len(answer.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _send_packed(self, answer: Answer) -> None:
        headers = {**answer.headers, "content-encoding": "gzip", "transfer-encoding": "chunked"}
        self.wfile.write(self._head(Answer(answer.status, b"", headers)))
        packed = gzip.compress(answer.body, 1)
        for at in range(0, len(packed), PIECE):
            piece = packed[at : at + PIECE]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self._read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self._read_line().split(b";")[0], 16):
            pieces.append(self._read(size))
            self._read_line()
        while self._read_line().strip():
            pass
        return b"".join(pieces)

    def _read(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionAbortedError(f"the client went after {len(data)} of {size} bytes")
        return data

    def _read_line(self) -> bytes:
        line = self.rfile.readline()
        if not line:
            raise ConnectionAbortedError("the client went within a chunked body")
        return line


def hang_up(connection: socket.socket) -> None:
    """End both directions, whatever thread is reading or writing."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
