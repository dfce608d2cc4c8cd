import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.busy_tree import write_busy_tree, write_status
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore
from hypothesis import given
from hypothesis import strategies as st

from panini_daemon.dashboard import view as view_module
from panini_daemon.dashboard import words
from panini_daemon.dashboard.reading import DashboardReader
from panini_daemon.dashboard.series import cut
from panini_daemon.dashboard.view import Dashboard, Jobs, Life, build, merge
from panini_daemon.history import POINTS, History, read_points
from panini_daemon.storage.errors import StoreUnavailable

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def view_of(*statuses: dict[str, Any]) -> Dashboard:
    return build("root", NOW, statuses, Jobs())


def status(worker: str = "w", *, age: float = 1.0, **fields: Any) -> dict[str, Any]:
    seen = (NOW - timedelta(seconds=age)).isoformat()
    return {"worker": worker, "state": "working", "updated_at": seen, "interval": 10.0, **fields}


@pytest.mark.parametrize(
    ("age", "state", "life"),
    [
        (1.0, "working", Life.ALIVE),
        (170.0, "working", Life.ALIVE),
        (200.0, "working", Life.DEAD),
        (1.0, "stopped", Life.STOPPED),
        (1e6, "stopped", Life.STOPPED),
    ],
)
def test_a_worker_is_dead_when_its_heartbeat_is_too_old(age: float, state: str, life: Life) -> None:
    (worker,) = view_of(status(age=age, state=state)).workers
    assert worker.life is life


def test_a_slow_beating_worker_is_given_more_time() -> None:
    (worker,) = view_of(status(age=400.0, interval=60.0)).workers
    assert worker.life is Life.ALIVE


def test_the_time_left_counts_only_the_rates_of_the_living() -> None:
    queue, rate = {"jobs": 1, "bytes": 1000}, {"bytes_per_second": 10.0}
    view = view_of(
        status("a", queue=queue, throughput=rate),
        status("b", queue={"jobs": 1, "bytes": 900}, throughput=rate),
        status("c", age=1e5, queue={"jobs": 9, "bytes": 10**9}, throughput={"bytes_per_second": 1e9}),
    )
    assert view.seconds_left == pytest.approx(50.0)
    assert words.tell_queue(view) == "1.0 kB wait, about 50.0 s"


SLOW = {"chunk": "a #1", "task": "verify", "method": "m", "done": 1000, "total": 7000, "bytes_per_second": 100.0}


def test_what_a_slow_codec_is_at_is_told_with_the_time_it_will_take() -> None:
    (worker,) = view_of(status(progress=[SLOW, "?", {**SLOW, "task": "compress", "bytes_per_second": 0.0}])).workers
    assert [words.tell_ongoing(one) for one in worker.ongoing] == [
        "m checks a #1: 1.0 kB of 7.0 kB, 100 B/s, 1 min left",
        "m compresses a #1: 1.0 kB of 7.0 kB",
    ]


def test_a_dead_worker_is_at_nothing() -> None:
    (worker,) = view_of(status(age=1e6, progress=[SLOW])).workers
    assert worker.ongoing == ()


def test_each_heartbeat_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    look = view_module._worker

    def counting(told: Any, now: datetime) -> Any:
        looked.append(told["worker"])
        return look(told, now)

    monkeypatch.setattr(view_module, "_worker", counting)
    view_of(status("a"), status("b"))
    assert looked == ["a", "b"]


def test_without_workers_there_is_nothing_to_tell() -> None:
    view = view_of()
    assert words.tell_queue(view) == "no worker has run here yet"
    assert (view.bytes_in, view.history, view.space_free) == (0, (), None)


FIELDS = ["worker", "state", "updated_at", "queue", "totals", "failures", "history", "gpus", "space", "throughput"]
FIELDS += ["interval", "github", "last_error", "progress"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_a_heartbeat_of_any_form_gives_a_view(fields: dict[str, Any]) -> None:
    assert len(view_of(fields).workers) == 1


def test_what_several_workers_did_is_added_up_at_each_moment() -> None:
    assert merge([[(10, 1, 1), (30, 5, 2)], [(20, 10, 4), (30, 11, 5)]]) == [(10, 1, 1), (20, 11, 5), (30, 16, 7)]


def test_a_day_of_work_is_cut_into_even_steps_without_losing_a_byte() -> None:
    series = cut([(0, 0, 0), (100, 1000, 400)], 100.0, 4)
    assert series.done == (250.0, 250.0, 250.0, 250.0)
    assert series.saved == (150.0, 150.0, 150.0, 150.0)
    assert series.rates() == [10.0] * 4


def test_a_history_stays_short_and_keeps_its_first_and_last_point() -> None:
    history = History()
    for at in range(20_000):
        history.add(10.0 * at, at, at // 2)
    points = history.points()
    assert len(points) <= POINTS + 1
    assert points[0] == (0, 0, 0)
    assert points[-1] == (199_990, 19_999, 9_999)
    gaps = {after[0] - before[0] for before, after in itertools.pairwise(points[:-1])}
    assert max(gaps) <= 4 * min(gaps)


def test_a_history_goes_on_where_the_last_run_ended() -> None:
    history = History([(0, 100, 50)])
    history.add(1000.0, 7, 3)
    assert history.points() == [(0, 100, 50), (1000, 107, 53)]


def test_points_that_go_back_or_are_none_are_left_out() -> None:
    assert read_points([[1, 5, 5], [2, 4, 9], "x", [3, 6], [4, 6, 6.5], [5, 6, 6]]) == [(1, 5, 5), (5, 6, 6)]


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def list(self, path: str) -> Any:
        self.asked.append(f"list {path}")
        return super().list(path)

    def open(self, path: str) -> Any:
        self.asked.append(f"open {path}")
        return super().open(path)


def test_a_refresh_lists_and_reads_only_what_may_have_changed() -> None:
    store = CountingStore()
    write_busy_tree(store, NOW, chunks=5)
    reader = DashboardReader(store, "root", FakeClock())
    assert reader.read().jobs == Jobs(1, 5, 1)
    store.asked.clear()
    write_status(store, "shed-1", NOW + timedelta(seconds=9))
    assert reader.read().jobs == Jobs(1, 5, 1)
    assert store.asked == ["list status", "open status/shed-1.json", "list inbox"]


def test_jobs_are_counted_anew_when_a_heartbeat_tells_of_one() -> None:
    store = CountingStore()
    write_busy_tree(store, NOW, chunks=5)
    reader = DashboardReader(store, "root", FakeClock())
    reader.read()
    store.write("done/one-more.json", b"{}")
    assert reader.read().jobs.done == 5
    told = json.loads(store.read("status/shed-1.json"))
    told["totals"]["jobs_done"] += 1
    store.write("status/shed-1.json", json.dumps(told).encode())
    assert reader.read().jobs.done == 6


def test_a_tree_that_is_away_is_said_to_be() -> None:
    class Away(MemoryStore):
        def list(self, path: str) -> Any:
            raise StoreUnavailable(f"{path} is away")

    with pytest.raises(StoreUnavailable):
        DashboardReader(Away(), "root", FakeClock()).read()
