import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fakes.delayed_store import DelayedFolder
from fakes.lease_world import Time
from fakes.memory_store import MemoryStore
from fakes.trees import commit, commit_run
from hypothesis import given
from hypothesis import strategies as st

from panini_daemon.storage.commits import already_committed, find_commit, find_target, read_recipe
from panini_daemon.storage.digests import Digests
from panini_daemon.storage.errors import LeaseLost, NotCommitted, RecipeInvalid, RunLost, StoreUnavailable, UnsafeName
from panini_daemon.storage.names import safe_base
from panini_daemon.storage.recipe import Recipe, format_recipe, parse_recipe
from panini_daemon.storage.run_files import write_run_file
from panini_daemon.storage.solid import RunFile, charged_size, name_run_file, parse_slice

PIECES = [b"the first piece, ", b"and the second, ", b"", b"and the last"]
FIRST, SECOND = "compressed_chunks/f/chunk_0000", "compressed_chunks/f/chunk_0001"
SHA = hashlib.sha256(PIECES[1]).hexdigest()


def sliced(**changes: object) -> Recipe:
    """Return the recipe of the second piece, with other parameters."""
    store = MemoryStore()
    commit_run(store, "f", PIECES, **changes)
    return read_recipe(store, SECOND)


def test_parameters_say_all_that_decoding_needs_and_come_back_as_they_were_written() -> None:
    where = parse_slice(sliced())
    assert (where.offset, where.run.size, where.run.method) == (17, sum(map(len, PIECES)), "generic_gzip_v1")
    assert (where.run.file.base, where.run.file.name[:4], len(where.run.file.sha256)) == ("f", "run_", 64)
    assert parse_slice(sliced(**where.to_parameters())) == where


def test_a_run_of_the_chunk_s_own_file_is_called_by_its_name_alone_and_found() -> None:
    where = parse_slice(sliced())
    near, far = where.to_parameters("f"), where.to_parameters("g")
    assert (near["run"], far["run"]) == (where.run.file.name, where.run.file.path)
    assert parse_slice(sliced(**near)) == where == parse_slice(sliced(**far))


@pytest.mark.parametrize("base", [None, "", "..", "/f"])
def test_a_name_alone_says_nothing_where_no_file_is_told(base: str | None) -> None:
    told = json.loads(format_recipe(sliced(run=f"run_{SHA}.bin").model_dump(mode="json"))) | {"base": base}
    with pytest.raises(RecipeInvalid, match="alone or with its path"):
        parse_slice(parse_recipe(format_recipe(told)))


@pytest.mark.parametrize(
    "changes",
    [
        {"run": None},
        {"run": "f/run_0.bin"},
        {"run": f"../run_{SHA}.bin"},
        {"run": f"/f/run_{SHA}.bin"},
        {"run": f"f/run_{SHA.upper()}.bin"},
        {"run": f"run_{SHA}.bin/x"},
        {"run_size": -1},
        {"run_size": True},
        {"run_size": (1 << 31) + 1},
        {"run_size": "9"},
        {"method": 7},
        {"method": "solid_slice_v1"},
        {"method": "dedup_reference_v1"},
        {"parameters": None},
        {"decoded_size": 32},
        {"decoded_size": (1 << 30) + 1},
        {"decoded_size": 1.5},
        {"offset": -1},
        {"offset": 1 << 40},
    ],
)
def test_parameters_that_name_no_place_in_a_run_are_refused_and_the_chunk_is_not_committed(
    changes: dict[str, Any],
) -> None:
    store = MemoryStore()
    commit_run(store, "f", PIECES, **{"offset": 17, **changes})
    with pytest.raises(RecipeInvalid, match="chunk 1, solid_slice_v1: found"):
        parse_slice(read_recipe(store, SECOND))
    with pytest.raises(NotCommitted, match="compress the chunk again"):
        find_commit(store, SECOND)


def test_a_slice_that_tells_no_size_is_refused() -> None:
    told = json.loads(format_recipe(sliced().model_dump(mode="json"))) | {"assembly_info": {}}
    with pytest.raises(RecipeInvalid, match="None bytes"):
        parse_slice(parse_recipe(format_recipe(told)))


@given(st.lists(st.integers(0, 500), min_size=1, max_size=20), st.integers(0, 5000))
def test_the_shares_of_the_chunks_add_up_to_the_run(sizes: list[int], run_size: int) -> None:
    told = {"run_size": run_size, "decoded_size": sum(sizes)}
    store = MemoryStore()
    commit_run(store, "f", [bytes(size) for size in sizes], **told)
    recipes = [read_recipe(store, f"compressed_chunks/f/chunk_{number:04d}") for number in range(len(sizes))]
    shares = [parse_slice(recipe).share(recipe.size or 0) for recipe in recipes]
    assert sum(shares) == (run_size if sum(sizes) else 0)
    assert min(shares) >= 0


def test_a_chunk_counts_for_its_payload_and_a_slice_for_what_its_recipe_says() -> None:
    told = sliced().model_dump(mode="json")
    recipes = [parse_recipe(format_recipe(told | {"stats": {"compressed_size": one}})) for one in (9, -1, "x")]
    assert [charged_size(one, 0) for one in recipes] == [9, 0, 0]
    assert charged_size(parse_recipe(format_recipe(told | {"compression_method": "x_v1"})), 5) == 5


def test_a_slice_is_committed_where_its_run_is_whole() -> None:
    store = MemoryStore()
    run = commit_run(store, "f", PIECES)
    found = find_commit(store, SECOND)
    assert (found.run, found.payload_size, found.paths) == (
        run,
        0,
        (f"{SECOND}/compressed.bin", f"{SECOND}/recipe.json", run),
    )
    assert already_committed(store, SECOND, SHA) is not None


