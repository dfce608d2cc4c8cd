"""What must hold, checked at every write and at the end."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from fakes.simulation.cloud import Cloud
from fakes.simulation.compute import decode
from fakes.simulation.mount import Mount
from fakes.simulation.submissions import Submission

from panini_daemon.storage.commits import PAYLOAD, RECIPE, find_commit
from panini_daemon.storage.errors import NotCommitted, RecipeInvalid
from panini_daemon.storage.names import TEMPORARY_PREFIX
from panini_daemon.storage.recipe import parse_recipe
from panini_daemon.storage.root import CHUNKS, DONE, FAILED, INBOX, LEASES
from panini_daemon.storage.solid import RUN_FILE, is_slice, parse_slice

_LATE = {"round_failed", "stopping", "job_left_in_inbox"}
"""Events that tell of an error nobody foresaw."""


class Judge:
    """Collects violations: texts that say what must not be.

    `lossy`: a mount can lose the deletion of a job's data and not that of its manifest. Then data may be left over, or
    be set aside once more as a chunk tree with something missing.
    """

    def __init__(self, time: Callable[[], float], submissions: list[Submission], *, lossy: bool) -> None:
        self.violations: list[str] = []
        self.events: Counter[str] = Counter()
        self.compressed = 0
        self.excused = 0
        self._time = time
        self._lossy = lossy
        self._done: set[str] = set()
        self._submissions = submissions
        self._recipes: dict[str, dict[str, bytes]] = {}
        self._payloads: dict[str, dict[str, bytes]] = {}
        self._runs: dict[str, bytes] = {}
        self._first: dict[bytes, tuple[float, str]] = {}
        self._troubles: list[tuple[float, float]] = []

    def accuse(self, text: str) -> None:
        """Note a violation."""
        self.violations.append(f"{self._time():.1f} s: {text}")

    def note_event(self, worker: str, event: str, fields: dict[str, Any]) -> None:
        """Count what a worker logs."""
        self.events[event] += 1
        if event in _LATE:
            self.accuse(f"{worker}: {event}: {fields.get('error')} {fields.get('traceback', '')[-1500:]}")

    def note_trouble(self, seconds: float) -> None:
        """Excuse double work while a worker was disturbed from now on for `seconds`, and as long as that is felt."""
        now = self._time()
        self._troubles.append((now, now + seconds))

    def note_compressed(self, worker: str, data: bytes, lasting: float) -> None:
        """Count a chunk's compression; the second time is double work, which trouble up to `lasting` ago excuses."""
        self.compressed += 1
        now = self._time()
        first = self._first.setdefault(data, (now, worker))
        owners = [one for one in self._submissions if data in (*one.data.values(), b"".join(one.data.values()))]
        # Two jobs of one base can spoil each other's commits: then one of them is done again.
        if first[1] == worker or len(owners) != 1 or owners[0].kind == "same base" or not data:
            return
        if any(begin <= now and end + lasting >= first[0] for begin, end in self._troubles):
            self.excused += 1
            return
        self.accuse(f"{owners[0].kind}: a chunk was compressed at {first[0]:.1f} s by {first[1]}, again by {worker}")

    def note_written(self, path: str, data: bytes) -> None:
        """Look at what is written into commits and failures."""
        if path.startswith(f"{CHUNKS}/"):
            folder, _, name = path.removeprefix(f"{CHUNKS}/").rpartition("/")
            if match := RUN_FILE.fullmatch(name):
                self._runs[path] = data
                if hashlib.sha256(data).hexdigest() != match[1]:
                    self.accuse(f"{path}: a run was written that is not what its name says")
            elif name == RECIPE:
                self._check_recipe(folder, data)
            elif name == PAYLOAD:
                digest = hashlib.sha256(data).hexdigest()
                self._payloads.setdefault(folder, {})[digest] = data
                if (recipe := self._recipes.get(folder, {}).get(digest)) is not None:
                    self._check_commit(folder, recipe, data)
        elif path.startswith(f"{DONE}/") and path.endswith(".json"):
            self._done.add(json.loads(data)["manifest_path"])
        elif path.startswith(f"{FAILED}/") and path.endswith("/error.json"):
            self._check_failure(json.loads(data))

    def is_over(self, cloud: Cloud) -> bool:
        """Tell whether every job has left the inbox, as the servers have it."""
        return all(one.written and not self._remains(cloud, one) for one in self._submissions)

    def leftovers(self, cloud: Cloud) -> list[str]:
        """Return what the servers hold that should be gone when all is over.

        Two jobs with the same data, done at the same time by two workers, may each leave it for the other.
        """
        leases = [path for path, _, _ in cloud.below(None, LEASES)]
        inbox = [path for path, _, _ in cloud.below(None, INBOX)]
        kept = tuple(
            place
            for one in self._submissions
            if one.must_fail or self._lossy or one.kind == "same twice"
            for place in one.places
        )
        return leases + [path for path in inbox if TEMPORARY_PREFIX in path or not path.startswith(kept or ("?",))]

    def check_end(self, store: Mount, cloud: Cloud) -> None:
        """Look at every job's end, through a mount that sees all there is."""
        failures = [path for path, _, _ in cloud.below(None, FAILED) if path.endswith("/error.json")]
        for one in self._submissions:
            if self._remains(cloud, one):
                self.accuse(f"{one.kind}: {one.manifest} is still in the inbox")
                continue
            missing = [folder for folder, data in one.data.items() if not _is_committed(store, folder, data)]
            if not missing and not one.must_fail:
                continue
            if one.failed_as:
                if not any(_says(store.read(path), one.manifest) for path in failures):
                    self.accuse(f"{one.kind}: {one.manifest} failed, and nothing tells of it")
            else:
                self.accuse(f"{one.kind}: {one.manifest} left the inbox without a commit of {', '.join(missing)}")

    def _remains(self, cloud: Cloud, one: Submission) -> bool:
        if one.kind == "bare tree":
            return any(cloud.is_folder(None, place) for place in one.places)
        return cloud.find(None, one.manifest) is not None

    def _check_recipe(self, folder: str, data: bytes) -> None:
        try:
            recipe = parse_recipe(data)
        except RecipeInvalid as error:
            self.accuse(f"{folder}: a recipe was written that cannot be read: {error}")
            return
        if is_slice(recipe) and parse_slice(recipe).run.file.place not in self._runs:
            self.accuse(f"{folder}: a slice was written before its run")
            return
        digest = recipe.payload_hash or ""
        self._recipes.setdefault(folder, {})[digest] = data
        if (payload := self._payloads.get(folder, {}).get(digest)) is not None:
            self._check_commit(folder, data, payload)

    def _check_commit(self, folder: str, recipe: bytes, payload: bytes) -> None:
        wanted = [one.data[folder] for one in self._submissions if folder in one.data and not one.must_fail]
        found = decode(recipe, self._payload_of(recipe, payload))
        if found not in wanted:
            self.accuse(f"{folder}: a commit decodes to {found[:40]!r}, expected one of {[x[:40] for x in wanted]}")
        elif hashlib.sha256(found).hexdigest() != parse_recipe(recipe).original_hash:
            self.accuse(f"{folder}: a commit decodes to other bytes than its recipe says")

    def _payload_of(self, recipe: bytes, payload: bytes) -> bytes:
        """Return what a chunk is decoded from: a slice from its run."""
        read = parse_recipe(recipe)
        return self._runs[parse_slice(read).run.file.place] if is_slice(read) else payload

    def _check_failure(self, document: dict[str, Any]) -> None:
        path = document["manifest_path"]
        errors = {reason["error"] for reason in document["failures"]}
        owners = [one for one in self._submissions if one.manifest == path.replace(" (1)", "")]
        if self._lossy and errors == {"ChunkMissing"} and all(one.manifest in self._done for one in owners):
            self.events["left-over data set aside"] += 1
            return  # the jobs must have their commits all the same
        for one in owners:
            one.failed_as |= errors
        allowed = frozenset().union(*(one.may_fail_as for one in owners))
        if not owners or errors - allowed:
            kind = owners[0].kind if owners else "?"
            self.accuse(f"{kind}: {path} failed with {errors}, allowed {set(allowed)}: {document['message']}")


def _says(failure: bytes, manifest: str) -> bool:
    return bool(json.loads(failure)["manifest_path"] == manifest)


def _is_committed(store: Mount, folder: str, data: bytes) -> bool:
    path = f"{CHUNKS}/{folder}"
    try:
        commit = find_commit(store, path)
    except NotCommitted:
        return False
    if commit.recipe.original_hash != hashlib.sha256(data).hexdigest():
        return False
    return decode(store.read(f"{path}/{RECIPE}"), store.read(commit.run or commit.payload_path)) == data
