"""What must be true of a tree when all work on it is over, looked at behind the mounts."""

from collections.abc import Iterator

from fakes.daemon_process import Site

from panini_daemon.compressors import Device, Registry
from panini_daemon.reader import Reader
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.lease_entry import parse_name
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.names import TEMPORARY_PREFIX
from panini_daemon.verification import verify_tree


def is_finished(site: Site) -> bool:
    """Tell whether every submitted job has its receipt and has left the inbox."""
    return not site.names("inbox") and _find_receipts(site) >= set(site.jobs.values())


def find_leases(site: Site) -> list[str]:
    """Return the names of all claims on jobs."""
    return [name for name in site.names("leases") if parse_name(name) is not None]


def find_problems(site: Site) -> list[str]:
    """Return everything that is not as it must be; reading every byte of every file."""
    return [*_find_unwanted(site), *_find_unfinished_jobs(site), *_find_damage(site)]


def find_left_overs(site: Site) -> list[str]:
    """Return what interrupted writes left behind: a worker killed in the middle, or a mount's upload under way then.

    Nobody takes it for anything, and `verify` passes over it.
    """
    return [str(path.relative_to(site.root)) for path in site.root.rglob(f"{TEMPORARY_PREFIX}*")]


def _find_unwanted(site: Site) -> Iterator[str]:
    for folder in ("inbox", "failed"):
        for name in site.names(folder):
            yield f"{folder}/{name} is still there"
    for name in find_leases(site):
        yield f"the lease {name} was not given back"


def _find_unfinished_jobs(site: Site) -> Iterator[str]:
    receipts = _find_receipts(site)
    for base, job_id in site.jobs.items():
        if job_id not in receipts:
            yield f"{base} has no receipt"


def _find_damage(site: Site) -> Iterator[str]:
    reader = Reader(LocalStore(site.root), Registry(), Device())
    for problem in verify_tree(reader, "compressed_chunks", deep=True).problems:
        yield f"{problem.path}: {problem.error}: {problem.message}"
    for base, data in site.submitted.items():
        try:
            if site.restored(base) != data:
                yield f"{base} is restored to other bytes"
        except StorageError as error:
            yield f"{base} cannot be restored: {error}"


def _find_receipts(site: Site) -> set[str]:
    return {name.removesuffix(".json") for name in site.names("done")}
