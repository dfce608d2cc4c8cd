"""Jobs whose originals stay for a while after they were committed, as on a mount that uploads later."""

from collections.abc import Callable

import pytest
from fakes.bench import Bench

from panini_daemon.storage.errors import StoreUnavailable

PAYLOAD = "compressed_chunks/play.txt/chunk_0000/compressed.bin"


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    made = make_bench(removal_delay=300.0)
    made.submit("play.txt", b"To be, or not to be. " * 50)
    made.service.notice()
    for _ in range(5):
        made.round()
    return made


def test_the_original_stays_until_the_delay_is_over(bench: Bench) -> None:
    assert bench.names("done") == []
    assert len(bench.names("inbox")) == 2
    assert not bench.service.finished
    bench.clock.advance(280)
    bench.service.step()
    assert len(bench.names("inbox")) == 2
    bench.clock.advance(20)
    bench.run()
    assert [bench.names(folder) for folder in ("inbox", "leases", "failed")] == [[], [], []]
    assert len(bench.names("done")) == 1
    assert len(bench.compute.orders) == 1


def test_a_commit_that_is_gone_when_the_delay_is_over_is_made_again(bench: Bench) -> None:
    before = bench.store.read(PAYLOAD)
    bench.store.delete(PAYLOAD)
    bench.clock.advance(300)
    bench.run()
    assert bench.store.read(PAYLOAD) == before
    assert len(bench.compute.orders) == 2
    assert bench.names("inbox") == []
    assert [event["event"] for event in bench.events()].count("commit_vanished") == 1


def test_a_folder_that_is_away_when_the_delay_is_over_is_waited_for(bench: Bench) -> None:
    fault = bench.store.fail(StoreUnavailable("away"), "delete", "inbox", times=None)
    bench.on_sleep = lambda _: fault.clear()
    bench.clock.advance(300)
    bench.run()
    assert bench.names("inbox") == []


def test_a_worker_that_dies_meanwhile_leaves_the_rest_to_the_next(
    bench: Bench, make_bench: Callable[..., Bench]
) -> None:
    bench.close()
    other = make_bench(store=bench.store, clock=bench.clock, worker="w2")
    other.run()
    assert other.names("inbox") == []
    assert other.compute.orders == []
