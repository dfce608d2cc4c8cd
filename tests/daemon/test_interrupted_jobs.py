"""A worker died in the middle; the next one brings the job to the end that it would have had."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.bench import Bench
from fakes.crash_scenes import PIECES, scene

from panini_daemon.storage.errors import StoreUnavailable

Make = Callable[..., Bench]
AWAY = StoreUnavailable("the folder went away")


def interrupt(bench: Bench, name: str, operation: str, path: str, folder: Path) -> None:
    """Let a worker do a job until an operation fails, and then no more."""
    scene(name).send(bench.store, folder)
    bench.store.fail(AWAY, operation, path, times=None)
    while bench.store.operations[-1] != (operation, path):
        bench.round()
    bench.leases.release_all()
    bench.store._faults.clear()


def ends(bench: Bench) -> tuple[list[str], list[str], list[str]]:
    return tuple(
        [path for path in bench.store.files if path.startswith(f"{top}/")] for top in ("inbox", "done", "failed")
    )


def test_a_chunk_tree_whose_manifest_never_comes_is_compressed(bench: Bench, tmp_path: Path) -> None:
    scene("tree without manifest").send(bench.store, tmp_path)
    bench.run()
    assert bench.names("compressed_chunks/photo.png") == ["chunk_0000", "chunk_0001", "chunk_0002"]
    inbox, done, failed = ends(bench)
    assert (inbox, len(done), failed) == ([], 1, [])


def test_a_finished_job_without_declared_hashes_is_not_failed_for_its_data_being_gone(
    make_bench: Make, tmp_path: Path
) -> None:
    first = make_bench(inline=True)
    interrupt(first, "hash undeclared", "delete", "inbox/dispatch.json", tmp_path)
    make_bench(store=first.store, clock=first.clock, worker="w2", inline=True).run()
    inbox, done, failed = ends(first)
    assert (inbox, len(done), failed) == ([], 1, [])


@pytest.mark.parametrize("name", ["bad chunk", "bad chunk in a tree"])
def test_a_failed_job_keeps_its_reason(make_bench: Make, tmp_path: Path, name: str) -> None:
    manifest = "inbox/j1.json" if name == "bad chunk" else "inbox/photo.png/manifest.json"
    first = make_bench(inline=True)
    interrupt(first, name, "delete", manifest, tmp_path)
    before = first.failure()
    second = make_bench(store=first.store, clock=first.clock, worker="w2", inline=True)
    second.run()
    assert second.failure() == before
    assert before["error"] == "HashMismatch"
    inbox, done, failed = ends(second)
    assert (inbox, done) == ([], [])
    assert PIECES[1] in [second.store.files[path] for path in failed]


def test_a_file_manifest_that_was_cut_short_is_written_again_by_a_failing_job(bench: Bench, tmp_path: Path) -> None:
    bench.store.write("compressed_chunks/photo.png/manifest.json", b'{"base_na')
    scene("bad chunk").send(bench.store, tmp_path)
    bench.run()
    assert len(bench.json("compressed_chunks/photo.png/manifest.json")["chunks"]) == 3


@pytest.mark.parametrize("name", ["hash undeclared", "bad chunk"])
def test_a_worker_that_saw_the_job_before_another_died_taking_it_out_ends_it_alike(
    make_bench: Make, tmp_path: Path, name: str
) -> None:
    first = make_bench(inline=True)
    scene(name).send(first.store, tmp_path)
    late = make_bench(store=first.store, clock=first.clock, worker="w2", inline=True)
    late.service._poll()
    manifest = "inbox/j1.json" if name == "bad chunk" else "inbox/dispatch.json"
    first.store.fail(AWAY, "delete", manifest, times=None)
    while first.store.operations[-1] != ("delete", manifest):
        first.round()
    first.leases.release_all()
    first.store._faults.clear()
    late.run()
    inbox, done, failed = ends(late)
    assert (inbox, len(done)) == ([], 0 if scene(name).fails else 1)
    assert [late.json(path)["error"] for path in failed if path.endswith("error.json")] == (
        [scene(name).reason] if scene(name).fails else []
    )
