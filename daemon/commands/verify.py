"""`verify`: is every committed byte still there? With `--repair`: bring back what is not."""

import os
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from panini_daemon.commands.common import load_settings, open_tree, print_json, tell_errors
from panini_daemon.compressors import Registry
from panini_daemon.compressors.device import choose_device
from panini_daemon.config import Settings
from panini_daemon.errors import Incomplete, UsageError
from panini_daemon.exit_codes import ExitCode
from panini_daemon.reader import Reader
from panini_daemon.receipts import is_settled
from panini_daemon.rendering import counting, format_bytes, format_seconds, open_console
from panini_daemon.repair.course import repair_tree
from panini_daemon.repair.findings import Repaired, Tools
from panini_daemon.repair.holding import Holding
from panini_daemon.repair.leftovers import Patience, Sighting, look_for_leftovers, remove_leftovers
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.errors import NotFound
from panini_daemon.storage.names import safe_base
from panini_daemon.storage.root import CHUNKS, base_folder
from panini_daemon.storage.store import Store
from panini_daemon.stores import make_leases
from panini_daemon.verification import Verified, verify_tree
from panini_daemon.weights import surroundings_of


def verify_root(
    flags: Mapping[str, object], base: str | None, *, deep: bool, repair: bool, dry_run: bool, as_json: bool
) -> int:
    """Check the tree, or what lies below `base`, and repair it if asked to; return the exit status."""
    if repair or dry_run:
        return repair_root(flags, base, deep=deep, repair=repair, dry_run=dry_run, as_json=as_json)
    return check_root(flags, base, deep=deep, as_json=as_json)


@tell_errors
def check_root(flags: Mapping[str, object], base: str | None, *, deep: bool, as_json: bool) -> int:
    """Check the tree, or what lies below `base`; return the exit status."""
    settings = load_settings(flags)
    reader = _open_reader(settings, open_tree(settings))
    folder = base_folder(safe_base(base)) if base else CHUNKS
    with counting("checking") as advance:
        found = verify_tree(reader, folder, deep=deep, threads=_threads(settings), on_chunk=advance)
    if base and not found.files:
        raise Incomplete(f"{folder} holds no committed file; `status` lists what the tree holds")
    if as_json:
        print_json({"deep": deep, **asdict(found)})
    else:
        _tell(found, deep=deep)
    return ExitCode.DAMAGE if found.problems else ExitCode.OK


@tell_errors
def repair_root(
    flags: Mapping[str, object], base: str | None, *, deep: bool, repair: bool, dry_run: bool, as_json: bool
) -> int:
    """Repair the tree, or what lies below `base`; return the exit status."""
    if not repair:
        raise UsageError("--dry-run goes with --repair: it shows what a repair would do")
    settings = load_settings(flags)
    store, clock = open_tree(settings), SystemClock()
    folder = base_folder(safe_base(base)) if base else CHUNKS
    leases = make_leases(replace(settings, worker=f"repair-{secrets.token_hex(6)}"), store, clock, None)
    with TemporaryDirectory(prefix="panini-repair-") as scratch, Holding(leases, time.sleep) as holding:
        if not dry_run:
            leases.sweep(lambda job_id: is_settled(store, job_id))
        seen = Sighting(0.0, {}, {}) if base else look_for_leftovers(store, clock)
        with counting("checking") as advance:
            tools = Tools(
                reader=_open_reader(settings, store),
                clock=clock,
                scratch=Path(scratch),
                ready=holding.ready,
                deep=deep,
                dry_run=dry_run,
                shared=settings.shared,
                threads=_threads(settings),
                on_chunk=advance,
            )
            result = repair_tree(tools, folder, holding.hold)
        if base and not result.findings and not _is_there(store, folder):
            raise Incomplete(f"{folder} holds no committed file; `status` lists what the tree holds")
        if dry_run:
            result.kept += seen.files
        else:
            _remove_leftovers(settings, store, clock, seen, holding, result)
            leases.sweep(lambda job_id: is_settled(store, job_id))
    if as_json:
        print_json({"deep": deep, "counts": result.count(), **asdict(result)})
    else:
        _tell_repair(result)
    return ExitCode.OK if result.whole else ExitCode.DAMAGE


def _remove_leftovers(
    settings: Settings, store: Store, clock: SystemClock, seen: Sighting, holding: Holding, result: Repaired
) -> None:
    alone = min(max(3 * settings.status_interval, 2 * settings.lease_settle), settings.lease_stale)
    if seen.files:
        told = f"{len(seen.files)} left-over file(s): looking for {format_seconds(alone)} whether anybody writes them"
        print(told, file=sys.stderr)
    removed, kept = remove_leftovers(
        store, seen, Patience(alone, settings.lease_stale), clock=clock, sleep=time.sleep, ready=holding.ready
    )
    result.removed += removed
    result.kept += kept


def _open_reader(settings: Settings, store: Store) -> Reader:
    around = surroundings_of(settings.root, store)
    return Reader(store, Registry(surroundings=around), choose_device(settings.device))


def _threads(settings: Settings) -> int:
    return min(settings.cpu_workers, os.cpu_count() or 1)


def _is_there(store: Store, folder: str) -> bool:
    try:
        store.stat(folder)
    except NotFound:
        return False
    return True


def _tell(found: Verified, *, deep: bool) -> None:
    console = open_console()
    for problem in found.problems:
        console.print(f"{problem.path}: {problem.error}: {problem.message}", soft_wrap=True)
    what = "decoded and compared" if deep else "hashes compared"
    console.print(
        f"{found.files} files, {found.chunks} chunks, {format_bytes(found.original_size)} in "
        f"{format_bytes(found.compressed_size)}: {what}, {len(found.problems)} problem(s)"
        + (f", {found.reencoded} image(s) of which only the pixels were kept" if found.reencoded else ""),
        soft_wrap=True,
    )


def _tell_repair(result: Repaired) -> None:
    console = open_console()
    would = "would be " if result.dry_run else ""
    for finding in result.findings:
        console.print(f"{finding.path}: {would}{finding.fate}: {finding.message}", soft_wrap=True)
    for path in result.removed:
        console.print(f"{path}: {would}removed", soft_wrap=True)
    for path in result.kept:
        console.print(f"{path}: left over, and kept: it may still be written; repair again later", soft_wrap=True)
    counts = ", ".join(f"{number} {fate}" for fate, number in result.count().items() if number) or "nothing was wrong"
    console.print(f"{counts}; {len(result.removed)} file(s) {would}removed, {len(result.kept)} kept", soft_wrap=True)
