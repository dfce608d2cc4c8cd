"""What receipts tell: which files were once finished, and which jobs a repository offers again without one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from panini_daemon.receipts import ended_as
from panini_daemon.storage.errors import ManifestInvalid, NotFound, UnsafeName
from panini_daemon.storage.jobs import REPOSITORY_PREFIX
from panini_daemon.storage.json_input import MAX_MANIFEST_BYTES, parse_object
from panini_daemon.storage.names import safe_base, safe_name
from panini_daemon.storage.reading import read_bounded
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.root import DONE
from panini_daemon.storage.store import Store


@dataclass(frozen=True, slots=True)
class Receipt:
    """A finished job: the files it was of, how many chunks, and where it came from."""

    job_id: str
    bases: tuple[str, ...]
    chunks: int
    manifest_path: str
    source: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Origin:
    """A job of a repository, all of whose coordinates are known. `ended` is as `receipts.ended_as` tells."""

    job_id: str
    repository: str
    commit: str
    ended: str | None


def read_receipts(store: Store) -> Iterator[Receipt]:
    """Yield every receipt that can be read."""
    try:
        names = sorted(entry.name for entry in store.list(DONE) if entry.name.endswith(".json"))
    except NotFound:
        return
    for name in names:
        try:
            told = parse_object(read_bounded(store, f"{DONE}/{name}", MAX_MANIFEST_BYTES), name)
        except (NotFound, ManifestInvalid, UnsafeName):
            continue
        bases, source, chunks = told.get("bases"), told.get("source"), told.get("chunks")
        yield Receipt(
            job_id=name.removesuffix(".json"),
            bases=tuple(base for base in bases if _is_safe(base, safe_base)) if isinstance(bases, list) else (),
            chunks=chunks if isinstance(chunks, int) else 0,
            manifest_path=str(told.get("manifest_path", "")),
            source=source if isinstance(source, dict) else {},
        )


def origin_of(store: Store, source: Mapping[str, object]) -> Origin | None:
    """Return the job of a repository that a recipe's `source` names, None where it does not name all of one."""
    told = [source.get(name) for name in ("job_id", "manifest_path", "repository", "commit")]
    job_id, path, repository, commit = (value if isinstance(value, str) else "" for value in told)
    if not path.startswith(REPOSITORY_PREFIX) or not (_is_safe(job_id, safe_name) and repository and commit):
        return None
    return Origin(job_id, repository, commit, ended_as(store, job_id))


def job_of(recipe: Recipe) -> str | None:
    """Return the job that a recipe says it was made in."""
    job_id = recipe.source.get("job_id")
    return job_id if isinstance(job_id, str) else None


def _is_safe(name: object, check: Callable[[str], str]) -> bool:
    try:
        return isinstance(name, str) and bool(check(name))
    except UnsafeName:
        return False
