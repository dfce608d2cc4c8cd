"""Last steps: chunks that a repository offers again, and those that are lost."""

from collections.abc import Iterator
from functools import partial

from panini_daemon.receipts import receipt_path
from panini_daemon.repair.case import Case
from panini_daemon.repair.findings import Fate
from panini_daemon.repair.jobs_step import make_way
from panini_daemon.repair.receipts import job_of
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.root import FAILED


def believe_chunks(case: Case) -> None:
    """Take chunks for good that agree with themselves and say that they belong here, against the manifest.

    They must all be of one job: else they may be of two files that were sent under one base.
    """
    jobs: dict[str, set[object]] = {}
    for base in case.disputed:
        jobs[base] = {job_of(recipe) for recipe in _list_recipes(case, base)}
    for spot, damage in list(case.left.items()):
        if damage.doubtful and len(jobs.get(spot.base, ())) == 1 and case.act(damage):
            case.believed.add(spot)
            del case.left[spot]  # what becomes of the manifest is told with it


def _list_recipes(case: Case, base: str) -> Iterator[Recipe]:
    for chunk in case.survey.files[base].chunks.values():
        if chunk.commit is not None and chunk.commit.recipe.base == base:
            yield chunk.commit.recipe


def offer_again(case: Case) -> None:
    """Remove the receipts of a repository's jobs whose chunks are gone: without one, a job is offered again."""
    for damage in list(case.left.values()):
        origin = case.origin_of(damage.spot)
        if (
            damage.doubtful
            or origin is None
            or origin.ended == FAILED
            or not case.act(damage, partial(make_way, case, damage))
        ):
            continue
        receipt = receipt_path(origin.job_id)
        if origin.ended and not case.tools.dry_run:
            case.remove_receipt(origin.job_id)
        case.end(
            damage,
            Fate.OFFERED,
            f"without {receipt}, a worker that polls {origin.repository} is offered it again; "
            "where its metadata.json there says completed, set it to pending",
        )


def tell_lost(case: Case) -> None:
    """Tell of what nothing in the tree brings back; its damaged files stay where they are.

    A job in the inbox whose data is not there may still be arriving.
    """
    arriving = {file.base: plan for plan in case.plans for file in plan.files}
    for damage in list(case.left.values()):
        spot = damage.spot
        plan = next(iter(case.jobs.get(spot, ())), None) or (arriving.get(spot.base) if spot.chunk_id < 0 else None)
        if plan is not None and not damage.doubtful:
            if case.act(damage):
                case.end(damage, Fate.WAITING, f"its job is in the inbox, {plan.manifest_path}, and waits for its data")
            continue
        origin = case.origin_of(spot)
        if origin is not None and origin.ended == FAILED:
            folder = f"{FAILED}/{origin.job_id}"
            what = f"{folder}/error.json says why its job failed: remove the cause, then delete {folder}"
        else:
            what = "submit the file again"
        if spot.chunk_id < 0:
            what += ", or delete the receipt if you took the file out"
        if case.act(damage):
            case.end(damage, Fate.LOST, f"{damage.reason}; nothing in the tree brings it back: {what}")
