"""The tree's fixed shape: its folders, the paths in them, and the marker that says that the root is there."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from panini_daemon.storage.clock import Clock, iso
from panini_daemon.storage.errors import ManifestInvalid, NotFound, RootLost, RootUnsupported
from panini_daemon.storage.json_input import parse_object
from panini_daemon.storage.names import OWN_PREFIX, safe_name
from panini_daemon.storage.store import Store

MARKER = ".panini-root.json"
FORMAT = 1
_LARGEST = 1 << 16
"""Bytes that are read of a marker."""

INBOX = "inbox"
CHUNKS = "compressed_chunks"
LEASES = "leases"
FAILED = "failed"
DONE = "done"
LOGS = "logs"
STATUS = "status"
MODELS = "models"
REPORTS = "reports"
INDEX = "index"
"""Hints at which bytes lie where; made when there is one, and not missed."""
FOLDERS = (INBOX, CHUNKS, LEASES, FAILED, DONE, LOGS, STATUS, MODELS, REPORTS)


@dataclass(frozen=True, slots=True)
class Root:
    """Which tree this is: `root_id` stays the same wherever the tree is mounted."""

    root_id: str
    created_at: str


def base_folder(base: str) -> str:
    """Return the folder of a file's chunks; `base` has passed `safe_base`."""
    return f"{CHUNKS}/{base}"


def chunk_folder(base: str, chunk_id: int) -> str:
    """Return the folder of one committed chunk."""
    return f"{CHUNKS}/{base}/chunk_{chunk_id:04d}"


def log_path(worker: str) -> str:
    """Return the worker's log. Raises UnsafeName."""
    return f"{LOGS}/{safe_name(worker)}.jsonl"


def status_path(worker: str) -> str:
    """Return the worker's heartbeat file. Raises UnsafeName."""
    return f"{STATUS}/{safe_name(worker)}.json"


def open_root(store: Store, *, create: bool, clock: Clock, new_id: Callable[[], str] = lambda: uuid4().hex) -> Root:
    """Read the root's marker; with `create`, make a tree where there is none.

    Pass `create` only for a folder that may be new, never for one under a mount point: a mount that went away
    looks like a new folder. Raises RootLost where the marker is absent or not readable yet, RootUnsupported
    where it is of a later format.
    """
    try:
        with store.open(MARKER) as file:
            marker = file.read(_LARGEST + 1)
    except NotFound as error:
        if not create:
            raise RootLost(
                f"the root has no {MARKER}; expected a tree made earlier. Mount the folder, or start once "
                "with permission to create it if it is new"
            ) from error
        return _create(store, clock, new_id)
    root = _parse(marker)
    store.check_root()
    return root


def _create(store: Store, clock: Clock, new_id: Callable[[], str]) -> Root:
    root = Root(new_id(), iso(clock.now()))
    for folder in FOLDERS:
        # A store makes folders only by writing into them.
        store.write(f"{folder}/{OWN_PREFIX}-folder", b"", durable=False)
        store.delete(f"{folder}/{OWN_PREFIX}-folder")
    fields = {"format": FORMAT, "root_id": root.root_id, "created_at": root.created_at}
    # The marker comes last: it says that all the rest is there.
    store.write(MARKER, (json.dumps(fields, indent=1) + "\n").encode())
    store.check_root()
    return root


def _parse(marker: bytes) -> Root:
    try:
        fields = parse_object(marker, MARKER, _LARGEST)
    except ManifestInvalid:
        fields = {}
    if not isinstance(fields.get("root_id"), str):
        raise RootLost(
            f"the root's {MARKER} has {len(marker)} bytes that are no marker; it may still be arriving. "
            "If it stays so, restore it from a copy"
        )
    if fields.get("format") != FORMAT:
        raise RootUnsupported(
            f"the root's {MARKER} says format {fields.get('format')!r:.80}, this version knows {FORMAT}; "
            "install the version that made the tree or a later one"
        )
    return Root(fields["root_id"], str(fields.get("created_at", ""))[:80])
