"""The files that hold runs: where they are found, and how they are written before anything names them."""

from collections.abc import Callable
from pathlib import Path

from panini_daemon.storage.digests import Digests, hash_file
from panini_daemon.storage.errors import NotCommitted, NotFound, RecipeInvalid, RunLost, StoreUnavailable, UnsafeName
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.solid import RunFile, parse_slice
from panini_daemon.storage.store import Store


def find_run_file(store: Store, folder: str, recipe: Recipe, digests: Digests | None = None) -> str:
    """Return the path of the file that holds the slice in `folder`, its bytes compared with its name.

    In a folder that was copied out of its tree it is beside the chunk folder, or in it. Raises NotCommitted for a
    recipe that names no run, RunLost.
    """
    try:
        file = parse_slice(recipe).run.file
    except RecipeInvalid as error:
        raise NotCommitted(f"{folder or 'the folder'} is not committed: {error}") from error
    found: list[str] = []
    for path in _list_places(folder, file):
        wrong = look_at_run_file(store, path, file, digests)
        if wrong is None:
            return path
        found.append(wrong)
    raise RunLost(
        f"{folder or 'the folder'} has its bytes in {file.place}, which it needs whole: {found[0]}; restore that file "
        "from a copy (or copy it beside the chunk's folder), else compress the chunk again",
        file.place,
    )


def look_at_run_file(store: Store, path: str, file: RunFile, digests: Digests | None = None) -> str | None:
    """Return what is wrong with the run file at `path`, None where it is whole. Raises StoreUnavailable."""
    try:
        if (size := store.stat(path).size) != file.size:
            return f"{path} has {size} bytes; expected {file.size}"
        digest, _ = digests.hash(store, path) if digests else hash_file(store, path)
    except (NotFound, NotCommitted, UnsafeName) as error:
        return str(error)
    return None if digest == file.sha256 else f"{path} has SHA-256 {digest}, which its name does not say"


def write_run_file(
    store: Store, file: RunFile, payload: Path, *, allowed: Callable[[], None], durable: bool = True
) -> str:
    """Put a run's payload in its place, unless it is there, whole, and return its path in the tree.

    Its name says what its bytes are, so nothing else is ever lost by writing it. `allowed` is asked before; it raises
    where the worker may no longer write (LeaseLost). Raises StoreUnavailable where it does not read back.
    """
    path = file.place
    if look_at_run_file(store, path, file) is None:
        return path
    allowed()
    store.put(path, payload, durable=durable)
    if (wrong := look_at_run_file(store, path, file)) is not None:
        raise StoreUnavailable(
            f"{path} does not read back as it was written ({wrong}); the folder may be full or failing; "
            "it is tried again"
        )
    return path


def _list_places(folder: str, file: RunFile) -> list[str]:
    parent = folder.rpartition("/")[0]
    beside = f"{parent}/{file.name}" if parent else file.name
    return list(dict.fromkeys([file.place, beside, f"{folder}/{file.name}" if folder else file.name]))
