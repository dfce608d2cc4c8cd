"""`github pending`, `github drop`, `github receive`: what a repository's workflows run."""

import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from panini_daemon import actions
from panini_daemon.commands.common import print_json, tell_errors
from panini_daemon.compressors import Level
from panini_daemon.errors import UsageError
from panini_daemon.exit_codes import ExitCode
from panini_daemon.rendering import format_bytes
from panini_daemon.storage.chunk_state import PENDING, QUEUED, Change
from panini_daemon.storage.clock import SystemClock, iso
from panini_daemon.storage.github.errors import GithubError
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.names import safe_path
from panini_daemon.storage.pending_trees import PendingTree, read_trees
from panini_daemon.storage.rclone import RcloneDrop
from panini_daemon.storage.reports import ChunkReport, ReportInvalid
from panini_daemon.storage.root import open_root
from panini_daemon.storage.tree_submission import Drop, SubmittedTrees, submit_trees
from panini_daemon.stores import open_store, parse_root

if TYPE_CHECKING:
    from panini_daemon.storage.github.metadata_update import Updated

_HEADS = ("file", "chunks", "bytes", "problem")


@tell_errors
def show_pending(folder: str, *, as_json: bool) -> int:
    """Check the chunk trees of this checkout and count what waits; return the exit status."""
    trees = read_trees(LocalStore(Path.cwd()), safe_path(folder.rstrip("/")), clock=SystemClock())
    sound = [tree for tree in trees if tree.problem is None]
    counts = {
        "pending": len(sound),
        "chunks": sum(len(tree.chunks) for tree in sound),
        "bytes": sum(tree.size for tree in sound),
    }
    actions.write_outputs(os.environ, counts)
    said = _count(sound)
    rows = [(tree.base, len(tree.chunks), tree.size, tree.problem or "") for tree in trees]
    actions.write_summary(os.environ, "Chunks to compress", _HEADS, rows, said)
    if as_json:
        print_json({**counts, "files": [_as_fields(tree) for tree in trees]})
    else:
        _print_trees(trees)
        print(said)
    _tell_problems(trees)
    return ExitCode.DAMAGE if len(sound) < len(trees) else ExitCode.OK


@tell_errors
def drop_pending(
    folder: str,
    *,
    root: str | None,
    remote: str | None,
    rclone: str,
    level: str | None,
    method: str | None,
    priority: int,
    again: bool,
    mark_queued: bool,
    ref: str | None,
    as_json: bool,
) -> int:
    """Put this checkout's pending chunks into an inbox, then mark them as queued; return the exit status."""
    if level is not None and level not in set(Level):
        raise UsageError(f"--level is {level!a}; expected {', '.join(Level)}")
    if (root is None) == (remote is None):
        raise UsageError("expected either --root FOLDER or --remote NAME:PATH, the tree whose inbox gets the jobs")
    branch = ""
    if mark_queued:  # looked at before anything is sent: what cannot be marked would be sent again by every run
        actions.require_access(os.environ)
        branch = actions.find_branch(ref, os.environ)
    drop = RcloneDrop(remote, rclone) if remote is not None else None
    checkout = LocalStore(Path.cwd())
    statuses = frozenset((PENDING, QUEUED) if again else (PENDING,))
    trees = read_trees(checkout, safe_path(folder.rstrip("/")), clock=SystemClock(), statuses=statuses)
    sound = [tree for tree in trees if tree.problem is None]
    jobs: list[SubmittedTrees] = []
    if sound:
        with tempfile.TemporaryDirectory(prefix="panini-") as scratch:
            jobs = submit_trees(
                drop or _open_inbox(root),
                checkout,
                sound,
                scratch=Path(scratch),
                source=actions.source_of_run(os.environ),
                level=level,
                method=method,
                priority=priority,
            )
    updated, error = None, None
    if sound and mark_queued:
        try:
            updated = _mark_queued(sound, branch)
        except GithubError as raised:
            error = raised
    _tell_drop(trees, jobs, updated, as_json=as_json)
    _tell_problems(trees)
    if error is not None:
        print(
            f"error: the jobs are in the inbox, but their chunks could not be marked as queued: {error}; the next run "
            "sends them once more, which harms nothing",
            file=sys.stderr,
        )
        return ExitCode.ERROR
    return ExitCode.DAMAGE if len(sound) < len(trees) else ExitCode.OK


