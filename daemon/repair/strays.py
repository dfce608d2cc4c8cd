"""Recipes and payloads that are no part of a good commit: duplicates, and what lies in a damaged chunk's folder."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from panini_daemon.reader import CHUNK_FOLDER
from panini_daemon.storage.commits import PAYLOAD, RECIPE
from panini_daemon.storage.digests import hash_file
from panini_daemon.storage.errors import NotFound, RecipeInvalid, UnsafeName
from panini_daemon.storage.names import plain_name
from panini_daemon.storage.recipe import MAX_RECIPE_BYTES, Recipe, parse_recipe
from panini_daemon.storage.root import CHUNKS
from panini_daemon.storage.store import Entry, Store


@dataclass(frozen=True, slots=True)
class Stray:
    """A file called as a recipe or payload is. `home` is the chunk folder that it would belong to by its place."""

    path: str
    home: str
    sha256: str
    size: int
    recipe: Recipe | None = None

    @property
    def base(self) -> str:
        """The file that a recipe says it is of, else the one in whose folder it lies."""
        own = self.recipe.base if self.recipe else None
        return own or self.home.rpartition("/")[0].removeprefix(CHUNKS).removeprefix("/")


class Strays:
    """All strays, found by what they are of."""

    def __init__(self, strays: Iterable[Stray] = ()) -> None:
        self.by_path: dict[str, Stray] = {}
        self._recipes: dict[tuple[str, int], list[Stray]] = {}
        self._by_hash: dict[str, list[Stray]] = {}
        self._by_home: dict[str, list[Stray]] = {}
        self._named: set[str] = set()
        for stray in strays:
            self.add(stray)

    def add(self, stray: Stray) -> None:
        """Take one in."""
        self.by_path[stray.path] = stray
        self._by_hash.setdefault(stray.sha256, []).append(stray)
        self._by_home.setdefault(stray.home, []).append(stray)
        if stray.recipe is not None:
            self._recipes.setdefault((stray.base, stray.recipe.chunk_id), []).append(stray)
            self._named.add(stray.recipe.payload_hash or "")

    def drop(self, path: str) -> None:
        """Forget one: other bytes are written there."""
        stray = self.by_path.pop(path, None)
        if stray is not None:
            self._by_hash[stray.sha256].remove(stray)
            self._by_home[stray.home].remove(stray)
            if stray.recipe is not None:
                self._recipes[stray.base, stray.recipe.chunk_id].remove(stray)

    def spots(self) -> list[tuple[str, int]]:
        """Return base and chunk id of every chunk of which there is a recipe."""
        return list(self._recipes)

    def recipes(self, base: str, chunk_id: int) -> list[Stray]:
        """Return the recipes that are of this chunk."""
        return self._recipes.get((base, chunk_id), [])

    def at_home(self, home: str) -> list[Stray]:
        """Return all that by its place belongs to a chunk folder."""
        return self._by_home.get(home, [])

    def payloads(self, recipe: Stray) -> list[Stray]:
        """Return the payloads that may belong to a recipe: by hash, or for version 1.0 by their place."""
        wanted = recipe.recipe.payload_hash if recipe.recipe else None
        found = self._by_hash.get(wanted, []) if wanted else self._by_home.get(recipe.home, [])
        return [one for one in found if plain_name(_name(one.path)) == PAYLOAD]

    def is_named(self, sha256: str) -> bool:
        """Tell whether a stray recipe is of a payload with this hash."""
        return sha256 in self._named

    def is_elsewhere(self, path: str, sha256: str) -> bool:
        """Tell whether another stray than the one at `path` has these bytes."""
        return any(other.path != path for other in self._by_hash.get(sha256, ()))


def find_strays(
    store: Store, roots: Iterable[str], damaged: Collection[str], duplicates: Mapping[str, str], threads: int
) -> Strays:
    """Read all strays below `roots`.

    `damaged` are chunk folders whose own files count as well, `duplicates` a shared folder's second folders of one
    name, with the first one's path. Raises StoreUnavailable.
    """
    with ThreadPoolExecutor(threads) as pool:
        paths = [path for root in roots for path in list_strays(store, root, damaged, duplicates)]
        read = pool.map(lambda path: read_stray(store, path, home_of(path.rpartition("/")[0], duplicates)), paths)
        return Strays(stray for stray in read if stray)


def list_strays(store: Store, root: str, damaged: Collection[str], duplicates: Collection[str]) -> Iterator[str]:
    """Yield the paths of all strays below a folder."""
    for folder, entries in walk_folders(store, root):
        parent, _, name = folder.rpartition("/")
        if not CHUNK_FOLDER.fullmatch(plain_name(name)):
            continue
        own = CHUNK_FOLDER.fullmatch(name) is not None and folder not in damaged and parent not in duplicates
        for entry in entries:
            plain = plain_name(entry.name)
            if entry.kind == "file" and plain in (RECIPE, PAYLOAD) and not (own and plain == entry.name):
                yield f"{folder}/{entry.name}"


def walk_folders(store: Store, root: str) -> Iterator[tuple[str, list[Entry]]]:
    """Yield a folder and all below it, with what is in them. Links are not followed."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            entries = store.list(folder)
        except (NotFound, UnsafeName):
            continue
        yield folder, entries
        below = (entry.name for entry in entries if entry.kind == "folder")
        waiting.extend(f"{folder}/{name}" if folder else name for name in below)


def home_of(folder: str, duplicates: Mapping[str, str]) -> str:
    """Return the chunk folder of which `folder` is, or is in, a duplicate."""
    parent, _, name = folder.rpartition("/")
    return f"{duplicates.get(parent, parent)}/{plain_name(name)}"


def read_stray(store: Store, path: str, home: str) -> Stray | None:
    """Read one stray; None where it is not there any more."""
    try:
        digest, size = hash_file(store, path)
        recipe = None
        if plain_name(_name(path)) == RECIPE and size <= MAX_RECIPE_BYTES:
            recipe = _parse(store.read(path))
    except (NotFound, UnsafeName):
        return None
    return Stray(path, home, digest, size, recipe)


def _parse(data: bytes) -> Recipe | None:
    try:
        return parse_recipe(data)
    except RecipeInvalid:
        return None


def _name(path: str) -> str:
    return path.rpartition("/")[2]
