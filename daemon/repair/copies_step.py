"""First step: chunks whose two files are somewhere beside."""

from collections.abc import Callable, Collection

from panini_daemon.repair.case import Case
from panini_daemon.repair.findings import Damage, Fate, Spot
from panini_daemon.repair.placing import Copy, find_copy, is_sound, put_in_place

Hold = Callable[[Collection[str]], Collection[str]]
"""Claims the leases of jobs in the inbox; returns those that another worker has."""


def look_at_duplicates(case: Case) -> None:
    """Find the chunks that are only in duplicates of the folder where they belong."""
    for base, chunk_id in case.strays.spots():
        spot = Spot(base, chunk_id)
        if spot in case.left or all(one.home != spot.folder for one in case.strays.recipes(base, chunk_id)):
            continue
        damage = Damage(spot, "it is only in a duplicate of its folder")
        if not is_sound(case.tools, damage) and find_copy(case.tools, damage, case.strays, strict=True):
            case.left[spot] = damage


def use_copies(case: Case, hold: Hold, *, strict: bool) -> None:
    """Put chunks in place from copies, holding the leases of their jobs where the inbox has some."""
    copies = {spot: copy for spot, damage in case.chunks() if (copy := _find(case, damage, strict=strict))}
    named = {plan.job_id for spot in copies for plan in case.jobs.get(spot, ()) if plan.job_id}
    taken = hold(named) if named and not case.tools.dry_run else ()
    for spot, copy in copies.items():
        damage = case.left[spot]
        if any(plan.job_id in taken for plan in case.jobs.get(spot, ())):
            case.end(damage, Fate.WAITING, "a worker is at its job, which is in the inbox")
        elif case.tools.dry_run:
            _note(case, damage, copy)
        elif case.act(damage) and (found := _find(case, damage, strict=strict)):  # others' files may have changed
            put_in_place(case.tools, damage, found, case.strays)
            _note(case, damage, copy)


def _find(case: Case, damage: Damage, *, strict: bool) -> Copy | None:
    if damage.doubtful and not strict:
        return None
    return find_copy(case.tools, damage, case.strays, strict=strict)


def _note(case: Case, damage: Damage, copy: Copy) -> None:
    if copy.recipe.recipe is not None:
        case.mended[damage.spot] = copy.recipe.recipe
    places = sorted({copy.recipe.path, copy.payload.path} - {f"{damage.spot.folder}/recipe.json"})
    case.end(damage, Fate.MENDED, f"put in place from {' and '.join(places)}")
