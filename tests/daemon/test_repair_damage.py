"""A tree damaged at random: what could be brought back is brought back, and nothing that was good is lost."""

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.damaged_trees import CHUNK, FILES, good, load, problems, repair, restored, sha, work
from fakes.memory_store import MemoryStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panini_daemon.storage.recipe import parse_recipe
from panini_daemon.storage.solid import is_slice, parse_slice

pytestmark = pytest.mark.slow

BOTH = ("recipe.json", "compressed.bin")

Harm = Callable[[MemoryStore, str, int], None]


def delete(store: MemoryStore, path: str, _: int) -> None:
    store.delete(path)


def cut(store: MemoryStore, path: str, chance: int) -> None:
    data = store.read(path)
    store.write(path, data[: chance % (len(data) or 1)])


def flip(store: MemoryStore, path: str, chance: int) -> None:
    if data := store.read(path):
        at = chance % len(data)
        store.write(path, data[:at] + bytes([data[at] ^ (1 << chance % 7)]) + data[at + 1 :])


def junk(store: MemoryStore, path: str, chance: int) -> None:
    store.write(path, b"\x00" * (chance % 99))


def swap(store: MemoryStore, path: str, chance: int) -> None:
    others = [other for other in committed(store) if other.rpartition("/")[2] == path.rpartition("/")[2]]
    other = others[chance % len(others)]
    mine, its = store.read(path), store.read(other)
    store.write(path, its)
    store.write(other, mine)


def duplicate(store: MemoryStore, path: str, chance: int) -> None:
    store.write(second(path, 1 + chance % 2), store.read(path))


def displace(store: MemoryStore, path: str, chance: int) -> None:
    store.move(path, second(path, 1 + chance % 2))


def split_folder(store: MemoryStore, path: str, _: int) -> None:
    """Let a file show in a second folder of the chunk's name."""
    folder, _, name = path.rpartition("/")
    if re.fullmatch(r"chunk_\d+", folder.rpartition("/")[2]):
        store.move(path, f"{folder} (1)/{name}")


def split_base(store: MemoryStore, path: str, _: int) -> None:
    """Let a chunk, or the manifest, show in a second folder of the file's name."""
    folder, _, name = path.rpartition("/")
    base, _, chunk = folder.rpartition("/")
    if name == "manifest.json":
        store.move(path, f"{second(folder, 1)}/{name}")
    elif re.fullmatch(r"chunk_\d+", chunk) and "(1)" not in base:
        for each in ("recipe.json", "compressed.bin"):
            if f"{folder}/{each}" in store.files:
                store.move(f"{folder}/{each}", f"{second(base, 1)}/{chunk}/{each}")


HARMS: tuple[Harm, ...] = (delete, cut, flip, junk, swap, duplicate, displace, split_folder, split_base)
harms = st.lists(
    st.tuples(st.sampled_from(HARMS), st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=5
)


def second(path: str, number: int) -> str:
    """Return the name that a shared folder gives to a second file or folder."""
    folder, _, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    return f"{folder}/{stem} ({number}){dot}{ending}"


def committed(store: MemoryStore) -> list[str]:
    return sorted(path for path in store.files if path.startswith("compressed_chunks/"))


def chunk_paths() -> Iterator[tuple[str, str, str]]:
    """Yield base, folder and SHA-256 of the original of every chunk of the good tree."""
    for base, data in FILES.items():
        for number, start in enumerate(range(0, max(len(data), 1), CHUNK)):
            yield base, f"compressed_chunks/{base}/chunk_{number:04d}", sha(data[start : start + CHUNK])


def files_of(folder: str, *, solid: bool) -> dict[str, bytes]:
    """Return the files of the good tree that a chunk needs, by path."""
    files = good(solid=solid)
    needed = {f"{folder}/{name}": files[f"{folder}/{name}"] for name in BOTH}
    recipe = parse_recipe(needed[f"{folder}/recipe.json"])
    if is_slice(recipe):
        run = parse_slice(recipe).run.file.place
        needed[run] = files[run]
    return needed


def recoverable(damaged: dict[str, bytes], *, solid: bool) -> set[str]:
    """Return the folders of the chunks of which all files are still somewhere."""
    there = {data for path, data in damaged.items() if path.startswith("compressed_chunks/")}
    return {folder for _, folder, _ in chunk_paths() if {*files_of(folder, solid=solid).values()} <= there}


def is_untouched(files: dict[str, bytes], folder: str, *, solid: bool) -> bool:
    return all(files.get(path) == data for path, data in files_of(folder, solid=solid).items())


@pytest.mark.parametrize("solid", [False, True])
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(harms)
def test_what_could_be_rebuilt_is_and_a_second_repair_changes_nothing(
    tmp_path: Path, solid: bool, ordered: list[tuple[Harm, int, int]]
) -> None:
    store = load(good(solid=solid))
    for harm, one, two in ordered:
        paths = committed(store)
        harm(store, paths[one % len(paths)], two)
    damaged = store.files
    back = recoverable(damaged, solid=solid)

    repair(store, scratch=tmp_path)
    once = store.files
    repair(store, scratch=tmp_path)
    assert store.files == once
    work(store, tmp_path)
    repair(store, scratch=tmp_path)
    after = store.files

    assert not set(problems(store)) & back
    for base, chunks in itertools.groupby(chunk_paths(), key=lambda one: one[0]):
        folders = {folder for _, folder, _ in chunks}
        untouched = [folder for folder in folders if is_untouched(damaged, folder, solid=solid)]
        assert all(is_untouched(after, folder, solid=solid) for folder in untouched)
        if folders <= back:
            assert restored(store, base, tmp_path) == FILES[base]

    again = repair(store, scratch=tmp_path)
    assert (store.files, again.removed) == (after, [])
