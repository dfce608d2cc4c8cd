"""The whole tree's account: what every committed chunk was and became, from the recipes alone."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from panini_daemon.inspection import walk
from panini_daemon.reader import Reader
from panini_daemon.storage.commits import PAYLOAD, RECIPE, read_recipe
from panini_daemon.storage.errors import NotCommitted, NotFound
from panini_daemon.storage.references import REFERENCE_METHOD
from panini_daemon.storage.root import CHUNKS

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

    `duplicates` are chunks that refer to the bytes of others; `broken` are folders without a readable recipe.
    """

    total: Sum = field(default_factory=Sum)
    files: dict[str, Sum] = field(default_factory=dict)
    methods: dict[str, Sum] = field(default_factory=dict)
    types: dict[str, Sum] = field(default_factory=dict)
    workers: dict[str, Sum] = field(default_factory=dict)
    duplicates: Sum = field(default_factory=Sum)
    broken: list[str] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Add one chunk."""
        self.total.add(entry)
        if entry.method == REFERENCE_METHOD:
            self.duplicates.add(entry)
        for sums, key in (
            (self.files, entry.base),
            (self.methods, entry.method),
            (self.types, entry.type),
            (self.workers, entry.worker),
        ):
            sums.setdefault(key, Sum()).add(entry)

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
) -> Iterator[Entry | str]:
    """Yield every committed chunk below `folder`, or the path of one whose recipe cannot be read.

    Payloads are not opened: `verify` tells whether they are good. Raises StoreUnavailable.
    """
    with ThreadPoolExecutor(threads) as pool:
        for base, folders in walk(reader, folder):
            name = base.removeprefix(f"{CHUNKS}/")
            for entry in pool.map(lambda path, name=name: _read_entry(reader, name, path), folders.values()):
                on_chunk()
                yield entry


def add_up(entries: Iterable[Entry | str]) -> Account:
    """Add chunks up."""
    account = Account()
    for entry in entries:
        if isinstance(entry, str):
            account.broken.append(entry)
        else:
            account.add(entry)
    return account


def _read_entry(reader: Reader, base: str, path: str) -> Entry | str:
    try:
        recipe = read_recipe(reader.store, path)
        after = reader.store.stat(f"{path}/{PAYLOAD}").size
        own = reader.store.stat(f"{path}/{RECIPE}").size
    except (NotCommitted, NotFound):
        return path
    return Entry(
        base=base,
        chunk_id=recipe.chunk_id,
        method=recipe.compression_method,
        type=recipe.grammar_id or str(recipe.stats.get("kind") or "unknown")[:40],
        before=recipe.size or 0,
        after=after,
        recipe_size=own,
        worker=recipe.worker or "unknown",
    )