@pytest.mark.parametrize("damage", ["gone", "cut", "flipped", "empty", "of another hash", "a folder"])
def test_a_slice_without_its_whole_run_is_not_committed_and_is_told_by_the_runs_name(damage: str) -> None:
    store = MemoryStore()
    run = commit_run(store, "f", PIECES)
    data = store.read(run)
    store.delete(run)
    if damage == "a folder":
        store.write(f"{run}/x", b"")
    elif damage != "gone":
        bad = {"cut": data[:-1], "flipped": data[:-1] + b"?", "empty": b"", "of another hash": data[::-1]}[damage]
        store.write(run, bad)
    with pytest.raises(RunLost, match="restore that file from a copy") as told:
        find_commit(store, SECOND)
    assert told.value.run == run
    assert run in str(told.value)
    assert already_committed(store, SECOND, SHA) is None


def test_a_slice_whose_own_payload_is_not_empty_is_not_committed() -> None:
    store = MemoryStore()
    commit_run(store, "f", PIECES)
    store.write(f"{SECOND}/compressed.bin", b"x")
    with pytest.raises(NotCommitted, match="not of one commit"):
        find_commit(store, SECOND)


def test_in_a_folder_that_was_copied_the_run_is_found_beside_its_chunks() -> None:
    tree, copied = MemoryStore(), MemoryStore()
    run = commit_run(tree, "f", PIECES)
    for path in list(tree.files):
        copied.write(path.removeprefix("compressed_chunks/f/"), tree.read(path))
    assert find_commit(copied, "chunk_0001").run == run.rpartition("/")[2]


def test_a_run_is_hashed_once_for_all_its_chunks_and_again_when_it_changes() -> None:
    store, digests = MemoryStore(), Digests()
    run = commit_run(store, "f", PIECES)
    for folder in (FIRST, SECOND, FIRST):
        find_commit(store, folder, digests)
    assert store.operations.count(("open", run)) == 1
    store.write(run, b"x" * len(store.read(run)))
    with pytest.raises(RunLost):
        find_commit(store, FIRST, digests)


def test_where_a_recipe_is_seen_before_its_run_the_chunk_is_not_committed_yet() -> None:
    seen = set()
    for seed in range(30):
        time = Time()
        folder = DelayedFolder(lambda time=time: time.seconds, Random(seed), max_delay=10.0)
        mine, other = folder.view("a"), folder.view("b")
        source = MemoryStore()
        run = commit_run(source, "f", PIECES)
        for path in sorted(source.files, reverse=True):  # the run before what names it
            mine.write(path, source.read(path))
        assert find_commit(mine, SECOND).run == run
        while already_committed(other, SECOND, SHA) is None:  # type: ignore[arg-type]
            seen.add("late" if _has(other, f"{SECOND}/recipe.json") and not _has(other, run) else "")
            time.seconds += 0.25
        assert other.read(run) == source.read(run)
    assert "late" in seen


def _has(store: Any, path: str) -> bool:
    try:
        return bool(store.read(path))
    except Exception:  # noqa: BLE001  whatever it is, the file is not there
        return False


def test_a_reference_to_a_slice_is_good_while_the_run_is(tmp_path: Path) -> None:
    store = MemoryStore()
    run = commit_run(store, "f", PIECES)
    commit(
        store,
        "compressed_chunks/g/chunk_0000",
        PIECES[1],
        chunk_id=0,
        offset=0,
        compression_method="dedup_reference_v1",
        reconstruction={"method": "dedup_resolve", "parameters": {"reference_path": SECOND}},
    )
    recipe = read_recipe(store, "compressed_chunks/g/chunk_0000")
    assert find_target(store, "compressed_chunks/g/chunk_0000", recipe).run == run
    store.delete(run)
    with pytest.raises(NotCommitted, match="run_"):
        find_target(store, "compressed_chunks/g/chunk_0000", recipe)


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    path = tmp_path / "payload"
    path.write_bytes(b"a run")
    return path


FILE = RunFile(name_run_file("f", hashlib.sha256(b"a run").hexdigest()), 5)


def allow() -> None:
    """Hold the lease."""


def test_a_run_is_written_where_its_name_says_and_once(payload: Path) -> None:
    store = MemoryStore()
    for _ in range(2):
        assert write_run_file(store, FILE, payload, allowed=allow) == FILE.place
    assert (store.read(FILE.place), store.count("put"), payload.exists()) == (b"a run", 1, True)


def test_a_damaged_run_is_written_over(payload: Path) -> None:
    store = MemoryStore()
    store.write(FILE.place, b"a ruN")
    write_run_file(store, FILE, payload, allowed=allow)
    assert store.read(FILE.place) == b"a run"


def test_a_run_that_does_not_read_back_is_told(payload: Path) -> None:
    class Forgetful(MemoryStore):
        def put(self, path: str, source: Path, *, durable: bool = True, consume: bool = False) -> None:
            self.write(path, b"")

    with pytest.raises(StoreUnavailable, match="read back"):
        write_run_file(Forgetful(), FILE, payload, allowed=allow)


def test_without_the_lease_no_run_is_written(payload: Path) -> None:
    def refuse() -> None:
        raise LeaseLost("gone")

    store = MemoryStore()
    with pytest.raises(LeaseLost):
        write_run_file(store, FILE, payload, allowed=refuse)
    assert store.files == {}


def test_no_file_can_take_a_runs_name_for_a_folder() -> None:
    with pytest.raises(UnsafeName, match="the tree itself uses"):
        safe_base(f"photos/{FILE.name}")
    assert safe_base("run_1.bin") == "run_1.bin"
