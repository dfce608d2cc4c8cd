"""A worker's default id: its own among all that live, and the same again after a crash."""

import contextlib
import fcntl
import itertools
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from panini_daemon.spool import unavailable

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@contextlib.contextmanager
def default_worker(spool: Path) -> Iterator[str]:
    """Lend this process an id made of the host's name and a random part that is kept in the local spool folder.

    A locked file tells whether another living process has an id. So a process that follows one that was killed on
    the same machine takes up its id, and with it its leases at once, its log and its status file; two living ones,
    or two machines, never share one. Raises SpoolUnavailable.
    """
    try:
        file, worker = _claim(spool / "ids")
    except OSError as error:
        raise unavailable(spool, error) from error
    with file:
        yield worker


def _claim(folder: Path) -> tuple[TextIO, str]:
    """Return the first id that no living process has, and the locked file that says so while it is open."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in itertools.count(1):
        file = (folder / f"{number}.id").open("a+", encoding="ascii", errors="replace")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        file.seek(0)
        if not _ID.fullmatch(worker := file.read().strip()):
            worker = f"{_host()}-{secrets.token_hex(3)}"
            file.truncate(0)
            file.write(worker)
            file.flush()
        return file, worker
    raise AssertionError


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname()).strip("-")[:40] or "worker"
