"""The whole tree's account: what every committed chunk was and became, from the recipes alone."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from panini_daemon.inspection import walk
from panini_daemon.reader import Reader
from panini_daemon.storage.commits import PAYLOAD, RECIPE, read_recipe
from panini_daemon.storage.errors import NotCommitted, NotFound, RecipeInvalid
from panini_daemon.storage.references import REFERENCE_METHOD
from panini_daemon.storage.root import CHUNKS
from panini_daemon.storage.solid import RUN_FILE, Slice, is_slice, parse_slice

_EDGE = 10
"""Files named among the best and the worst."""
_WORTH_NAMING = 4096
"""Bytes of a file that is named among the best and the worst; smaller ones tell nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One chunk; sizes in bytes, `recipe_size` is recipe.json's own."""

    base: str
    chunk_id: int
    method: str
    type: str
    before: int
    after: int
    recipe_size: int
    worker: str
    inner: str = ""
    """How the run was compressed that a slice is of."""
    copy: bool = False
    """Whether another chunk has these bytes of the run already."""


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """Bytes of a file's runs that no chunk counts for: what its chunks were before they were compressed anew."""

    base: str
    size: int


@dataclass(slots=True)
class Sum:
    """Chunks added up; sizes in bytes."""

    chunks: int = 0
    before: int = 0
    after: int = 0
    recipes: int = 0

    def add(self, entry: Entry) -> None:
        """Add one chunk."""
        self.chunks += 1
        self.before += entry.before
        self.after += entry.after
        self.recipes += entry.recipe_size


@dataclass(slots=True)
class Account:
    """All of it: totals, and sums by file, method, type and worker.

    `duplicates` are chunks whose bytes are there for others already, `solid` those that were compressed together. What
    a run takes is divided among its chunks; `unclaimed` is what none of them counts for. `broken` are folders without
    a readable recipe.
    """

    total: Sum = field(default_factory=Sum)
    files: dict[str, Sum] = field(default_factory=dict)
    methods: dict[str, Sum] = field(default_factory=dict)
    types: dict[str, Sum] = field(default_factory=dict)
    workers: dict[str, Sum] = field(default_factory=dict)
    duplicates: Sum = field(default_factory=Sum)
    solid: Sum = field(default_factory=Sum)
    unclaimed: int = 0
    broken: list[str] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Add one chunk."""
        self.total.add(entry)
        if entry.method == REFERENCE_METHOD or entry.copy:
            self.duplicates.add(entry)
        elif entry.inner:
            self.solid.add(entry)
        for sums, key in (
            (self.files, entry.base),
            (self.methods, entry.inner or entry.method),
            (self.types, entry.type),
            (self.workers, entry.worker),
        ):
            sums.setdefault(key, Sum()).add(entry)

    def add_unclaimed(self, rest: Unclaimed) -> None:
        """Add what is there and counts for no chunk."""
        self.unclaimed += rest.size
        for one in (self.total, self.files.setdefault(rest.base, Sum())):
            one.after += rest.size

    def best(self) -> list[tuple[str, Sum]]:
        """Return the files of which the greatest share was saved."""
        return self._by_share()[:_EDGE]

    def worst(self) -> list[tuple[str, Sum]]:
        """Return the files of which the least was saved."""
        return self._by_share()[::-1][:_EDGE]

    def _by_share(self) -> list[tuple[str, Sum]]:
        named = [(base, one) for base, one in self.files.items() if one.before >= _WORTH_NAMING]
        return sorted(named, key=lambda pair: (pair[1].after / pair[1].before, pair[0]))


def read_entries(
    reader: Reader, folder: str = CHUNKS, *, threads: int = 8, on_chunk: Callable[[], None] = lambda: None
) -> Iterator[Entry | Unclaimed | str]:
    """Yield every committed chunk below `folder`, or the path of one whose recipe cannot be read.

    Payloads are not opened: `verify` tells whether they are good. Raises StoreUnavailable.
    """
    with ThreadPoolExecutor(threads) as pool:
        for base, folders in walk(reader, folder):
            name, left = base.removeprefix(f"{CHUNKS}/"), _size_runs(reader, base)
            claimed = set[tuple[str, int, int]]()
            for found in pool.map(lambda path, name=name: _read_entry(reader, name, path), folders.values()):
                on_chunk()
                yield found if isinstance(found, str) else _claim(*found, left, claimed)
            if sum(left.values()):
                yield Unclaimed(name, sum(left.values()))


def add_up(entries: Iterable[Entry | Unclaimed | str]) -> Account:
    """Add chunks up."""
    account = Account()
    for entry in entries:
        if isinstance(entry, str):
            account.broken.append(entry)
        elif isinstance(entry, Unclaimed):
            account.add_unclaimed(entry)
        else:
            account.add(entry)
    return account


def _size_runs(reader: Reader, folder: str) -> dict[str, int]:
    """Return the sizes of the runs beside a file's chunks, by their paths in the tree."""
    names = [entry.name for entry in reader.store.list(folder) if RUN_FILE.fullmatch(entry.name)]
    return {f"{folder}/{name}": reader.store.stat(f"{folder}/{name}").size for name in names}


def _claim(entry: Entry, where: Slice | None, left: dict[str, int], claimed: set[tuple[str, int, int]]) -> Entry:
    """Return a slice with its share of its file's run, which it has once: a copy of it takes nothing."""
    if where is None:
        return entry
    place = (where.run.file.place, where.offset, entry.before)
    if place in claimed or place[0] not in left:
        return replace(entry, copy=True)
    claimed.add(place)
    share = min(where.share(entry.before), left[place[0]])
    left[place[0]] -= share
    return replace(entry, after=share)


def _read_entry(reader: Reader, base: str, path: str) -> tuple[Entry, Slice | None] | str:
    try:
        recipe = read_recipe(reader.store, path)
        where = parse_slice(recipe) if is_slice(recipe) else None
        after = reader.store.stat(f"{path}/{PAYLOAD}").size
        own = reader.store.stat(f"{path}/{RECIPE}").size
    except (NotCommitted, NotFound, RecipeInvalid):
        return path
    entry = Entry(
        base=base,
        chunk_id=recipe.chunk_id,
        method=recipe.compression_method,
        type=recipe.grammar_id or str(recipe.stats.get("kind") or "unknown")[:40],
        before=recipe.size or 0,
        after=after,
        recipe_size=own,
        worker=recipe.worker or "unknown",
        inner=where.run.method if where else "",
    )
    return entry, where
