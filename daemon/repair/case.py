"""What a repair knows of a tree while it goes on: what is damaged, what there is to mend it with, what was done."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from panini_daemon.inspection import FileLook
from panini_daemon.receipts import receipt_path
from panini_daemon.repair.descriptions import Described, describe
from panini_daemon.repair.findings import Damage, Fate, Repaired, Spot, Tools
from panini_daemon.repair.inbox_jobs import FailedJob, read_failed, read_inbox
from panini_daemon.repair.manifests import fits, list_copies
from panini_daemon.repair.placing import is_sound
from panini_daemon.repair.receipts import Origin, Receipt, origin_of, read_receipts
from panini_daemon.repair.strays import Strays, find_strays
from panini_daemon.repair.survey import Survey, base_of
from panini_daemon.restoration import expected_hashes, expected_ids
from panini_daemon.storage.commits import MANIFEST
from panini_daemon.storage.errors import NotFound
from panini_daemon.storage.jobs import SourceFile
from panini_daemon.storage.plans import Plan, Wanted
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.root import base_folder


class Case:
    """`left` are the damages about which nothing was done yet, `mended` the recipes of chunks put in place.

    `believed` are chunks that count as good against their manifest, `plans` what the inbox's manifests say.
    """

    def __init__(self, tools: Tools, survey: Survey) -> None:
        """Read the strays, the receipts and the inbox's manifests. Raises StoreUnavailable."""
        self.tools, self.survey, self.result = tools, survey, Repaired(tools.dry_run)
        self.left = dict(survey.damages)
        self.mended: dict[Spot, Recipe] = {}
        self.believed: set[Spot] = set()
        self.strays = find_strays(
            tools.store, survey.roots, {spot.folder for spot in self.left}, survey.duplicates, tools.threads
        )
        self.receipts: list[Receipt] = list(read_receipts(tools.store))
        self.plans: list[Plan] = list(read_inbox(tools.store, tools.clock))
        self.failed: list[FailedJob] = list(read_failed(tools.store))
        self.duplicates: dict[str, list[str]] = {}
        for folder, original in survey.duplicates.items():
            self.duplicates.setdefault(base_of(original), []).append(folder)
        self._adopted: dict[str, Mapping[str, object]] = {}
        self._adopt_manifests()
        self.disputed = {base for base, look in survey.files.items() if is_disputed(look, self.left, self.strays)}
        self.left = {spot: self._judge(damage) for spot, damage in self.left.items()}
        self.jobs: dict[Spot, list[Plan]] = {}
        for plan in self.plans:
            for chunk in plan.chunks:
                self.jobs.setdefault(Spot(chunk.base, chunk.chunk_id), []).append(plan)
        self._described: dict[str, Described] = {}
        self._sources: dict[str, list[Mapping[str, object]]] = {}
        for receipt in self.receipts:
            told = {**receipt.source, "job_id": receipt.job_id, "manifest_path": receipt.manifest_path}
            for base in receipt.bases:
                self._sources.setdefault(base, []).append(told)

    def other_manifests(self, base: str) -> Iterator[Mapping[str, object]]:
        """Yield manifests of a file that are not in place: duplicates, then those of jobs."""
        folders = [base_folder(base), *self.duplicates.get(base, ())]
        in_place = f"{folders[0]}/{MANIFEST}"
        yield from (manifest for path, manifest in list_copies(self.tools.store, folders) if path != in_place)
        plans = [*self.plans, *(job.plan for job in self.failed)]
        for file in (file for plan in plans for file in plan.files if file.base == base):
            if file.manifest is not None:
                yield file.manifest

    def _adopt_manifests(self) -> None:
        """Go by another manifest of a file that has none in place: it tells what is missing, and its hashes."""
        for base, look in self.survey.files.items() if self.survey.files else ():
            known = describe(look, self.strays)
            manifest = (
                None if look.manifest else next((one for one in self.other_manifests(base) if fits(one, known)), None)
            )
            if manifest is None:
                continue
            self._adopted[base] = manifest
            hashes = expected_hashes(manifest)
            for chunk_id in expected_ids(manifest):
                spot = Spot(base, chunk_id)
                if spot not in self.left and chunk_id not in look.chunks:
                    self.left[spot] = Damage(spot, "a manifest of its file lists it, and it is not there")
                if spot in self.left:
                    self.left[spot] = replace(self.left[spot], expected=hashes.get(chunk_id))

    def _judge(self, damage: Damage) -> Damage:
        """Let recipes tell a chunk's hash where the file's manifest is disputed."""
        if damage.spot.base not in self.disputed or damage.doubtful:
            return damage
        told = own_hashes(damage.spot, self.strays)
        return replace(damage, expected=told.pop() if len(told) == 1 else None, disputed=True)

    def chunks(self) -> list[tuple[Spot, Damage]]:
        """Return the damages of single chunks that are left."""
        return [(spot, damage) for spot, damage in self.left.items() if spot.chunk_id >= 0]

    def act(self, damage: Damage, change: Callable[[], None] = lambda: None) -> bool:
        """Look once more, then make the change; False, and no damage any more, where the chunk is there now."""
        spot = damage.spot
        if self.is_there(spot.folder) if spot.chunk_id < 0 else is_sound(self.tools, damage):
            self.left.pop(spot, None)
            return False
        if not self.tools.dry_run:
            self.tools.ready()
            change()
        return True

    def end(self, damage: Damage, fate: Fate, message: str) -> None:
        """Note what became of a damage."""
        self.left.pop(damage.spot, None)
        self.result.add(damage.spot.folder, fate, message)

    def describe(self, base: str) -> Described:
        """Return what is known of a file that the survey found damaged."""
        if base not in self._described:
            look = self.survey.files.get(base)
            self._described[base] = self.describe_look(look) if look else Described(SourceFile(base), {}, {}, ())
        return self._described[base]

    def describe_look(self, look: FileLook) -> Described:
        """Return what a look at a file tells; a manifest that is disputed tells nothing."""
        base = base_of(look.folder)
        if base in self.disputed or not look.manifest:
            look = replace(look, manifest=self._adopted.get(base, {}))
        return describe(look, self.strays)

    def origin_of(self, spot: Spot) -> Origin | None:
        """Return the job of a repository that a chunk came from, None where it came otherwise or nothing tells."""
        recipes = (stray.recipe for stray in self.strays.recipes(spot.base, spot.chunk_id))
        told: list[Mapping[str, object]] = [recipe.source for recipe in recipes if recipe]
        told += [*self.describe(spot.base).sources, *self._sources.get(spot.base, ())]
        origins = (origin_of(self.tools.store, source) for source in told)
        return next((origin for origin in origins if origin), None)

    def remove_receipt(self, job_id: str) -> None:
        """Delete the receipt of a job that is to be done again."""
        self.tools.ready()
        self.tools.store.delete(receipt_path(job_id))

    def is_there(self, folder: str) -> bool:
        """Tell whether anything is in a folder."""
        try:
            return bool(self.tools.store.list(folder))
        except NotFound:
            return False


