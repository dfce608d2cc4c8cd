"""Runs in trouble: codecs that die, data that is wrong, folders that are away, leases that are lost."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fakes.bench import Bench
from fakes.run_scene import COUNT, SIZE, TEXT, check, recipes, runs, send

from panini_daemon.compute import Order
from panini_daemon.errors import ComputeDied
from panini_daemon.storage.errors import LeaseLost, StoreUnavailable
from panini_daemon.storage.root import CHUNKS


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench(solid=True)


def test_a_codec_that_dies_of_a_run_is_passed_over_for_all_of_it(bench: Bench) -> None:
    def die(order: Order) -> None:
        if not order.exclude:
            raise ComputeDied("killed", "text_ppmd_v1")

    bench.compute.before = die
    send(bench)
    bench.run()
    assert [(order.size, order.exclude) for order in bench.compute.orders] == [
        (len(TEXT), ()),
        (len(TEXT), ("text_ppmd_v1",)),
    ]
    check(bench)


def test_a_run_that_cannot_be_compressed_is_split(bench: Bench) -> None:
    def die(order: Order) -> None:
        if order.size > SIZE * 2:
            raise ComputeDied("killed")

    bench.compute.before = die
    send(bench)
    bench.run()
    assert runs(bench) == []
    assert any(event["event"] == "run_split" for event in bench.events())
    check(bench)


def test_a_payload_that_decodes_to_other_bytes_is_never_committed(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(solid=True, level="balanced")
    bench.compute.wrong_decodes = 1
    send(bench)
    bench.run()
    assert len(bench.compute.orders) == 2
    check(bench)


def test_a_chunk_that_is_not_as_declared_fails_alone(bench: Bench) -> None:
    send(bench)
    (name,) = [entry.name for entry in bench.store.list("inbox") if entry.name.endswith(".json")]
    manifest = bench.json(f"inbox/{name}")
    manifest["files"][0]["chunks"][1]["hash"] = "0" * 64
    bench.store.write(f"inbox/{name}", json.dumps(manifest).encode())
    bench.run()
    assert bench.failure()["error"] == "HashMismatch"
    assert len([one for one in recipes(bench) if one["chunk_id"] != 1]) == COUNT - 1


def test_nothing_names_a_run_that_was_not_written(bench: Bench) -> None:
    send(bench)
    written = []
    put, write = bench.store.put, bench.store.write

    def note_put(path: str, *arguments: Any, **options: Any) -> None:
        written.append(path)
        put(path, *arguments, **options)

    def note_write(path: str, *arguments: Any, **options: Any) -> None:
        written.append(path)
        write(path, *arguments, **options)

    bench.store.put, bench.store.write = note_put, note_write  # type: ignore[method-assign]
    bench.run()
    (run,) = runs(bench)
    assert written.index(run) < min(written.index(path) for path in written if path.endswith("recipe.json"))
    assert written.count(run) == 1


def test_while_the_folder_is_away_the_payload_is_kept_and_nothing_is_compressed_twice(bench: Bench) -> None:
    send(bench)
    bench.store.fail(StoreUnavailable("away"), operation="put", path=f"{CHUNKS}/play.txt", times=3)
    bench.run()
    assert len(bench.compute.orders) == 1
    check(bench)
    assert list((bench.folder / "kept").iterdir()) == []


def test_what_a_mount_lost_is_made_again_from_what_was_kept(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(solid=True, removal_delay=30.0)
    lost: list[str] = []

    def lose(_: float) -> None:
        if not lost and (found := runs(bench)):
            lost.extend(found)
            bench.store.delete(found[0])

    send(bench)
    advance = bench.clock.advance

    def tick(seconds: float) -> None:
        advance(seconds)
        if bench.names(CHUNKS) and "manifest.json" in bench.names(f"{CHUNKS}/play.txt"):
            lose(seconds)

    bench.clock.advance = tick  # type: ignore[method-assign]
    bench.run()
    assert lost == runs(bench)
    assert len(bench.compute.orders) == 1
    assert any(event["event"] == "commit_vanished" for event in bench.events())
    check(bench)
    assert list((bench.folder / "kept").iterdir()) == []


def test_a_job_does_not_leave_before_its_run_has_been_uploaded(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(solid=True, removal_delay=30.0)
    send(bench)
    asked: list[str] = []
    arrived = bench.store.arrived

    def ask(paths: list[str]) -> bool | None:
        asked.extend(paths)
        return arrived(paths)

    bench.store.arrived = ask  # type: ignore[method-assign, assignment]
    bench.run()
    assert runs(bench)[0] in asked


def test_a_worker_that_lost_its_lease_leaves_what_is_good(bench: Bench) -> None:
    send(bench)
    ensure, calls = bench.leases.ensure, []

    def lose(job_id: str) -> None:
        calls.append(job_id)
        if len(calls) == 6:
            raise LeaseLost("gone")
        ensure(job_id)

    bench.leases.ensure = lose  # type: ignore[method-assign]
    bench.run()
    assert len(bench.compute.orders) == 1  # the rest was adopted
    check(bench)