@tell_errors
def receive_reports(ref: str | None, *, as_json: bool) -> int:
    """Write what a `chunk_compressed` event reports into the chunks' metadata.json; return the exit status."""
    from panini_daemon.storage.github.events import parse_event  # noqa: PLC0415  imports requests

    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path:
        raise UsageError("GITHUB_EVENT_PATH is not set; expected a run for a repository_dispatch event")
    try:
        reports = parse_event(Path(path).read_bytes())
    except ReportInvalid as error:
        print(f"error: {actions.plain(str(error))}", file=sys.stderr)
        return ExitCode.DAMAGE
    moment = iso(SystemClock().now())
    changes = {report.chunk_path: Change.of(report, moment) for report in reports}
    updated = _update(changes, actions.find_branch(ref, os.environ))
    _tell_received(reports, updated, as_json=as_json)
    for chunk, reason in updated.skipped.items():
        print(f"error: {actions.plain(f'{chunk}: {reason}')}", file=sys.stderr)
    return ExitCode.DAMAGE if updated.skipped else ExitCode.OK


def _open_inbox(root: str | None) -> Drop:
    store = open_store(parse_root(root or "."))
    # Never made here: an unmounted folder looks like a new one, and chunks marked as queued would be lost in it.
    open_root(store, create=False, clock=SystemClock())
    return store


def _mark_queued(trees: Sequence[PendingTree], branch: str) -> "Updated":
    changes = {
        f"{tree.folder}/chunk_{chunk.chunk_id:04d}": Change(QUEUED)
        for tree in trees
        for chunk in tree.chunks
        if chunk.chunk_id in tree.noted
    }
    run = actions.source_of_run(os.environ)
    told = "".join(
        f"\n{label}: {run[name]}" for label, name in (("Run", "run_id"), ("Commit", "commit")) if name in run
    )
    return _update(changes, branch, f"Mark {len(changes)} chunk(s) as queued [skip ci]\n{told}".rstrip())


def _update(changes: Mapping[str, Change], branch: str, message: str = "") -> "Updated":
    from panini_daemon.storage.github.metadata_update import update_metadata  # noqa: PLC0415  imports requests

    client = actions.open_client(os.environ)
    try:
        return actions.persevere(
            lambda: update_metadata(
                client, changes, ref=branch, sleep=time.sleep, jitter=actions.make_jitter(), message=message
            ),
            sleep=time.sleep,
        )
    finally:
        client.close()


def _count(trees: Sequence[PendingTree]) -> str:
    chunks = sum(len(tree.chunks) for tree in trees)
    return f"{len(trees)} file(s), {chunks} chunk(s), {format_bytes(sum(tree.size for tree in trees))} to compress"


def _as_fields(tree: PendingTree) -> dict[str, object]:
    return {
        "file": tree.base,
        "folder": tree.folder,
        "chunks": len(tree.chunks),
        "bytes": tree.size,
        "problem": None if tree.problem is None else str(tree.problem),
    }


def _print_trees(trees: Sequence[PendingTree]) -> None:
    if trees:
        print(f"{'chunks':>8} {'bytes':>14}  {'problem':8} file")
    for tree in trees:
        problem = type(tree.problem).__name__ if tree.problem else "-"
        print(actions.plain(f"{len(tree.chunks):8} {tree.size:14}  {problem:8} {tree.base}"))


def _tell_problems(trees: Sequence[PendingTree]) -> None:
    for tree in trees:
        if tree.problem is not None:
            print(f"error: {actions.plain(f'{tree.folder}: {tree.problem}')}", file=sys.stderr)


def _tell_drop(
    trees: Sequence[PendingTree], jobs: Sequence[SubmittedTrees], updated: "Updated | None", *, as_json: bool
) -> None:
    rows = [(tree.base, len(tree.chunks), tree.size, tree.problem or "") for tree in trees]
    said = [f"{job.chunks} chunk(s), {format_bytes(job.size)}: {job.manifest_path}" for job in jobs] or ["no job"]
    if updated is not None:
        said.append(f"{updated.changed} chunk(s) marked as queued")
        said += [f"not marked: {chunk}: {reason}" for chunk, reason in updated.skipped.items()]
    actions.write_summary(os.environ, "Chunks sent to the inbox", _HEADS, rows, *said)
    if as_json:
        print_json(
            {
                "jobs": [asdict(job) for job in jobs],
                "files": [_as_fields(tree) for tree in trees],
                "marked": 0 if updated is None else updated.changed,
                "commit": None if updated is None else updated.commit,
            }
        )
        return
    _print_trees(trees)
    for one in said:
        print(actions.plain(one))


def _tell_received(reports: Sequence[ChunkReport], updated: "Updated", *, as_json: bool) -> None:
    said = f"{updated.changed} metadata.json file(s) changed" + (f", commit {updated.commit}" if updated.commit else "")
    rows = [(report.chunk_path, report.status, updated.skipped.get(report.chunk_path, "")) for report in reports]
    actions.write_summary(os.environ, "Chunks reported", ("chunk", "status", "problem"), rows, said)
    if as_json:
        chunks = [{"chunk_path": path, "status": status, "problem": problem or None} for path, status, problem in rows]
        print_json({"commit": updated.commit, "changed": updated.changed, "chunks": chunks})
        return
    for chunk_path, status, _problem in rows:
        print(actions.plain(f"{status:10} {chunk_path}"))
    print(said)
