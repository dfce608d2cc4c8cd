"""Workers measure how long a change in their folder takes until others see it."""

import json
from random import Random

import pytest
from fakes.delayed_store import DelayedFolder
from fakes.lease_world import Time, WorkerClock
from fakes.memory_store import MemoryStore

from panini_daemon.storage.probe_file import Mark, Probe, format_probe, parse_probe
from panini_daemon.storage.propagation import AGAIN, DEAD, LOOK, MEMORY, QUIET, WRITE, Propagation
from panini_daemon.storage.root import LEASES, MARKER
from panini_daemon.storage.store import Store


class Workers:
    """Some workers on one delayed folder, whose beats come every second or so."""

    def __init__(self, count: int, *, delay: float, least: float = 0.0, seed: int = 1) -> None:
        random = Random(seed)
        self.time = Time()
        self.folder = DelayedFolder(lambda: self.time.seconds, random, max_delay=delay, min_delay=least)
        stores = [self.folder.view(f"w{number}") for number in range(count)]
        stores[0].write(MARKER, b"{}")
        stores[0].write(f"{LEASES}/.keep", b"")
        self.time.seconds += delay
        self.clocks = [WorkerClock(self.time, random) for _ in stores]
        self.stores: list[Store] = [*stores]
        self.all = [
            Propagation(store, f"w{number}", clock=clock, nonce=f"n{number}")
            for number, (store, clock) in enumerate(zip(stores, self.clocks, strict=True))
        ]

    def run(self, seconds: float, *, only: list[int] | None = None) -> None:
        end = self.time.seconds + seconds
        while self.time.seconds < end:
            for number in only if only is not None else range(len(self.all)):
                self.all[number].beat()
            self.time.seconds += 1.0


@pytest.mark.parametrize("delay", [0.0, 20.0, 90.0, 300.0])
@pytest.mark.parametrize("count", [2, 4])
def test_what_is_measured_is_never_below_the_delay_and_not_far_above_both_ways(count: int, delay: float) -> None:
    workers = Workers(count, delay=delay, least=delay)  # every change takes just so long
    workers.run(4000)
    for worker in workers.all:
        found = worker.longest()
        assert found is not None
        assert 2 * delay <= found <= 2 * delay + 2 * (WRITE + LOOK) + (QUIET if delay > QUIET / 2 else 0.0)


def test_a_slow_worker_among_fast_ones_is_seen_by_all() -> None:
    workers = Workers(4, delay=2.0)
    see = workers.folder.visible

    def see_late(view: str) -> object:
        if view != "w3":
            return see(view)
        now, workers.time.seconds = workers.time.seconds, workers.time.seconds - 120.0
        try:
            return see(view)
        finally:
            workers.time.seconds = now

    workers.folder.visible = see_late  # type: ignore[method-assign,assignment]
    workers.run(4000)
    assert all((worker.longest() or 0) >= 120.0 for worker in workers.all)


def test_nobody_else_is_no_measurement() -> None:
    workers = Workers(1, delay=5.0)
    workers.run(2000)
    assert workers.all[0].longest() is None


def test_what_is_older_than_an_hour_counts_no_more() -> None:
    workers = Workers(2, delay=20.0)
    workers.run(1000)
    assert workers.all[0].longest() is not None
    workers.run(MEMORY + 1, only=[0])
    assert workers.all[0].longest() is None


def test_once_measured_it_costs_next_to_nothing() -> None:
    store, clock = MemoryStore(), WorkerClock(Time(), Random(1))
    store.write(MARKER, b"{}")
    store.write(f"{LEASES}/.keep", b"")
    workers = [Propagation(store, f"w{number}", clock=clock, nonce="n") for number in range(3)]
    for second in range(7200):
        clock._time.seconds = float(second)
        for worker in workers:
            worker.beat()
        if second == 1000:
            store.operations.clear()
    hours = 6200 / 3600
    assert store.count("write") / 3 / hours <= 6 * 4  # a round every ten minutes: two numbers, and the others' answers
    assert store.count("list") / 3 / hours <= 3600 / QUIET + 6 * (3 * QUIET / LOOK)


def test_writes_leave_a_mount_time_to_upload() -> None:
    store, clock = MemoryStore(), WorkerClock(Time(), Random(1))
    store.write(f"{LEASES}/.keep", b"")
    workers = [Propagation(store, f"w{number}", clock=clock, nonce="n") for number in range(5)]
    written: dict[str, float] = {}
    for second in range(500):
        clock._time.seconds = float(second)
        for worker in workers:
            before = store.count("write")
            worker.beat()
            if store.count("write") > before:
                path = store.operations[-1][1]
                assert second - written.get(path, -WRITE) >= WRITE
                written[path] = second


def test_another_process_of_the_same_name_takes_no_answer_to_the_first() -> None:
    workers = Workers(2, delay=10.0)
    workers.run(500)
    again = Propagation(workers.stores[0], "w0", clock=workers.clocks[0], nonce="n0again")
    again.beat()
    assert again.longest() is None
    workers.all[0] = again
    workers.run(1500)
    assert again.longest() is not None


def test_the_probe_of_a_worker_that_is_gone_is_removed_in_the_end() -> None:
    workers = Workers(2, delay=1.0)
    workers.run(200)
    names = {entry.name for entry in workers.stores[0].list(LEASES)}
    assert {"probe-w0.json", "probe-w1.json"} <= names
    workers.run(DEAD + AGAIN, only=[0])
    assert "probe-w1.json" not in {entry.name for entry in workers.stores[0].list(LEASES)}
    workers.all[0].close()
    assert "probe-w0.json" not in {entry.name for entry in workers.stores[0].list(LEASES)}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"nonce": "a", "number": 1, "se',
        b"[]",
        b'{"nonce": "a", "number": true, "seen": {}}',
        b'{"nonce": "A B", "number": 1, "seen": {}}',
        b'{"nonce": "a", "number": 1e9, "seen": {}}',
        b'{"nonce": "a", "number": -1, "seen": {}}',
        b"[" * 50_000,
        b" " * 100_000,
    ],
)
def test_what_is_no_probe_is_none(data: bytes) -> None:
    assert parse_probe(data) is None


def test_a_probe_reads_back_and_leaves_out_what_is_damaged() -> None:
    probe = Probe(Mark("a1", 7), {"probe-other.json": Mark("b2", 3)})
    assert parse_probe(format_probe(probe)) == probe
    fields = json.loads(format_probe(probe))
    fields["seen"] |= {"probe-x.json": ["b", "3"], "probe-y.json": 7}
    assert parse_probe(json.dumps(fields).encode()) == probe
