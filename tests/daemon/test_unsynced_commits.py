"""Commits that nobody synced yet are synced before the original goes, whoever wrote them."""

from collections.abc import Callable

from fakes.bench import Bench
from fakes.service_scene import TEXT

from panini_daemon.storage.errors import StoreFull, StoreUnavailable


def assert_synced_before_deletion(bench: Bench, folder: str) -> None:
    operations = bench.store.operations
    deleted = next(at for at, (name, path) in enumerate(operations) if name == "delete" and path.startswith("inbox/"))
    for name in ("compressed.bin", "recipe.json"):
        assert ("sync", f"{folder}/{name}") in operations[:deleted]


def test_commits_of_a_worker_that_died_before_syncing_are_synced_by_the_next(make_bench: Callable[..., Bench]) -> None:
    first = make_bench(inline=True)
    first.submit("play.txt", TEXT)
    first.store.fail(StoreUnavailable("the folder went away"), "sync", times=None)
    while first.store.count("sync") == 0:
        first.round()
    first.leases.release_all()
    first.store._faults.clear()
    first.store.operations.clear()
    make_bench(store=first.store, clock=first.clock, worker="w2", inline=True).run()
    assert_synced_before_deletion(first, "compressed_chunks/play.txt/chunk_0000")


def test_what_was_written_before_its_group_was_split_is_synced(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(inline=True)
    bench.submit("play.txt", TEXT, chunk_size=1000)
    bench.store.operations.clear()
    bench.store.fail(StoreFull("no room"), "put", "compressed_chunks/play.txt/chunk_0002")
    bench.run()
    for number in range(3):
        assert_synced_before_deletion(bench, f"compressed_chunks/play.txt/chunk_000{number}")
