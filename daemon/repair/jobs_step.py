"""Second and third step: chunks that the inbox has a job for, and those whose job has failed."""

from functools import partial

from panini_daemon.assembly import is_committed
from panini_daemon.repair.case import Case, is_wanted
from panini_daemon.repair.findings import Damage, Fate, Spot
from panini_daemon.repair.inbox_jobs import FailedJob, can_return, find_data, return_job
from panini_daemon.repair.originals import original_in_file
from panini_daemon.repair.placing import clear
from panini_daemon.storage.root import FAILED


def leave_to_the_inbox(case: Case) -> None:
    """Tell of chunks whose job is in the inbox with their data."""
    store, whole = case.tools.store, {spot for spot in case.left if spot.chunk_id < 0}
    for plan in case.plans if case.left else ():
        for chunk in find_data(store, plan):
            spot = Spot(chunk.base, chunk.chunk_id)
            damage = case.left.get(spot) or (case.left.get(Spot(chunk.base)) if whole else None)
            if damage is None or damage.doubtful or not is_wanted(damage, chunk):
                continue
            if case.act(damage, partial(make_way, case, damage)):
                case.end(damage, Fate.WAITING, f"its job is in the inbox, {plan.manifest_path}: a worker does it")


def return_failed_jobs(case: Case) -> None:
    """Put failed jobs back that have the bytes of damaged chunks, and would find all that they name."""
    store, committed = case.tools.store, partial(is_committed, case.tools.store)
    for job in case.failed if case.left else ():
        damages = _damages_of(case, job)
        if not damages or not can_return(store, job, committed):
            continue
        damages = [damage for damage in damages if case.act(damage, partial(make_way, case, damage))]
        if not damages:
            continue
        if not case.tools.dry_run:
            case.tools.ready()
            return_job(store, job)
            case.remove_receipt(job.folder.removeprefix(f"{FAILED}/"))
        for damage in damages:
            case.end(damage, Fate.RETURNED, f"its job went back from {job.folder} to {job.manifest_path}")


def make_way(case: Case, damage: Damage) -> None:
    """Where a good chunk of something else is in place, take it out: a worker would refuse to replace it."""
    if damage.look is not None and damage.look.commit is not None:
        clear(case.tools, damage, case.strays)


def _damages_of(case: Case, job: FailedJob) -> list[Damage]:
    """Return the damages that a failed job's data would mend."""
    found: dict[Spot, Damage] = {}
    for chunk in find_data(case.tools.store, job.plan):
        damage = case.left.get(Spot(chunk.base, chunk.chunk_id)) or case.left.get(Spot(chunk.base))
        if damage and not damage.doubtful and is_wanted(damage, chunk) and original_in_file(case.tools.store, chunk):
            found[damage.spot] = damage
    return list(found.values())
