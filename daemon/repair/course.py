"""The course of a repair, each step one call: look, then put back, return, offer again, or tell what is lost.

Each step can be done again, and each chunk is looked at once more right before anything is done about it: what
arrives meanwhile is not called missing.
"""

from panini_daemon.repair.case import Case
from panini_daemon.repair.copies_step import Hold, look_at_duplicates, use_copies
from panini_daemon.repair.duplicates import remove_duplicates
from panini_daemon.repair.findings import Damage, Repaired, Spot, Tools
from panini_daemon.repair.jobs_step import leave_to_the_inbox, return_failed_jobs
from panini_daemon.repair.last_step import believe_chunks, offer_again, tell_lost
from panini_daemon.repair.manifests_step import mend_manifests
from panini_daemon.repair.originals_step import return_originals
from panini_daemon.repair.runs_step import bring_back_runs
from panini_daemon.repair.survey import take_survey
from panini_daemon.storage.root import base_folder


def repair_tree(tools: Tools, folder: str, hold: Hold) -> Repaired:
    """Mend what lies below `folder` of compressed_chunks/. Raises StoreUnavailable, LeaseLost."""
    case = Case(tools, take_survey(tools, folder))
    look_for_lost_files(case, folder)
    bring_back_runs(case)
    look_at_duplicates(case)
    use_copies(case, hold, strict=True)
    leave_to_the_inbox(case)
    return_failed_jobs(case)
    return_originals(case)
    use_copies(case, hold, strict=False)
    believe_chunks(case)
    offer_again(case)
    tell_lost(case)
    written = mend_manifests(case)
    # What was written to a shared folder may still be on its way, and a worker may be at what the inbox names.
    recent = {spot.folder for spot in case.mended} | written if tools.shared else set[str]()
    remove_duplicates(case, {spot.folder for spot in case.jobs} | recent)
    return case.result


def look_for_lost_files(case: Case, folder: str) -> None:
    """Find the files that receipts tell of and of which nothing is left."""
    for receipt in case.receipts:
        for place, base in ((base_folder(base), base) for base in receipt.bases if receipt.chunks):
            if (place == folder or place.startswith(f"{folder}/")) and not case.is_there(place):
                reason = f"done/{receipt.job_id}.json says that it was finished, and nothing of it is there"
                case.left.setdefault(Spot(base), Damage(Spot(base), reason))
