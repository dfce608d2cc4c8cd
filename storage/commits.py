"""A chunk's commit: recipe.json and compressed.bin that belong together.

Files may become visible in any order, so neither file alone means anything: a chunk is committed when both are
there and the recipe's payload_hash is the SHA-256 of compressed.bin. Whatever else is found is overwritten.
A reference names a chunk with the same bytes, and is committed only as long as that one is (references.py).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from panini_daemon.storage.digests import Digests, hash_file
from panini_daemon.storage.errors import BaseConflict, NotCommitted, NotFound, RecipeInvalid, StoreUnavailable
from panini_daemon.storage.recipe import MAX_RECIPE_BYTES, Recipe, parse_recipe
from panini_daemon.storage.references import REFERENCE_METHOD, depends_on_target, parse_reference
from panini_daemon.storage.store import Store

PAYLOAD = "compressed.bin"
RECIPE = "recipe.json"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Commit:
    """A committed chunk: its recipe, and where its payload lies in the store."""

    recipe: Recipe
    payload_path: str
    payload_hash: str
    payload_size: int

    @property
    def paths(self) -> tuple[str, str]:
        """Both files in the store."""
        return (self.payload_path, f"{self.payload_path.removesuffix(PAYLOAD)}{RECIPE}")


def find_commit(store: Store, folder: str, digests: Digests | None = None) -> Commit:
    """Return the chunk committed in `folder`. Raises NotCommitted, saying what is missing or does not agree.

    A version 1.0 recipe has no payload_hash: its two files count as belonging together, and decoding tells.
    A reference is committed where its target is; `digests` spares hashing that for each of many chunks.
    """
    commit = _find_files(store, folder)
    if depends_on_target(commit.recipe):
        find_target(store, folder, commit.recipe, digests)
    return commit


def find_target(store: Store, folder: str, recipe: Recipe, digests: Digests | None = None) -> Commit:
    """Return the commit that holds the bytes of the reference in `folder`. Raises NotCommitted."""
    try:
        place = parse_reference(recipe)
    except RecipeInvalid as error:
        raise NotCommitted(f"{folder or 'the folder'} is not committed: {error}") from error
    try:
        target = _find_files(store, place, digests)
    except NotCommitted as error:
        raise _lost(folder, place, str(error)) from error
    found = target.recipe
    if found.compression_method == REFERENCE_METHOD:
        raise _lost(folder, place, "that is a reference itself, and a chain has one step")
    if (found.original_hash, found.size) != (recipe.original_hash, recipe.size):
        raise _lost(folder, place, f"that has {found.size} bytes with SHA-256 {found.original_hash}")
    return target


def _lost(folder: str, place: str, reason: str) -> NotCommitted:
    return NotCommitted(
        f"{folder or 'the folder'} has the bytes of {place}, which does not hold them: {reason}; restore that folder "
        "from a copy, else compress the chunk again"
    )


def _find_files(store: Store, folder: str, digests: Digests | None = None) -> Commit:
    """Return the two files in `folder` where they are of one commit. Raises NotCommitted."""
    recipe, path = read_recipe(store, folder), f"{folder}/{PAYLOAD}" if folder else PAYLOAD
    try:
        digest, size = digests.hash(store, path) if digests else hash_file(store, path)
    except NotFound as error:
        raise NotCommitted(f"{folder} is not committed: {error}") from error
    if recipe.payload_hash not in (None, digest):
        raise NotCommitted(
            f"{path} has SHA-256 {digest}, its recipe expects {recipe.payload_hash}: "
            "the two files are not of one commit; the chunk must be compressed again"
        )
    return Commit(recipe, path, digest, size)


def read_recipe(store: Store, folder: str) -> Recipe:
    """Return the recipe in `folder`, whatever its payload is like. Raises NotCommitted."""
    path = f"{folder}/{RECIPE}" if folder else RECIPE
    try:
        if (size := store.stat(path).size) > MAX_RECIPE_BYTES:
            raise NotCommitted(f"{path} has {size} bytes; a recipe has at most {MAX_RECIPE_BYTES}")
        return parse_recipe(store.read(path))
    except (NotFound, RecipeInvalid) as error:
        raise NotCommitted(f"{folder or 'the folder'} is not committed: {error}") from error


def already_committed(
    store: Store, folder: str, original_hash: str | None, digests: Digests | None = None
) -> Commit | None:
    """Return the good commit of the same bytes in `folder`, None where there is none.

    Without a hash to compare, None. Raises BaseConflict where `folder` holds a good commit of other bytes: nothing
    is ever overwritten by another file's chunk.
    """
    if original_hash is None:
        return None
    try:
        commit = find_commit(store, folder, digests)
    except NotCommitted:
        return None
    found = commit.recipe.original_hash
    if found not in ("", original_hash):
        raise BaseConflict(
            f"{folder} already holds a chunk with SHA-256 {found}, not {original_hash}; "
            "submit the new file under another base, or move the old one away first"
        )
    return commit if found == original_hash else None


def write_commit(
    store: Store,
    folder: str,
    recipe: bytes,
    payload: Path,
    payload_hash: str,
    *,
    durable: bool = True,
    consume: bool = True,
    allowed: Callable[[], None] = lambda: None,
) -> tuple[str, str]:
    """Write both files, each whole or not at all, read them back, and return their paths.

    With `consume` the file `payload` may be moved into the tree.

    Without `durable` the caller owes a `store.sync` of the paths before it lets go of the original: until then a
    power cut may take the files, which the hashes tell, and the chunk is done again. `allowed` is asked before the
    first write; it raises where the worker may no longer write (LeaseLost). A commit that was begun is ended all the
    same: where the worker was held up so long that another one committed meanwhile, with other settings perhaps,
    half a commit would spoil the whole one that it was written over.
    Raises StoreUnavailable where what is read back is not what was written, nor another good commit of the chunk.
    """
    paths = (f"{folder}/{PAYLOAD}", f"{folder}/{RECIPE}")
    allowed()
    with _spare_of(payload) if consume else nullcontext(payload) as spare:
        for source, moved in ((payload, consume), (spare, False)):
            if not source.exists():
                break
            store.put(paths[0], source, durable=durable, consume=moved)
            store.write(paths[1], recipe, durable=durable)
            if _is_there(store, folder, recipe, payload_hash):
                return paths
    raise StoreUnavailable(
        f"{folder} does not read back as it was written; the folder may be full, failing, or written by an "
        "old worker; the commit is tried again"
    )


def _is_there(store: Store, folder: str, recipe: bytes, payload_hash: str) -> bool:
    """Tell whether a folder reads back as it was written, or as another worker wrote it for the same bytes."""
    try:
        found, (digest, _) = store.read(f"{folder}/{RECIPE}"), hash_file(store, f"{folder}/{PAYLOAD}")
        if (found, digest) == (recipe, payload_hash):
            return True
        other, mine = parse_recipe(found), parse_recipe(recipe)
    except (NotFound, RecipeInvalid):
        return False
    if other.payload_hash != digest or other.original_hash != mine.original_hash:
        return False
    if mine.compression_method == REFERENCE_METHOD == other.compression_method:
        return other.reconstruction == mine.reconstruction  # the bytes are elsewhere: in the same place?
    return True


@contextmanager
def _spare_of(payload: Path) -> Iterator[Path]:
    """Lend a second name for a file that may be moved away; there is none where the file system has no hard links."""
    spare = payload.with_name(f"{payload.name}.spare")
    with suppress(OSError):
        spare.unlink(missing_ok=True)
        spare.hardlink_to(payload)
    try:
        yield spare
    finally:
        with suppress(OSError):
            spare.unlink(missing_ok=True)