def is_disputed(look: FileLook, damages: Mapping[Spot, Damage], strays: Strays) -> bool:
    """Tell whether chunks that say that they are of a file contradict its manifest, and none speaks for it there.

    Where a good chunk agrees with the manifest, only good chunks are believed against it.
    """
    base, expected = base_of(look.folder), expected_hashes(look.manifest)
    agrees = any(not chunk.error and chunk_id in expected for chunk_id, chunk in look.chunks.items())
    for damage in (damages.get(Spot(base, chunk_id)) for chunk_id in expected):
        if damage is None or damage.expected is None or (agrees and not damage.doubtful):
            continue
        told = own_hashes(damage.spot, strays)
        if told and damage.expected not in told:
            return True
    return False


def own_hashes(spot: Spot, strays: Strays) -> set[str]:
    """Return the SHA-256 that recipes tell of a chunk which name its file themselves."""
    recipes = (stray.recipe for stray in strays.recipes(spot.base, spot.chunk_id))
    return {recipe.original_hash for recipe in recipes if recipe and recipe.base == spot.base}


def is_wanted(damage: Damage, chunk: Wanted) -> bool:
    """Tell whether a chunk that is offered may be the one that is missing."""
    if damage.disputed and damage.expected is None:
        return False
    return None in (damage.expected, chunk.original_hash) or damage.expected == chunk.original_hash
