"""Reading what the dashboard shows from a tree, and from it only what has changed."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from panini_daemon.dashboard.view import Dashboard, Jobs, build
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import ManifestInvalid, NotFound, UnsafeName
from panini_daemon.storage.json_input import MAX_METADATA_BYTES, parse_object
from panini_daemon.storage.reading import read_bounded, stamp_of
from panini_daemon.storage.root import DONE, FAILED, INBOX, STATUS
from panini_daemon.storage.store import Store

Status = Mapping[str, Any]


class DashboardReader:
    """Looks at one tree again and again.

    Of the heartbeats only those that changed are read. The folders of done and failed jobs, which grow without end,
    are listed only when a heartbeat tells of a job that ended.
    """

    def __init__(self, store: Store, root: str, clock: Clock) -> None:
        """Look at the tree in `store`, which the person knows as `root`."""
        self._store, self._root, self._clock = store, root, clock
        self._known: dict[str, tuple[object, Status | None]] = {}
        self._counted: tuple[object, Jobs] | None = None

    def read(self) -> Dashboard:
        """Return the dashboard as the tree stands now. Raises StorageError where it cannot be read at all."""
        self._store.check_root()
        statuses = self.statuses()
        return build(self._root, self._clock.now(), statuses, self._count(statuses))

    def statuses(self) -> list[Status]:
        """Return the newest heartbeat of every worker; one that is being written just now is left out.

        A shared folder may show a second file of one name as `name (1).json`.
        """
        try:
            entries = sorted(self._store.list(STATUS), key=lambda entry: entry.name)
        except NotFound:
            entries = []
        paths = [f"{STATUS}/{one.name}" for one in entries if one.kind == "file" and one.name.endswith(".json")]
        self._known = {path: self._look(path) for path in paths}
        found: dict[str, Status] = {}
        for _, status in self._known.values():
            if status is not None:
                worker = str(status.get("worker"))
                if str(status.get("updated_at")) >= str(found.get(worker, {}).get("updated_at", "")):
                    found[worker] = status
        return list(found.values())

    def _look(self, path: str) -> tuple[object, Status | None]:
        stamp = stamp_of(self._store, path)
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known
        with suppress(NotFound, ManifestInvalid, UnsafeName):
            return stamp, parse_object(read_bounded(self._store, path, MAX_METADATA_BYTES), path, MAX_METADATA_BYTES)
        return None, None

    def _count(self, statuses: list[Status]) -> Jobs:
        ended = [(one.get("worker"), one.get("started_at"), *_ended(one)) for one in statuses]
        if self._counted is None or self._counted[0] != ended:
            done, failed = self._names(DONE, ".json"), self._names(FAILED, "")
            self._counted = (ended, Jobs(0, done, failed))
        jobs = self._counted[1]
        return Jobs(self._names(INBOX, ".json"), jobs.done, jobs.failed)

    def _names(self, folder: str, ending: str) -> int:
        try:
            return sum(entry.name.endswith(ending) for entry in self._store.list(folder))
        except NotFound:
            return 0


def _ended(status: Status) -> tuple[object, object]:
    totals = status.get("totals")
    return (totals.get("jobs_done"), totals.get("jobs_failed")) if isinstance(totals, dict) else (None, None)
