"""`status`: workers, queue and totals of a tree, from its files alone."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from panini_daemon.commands.common import load_settings, open_tree, print_json, tell_errors
from panini_daemon.exit_codes import ExitCode
from panini_daemon.rendering import format_bytes, format_saved, format_seconds, open_console
from panini_daemon.storage.errors import ManifestInvalid, NotFound, UnsafeName
from panini_daemon.storage.json_input import MAX_METADATA_BYTES, parse_object
from panini_daemon.storage.reading import read_bounded
from panini_daemon.storage.root import DONE, FAILED, INBOX, STATUS
from panini_daemon.storage.store import Store


@tell_errors
def show_status(flags: Mapping[str, object], *, as_json: bool) -> int:
    """Print what the tree tells; return the exit status."""
    settings = load_settings(flags)
    store = open_tree(settings)
    workers = read_workers(store)
    counts = {"inbox": _count(store, INBOX), "done": _count(store, DONE), "failed": _count(store, FAILED)}
    if as_json:
        print_json({"root": str(settings.root), "jobs": counts, "workers": workers})
        return ExitCode.OK
    console = open_console()
    console.print(f"{settings.root}", soft_wrap=True)
    console.print(f"jobs: {counts['inbox']} in the inbox, {counts['done']} done, {counts['failed']} failed")
    if not workers:
        console.print("no worker has run here yet")
        return ExitCode.OK
    from rich.table import Table  # noqa: PLC0415

    table = Table("worker", "state", "seen", "chunks", "in", "out", "saved", box=None, pad_edge=False)
    for worker in workers:
        chunks, before, after = (_total(worker, name) for name in ("chunks", "bytes_in", "bytes_out"))
        table.add_row(
            str(worker.get("worker")),
            str(worker.get("state")),
            _age(worker.get("updated_at")),
            str(chunks),
            format_bytes(before),
            format_bytes(after),
            format_saved(before, after),
        )
    console.print(table)
    for worker in workers:
        if isinstance(link := worker.get("github"), dict):
            console.print(f"GitHub, {worker.get('worker')}: {describe_link(link)}", soft_wrap=True)
        if worker.get("last_error"):
            console.print(f"last error of {worker.get('worker')}: {worker['last_error']}", soft_wrap=True)
    return ExitCode.OK


def describe_link(link: Mapping[str, Any]) -> str:
    """Return one line about a worker's link to a repository: whether it works, or why not and until when."""
    if link.get("state") == "ok":
        left = link.get("rate_limit_remaining")
        words = f"{link.get('repository')} answers" + (f", {left} requests left this hour" if left is not None else "")
    else:
        words = f"{link.get('repository')} is asked again at {link.get('next_try')}: {link.get('problem')}"
    waiting = link.get("reports_waiting")
    return words + (f"; {waiting} report(s) to send" if waiting else "")


def read_workers(store: Store) -> list[dict[str, Any]]:
    """Return the heartbeat of every worker; one that is being written just now is left out."""
    found = []
    for entry in sorted(store.list(STATUS), key=lambda entry: entry.name):
        if entry.kind != "file" or not entry.name.endswith(".json"):
            continue
        path = f"{STATUS}/{entry.name}"
        with suppress(NotFound, ManifestInvalid, UnsafeName):
            found.append(parse_object(read_bounded(store, path, MAX_METADATA_BYTES), path, MAX_METADATA_BYTES))
    return found


def _total(worker: Mapping[str, Any], name: str) -> int:
    """Return one of a worker's totals, 0 where its file does not tell: it may come from another program."""
    totals = worker.get("totals")
    value = totals.get(name) if isinstance(totals, dict) else None
    return value if isinstance(value, int) else 0


def _count(store: Store, folder: str) -> int:
    try:
        return sum(1 for entry in store.list(folder) if entry.name.endswith(".json") or folder == FAILED)
    except NotFound:
        return 0


def _age(stamp: object) -> str:
    try:
        seen = datetime.fromisoformat(str(stamp))
    except ValueError:
        return "?"
    if seen.tzinfo is None:
        return "?"
    return f"{format_seconds(max(0.0, (datetime.now(UTC) - seen).total_seconds()))} ago"
