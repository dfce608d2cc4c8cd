"""Leases kept in the repository: workers that share nothing else, over real HTTP."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.github.faults import CloseBeforeAnswer, Status
from fakes.lease_hub import REFRESH, STALE, STOP, LeaseHub, LeaseWorker

from panini_daemon.storage.errors import LeaseLost
from panini_daemon.storage.github.errors import GithubUnavailable
from panini_daemon.storage.lease_claim import LeaseState

REF = "refs/panini/leases"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LeaseHub]:
    made = LeaseHub(tmp_path)
    yield made
    made.close()


@pytest.fixture
def one(world: LeaseHub) -> LeaseWorker:
    return world.worker("one")


@pytest.fixture
def two(world: LeaseHub) -> LeaseWorker:
    return world.worker("two")


def states(worker: LeaseWorker, *keys: str) -> list[str]:
    return [worker.leases.state(key).value for key in keys]


def test_nothing_is_asked_of_github_until_a_turn(world: LeaseHub, one: LeaseWorker) -> None:
    one.leases.request("j1")
    one.leases.tick()
    one.leases.refresh()
    assert (states(one, "j1"), world.hub.requests, one.leases.woken.is_set()) == (["settling"], [], True)


def test_a_claim_makes_the_reference_and_holds_the_job(world: LeaseHub, one: LeaseWorker) -> None:
    assert REF not in world.hub.refs()
    assert one.claim("j1") == pytest.approx(REFRESH)
    assert (states(one, "j1"), one.leases.attempt("j1"), one.news) == (["held"], 1, 1)
    one.leases.ensure("j1")
    lease = world.book().leases["j1"]
    assert (lease.worker, lease.attempt) == ("one", 1)
    assert (lease.expires_at - world.time.now()).total_seconds() == STALE
    assert all(not name.startswith("refs/heads/panini") for name in world.hub.refs())


def test_a_job_that_another_has_is_taken_and_tells_by_whom(one: LeaseWorker, two: LeaseWorker) -> None:
    one.claim("j1")
    two.claim("j1", "j2")
    assert (states(two, "j1", "j2"), two.leases.holder("j1")) == (["taken", "held"], "one")
    with pytest.raises(LeaseLost, match="one"):
        two.leases.ensure("j1")


def test_a_batch_costs_three_writes_however_many_jobs_are_in_it(world: LeaseHub, one: LeaseWorker) -> None:
    one.claim(*(f"j{number}" for number in range(50)))
    writes = [request for request in world.hub.requests if request.method != "GET"]
    assert len(writes) == 3
    for number in range(50):
        one.outcomes[f"j{number}"] = "done"
        one.leases.release(f"j{number}")
    one.claim("more")
    assert len([request for request in world.hub.requests if request.method != "GET"]) == 6
    assert (len(world.book().over), list(world.book().leases)) == (50, ["more"])


def test_what_is_known_to_be_another_workers_is_not_asked_for_again(
    world: LeaseHub, one: LeaseWorker, two: LeaseWorker
) -> None:
    one.claim("j1")
    two.claim("j1")
    before = len(world.hub.requests)
    for _ in range(5):
        world.advance(5)
        two.claim("j1")
    assert (len(world.hub.requests), states(two, "j1")) == (before, ["taken"])
    world.advance(10)
    two.claim("j1")
    assert [request.status for request in world.hub.requests[before:]] == [304]


def test_a_job_that_was_released_is_free(one: LeaseWorker, two: LeaseWorker, world: LeaseHub) -> None:
    one.claim("j1")
    one.leases.release("j1")
    one.leases.turn()
    assert (states(one, "j1"), world.book().leases) == (["idle"], {})
    two.claim("j1")
    assert states(two, "j1") == ["held"]


@pytest.mark.parametrize("outcome", ["done", "failed"])
def test_a_job_that_came_to_its_end_is_over_for_all(
    outcome: str, one: LeaseWorker, two: LeaseWorker, world: LeaseHub
) -> None:
    one.claim("j1")
    one.outcomes["j1"] = outcome
    one.leases.release("j1")
    one.leases.turn()
    two.claim("j1")
    assert (states(two, "j1"), world.book().over["j1"].state) == (["over"], outcome)
    world.advance(10 * STALE)
    two.claim("j1")
    assert states(two, "j1") == ["over"]


def test_a_lease_is_renewed_in_time_and_expires_without(world: LeaseHub, one: LeaseWorker, two: LeaseWorker) -> None:
    one.claim("j1")
    for _ in range(20):
        world.advance(REFRESH)
        one.leases.turn()
    two.claim("j1")
    assert (states(one, "j1"), states(two, "j1")) == (["held"], ["taken"])
    world.advance(STALE + 1)
    two.claim("j1")
    assert (states(one, "j1"), states(two, "j1"), two.leases.attempt("j1")) == (["lost"], ["held"], 2)


def test_a_holder_stops_by_itself_before_anybody_can_take_over(world: LeaseHub, one: LeaseWorker) -> None:
    one.claim("j1")
    world.hub.faults.add(lambda *_: True, Status(503), times=None)
    world.advance(STOP - 1)
    with pytest.raises(GithubUnavailable):
        one.leases.turn()
    assert one.leases.held("j1")
    world.advance(1)
    assert states(one, "j1") == ["lost"]
    with pytest.raises(LeaseLost):
        one.leases.ensure("j1")


@pytest.mark.parametrize("skew", [-36_000.0, 36_000.0])
def test_the_workers_own_wall_clocks_do_not_matter(skew: float, world: LeaseHub, one: LeaseWorker) -> None:
    skewed = world.worker("skewed", skew=skew)
    one.claim("j1")
    skewed.claim("j1", "j2")
    assert states(skewed, "j1", "j2") == ["taken", "held"]
    world.advance(STALE + 1)
    skewed.claim("j1")
    one.claim("j2")
    assert (states(skewed, "j1"), states(one, "j2")) == (["held"], ["held"])


def test_who_is_beaten_to_it_reads_again_and_loses_only_what_the_other_has(
    world: LeaseHub, one: LeaseWorker, two: LeaseWorker
) -> None:
    two.claim("j0")
    one.on("PATCH", lambda: two.claim("j1"))
    one.claim("j1", "j2")
    assert (states(one, "j1", "j2"), states(two, "j1")) == (["taken", "held"], ["held"])
    assert set(world.book().leases) == {"j0", "j1", "j2"}


def test_two_first_claims_make_one_reference(world: LeaseHub, one: LeaseWorker, two: LeaseWorker) -> None:
    one.on("POST", lambda: two.claim("j1"))
    one.claim("j1")
    assert (states(one, "j1"), states(two, "j1")) == (["taken"], ["held"])
    assert set(world.book().leases) == {"j1"}


def test_a_renewal_never_makes_anew_what_was_deleted(world: LeaseHub, one: LeaseWorker) -> None:
    one.claim("j1")
    world.delete()
    world.advance(REFRESH)
    one.leases.turn()
    assert (states(one, "j1"), REF in world.hub.refs()) == (["lost"], False)


def test_a_reference_deleted_between_read_and_write_stays_deleted(world: LeaseHub, one: LeaseWorker) -> None:
    one.claim("j1")
    world.advance(REFRESH)
    one.on("PATCH", world.delete)
    one.leases.turn()
    assert (states(one, "j1"), REF in world.hub.refs()) == (["lost"], False)


def test_a_late_release_does_not_free_what_another_took_over(
    world: LeaseHub, one: LeaseWorker, two: LeaseWorker
) -> None:
    one.claim("j1")
    world.advance(STALE + 1)
    two.claim("j1")
    one.outcomes["j1"] = "done"
    one.leases.release("j1")
    one.leases.turn()
    two.leases.turn()
    assert (states(two, "j1"), world.book().leases["j1"].worker, world.book().over) == (["held"], "two", {})


def test_a_write_whose_answer_was_lost_is_recognised_as_ones_own(world: LeaseHub, one: LeaseWorker) -> None:
    world.hub.faults.add("POST */git/refs", CloseBeforeAnswer(applied=True))
    with pytest.raises(GithubUnavailable):
        one.claim("j1")
    assert states(one, "j1") == ["settling"]
    world.advance(60)
    one.leases.turn()
    assert (states(one, "j1"), one.leases.attempt("j1")) == (["held"], 1)


def test_a_worker_that_starts_again_ends_what_its_dead_process_held(world: LeaseHub, one: LeaseWorker) -> None:
    one.claim("j1", "j2")
    again = world.worker("one")
    assert again.leases.recover() == {}
    again.claim("j1")
    assert (states(again, "j1"), again.leases.attempt("j1")) == (["held"], 2)
    assert set(world.book().leases) == {"j1"}


def test_at_the_end_all_is_given_back_at_once(world: LeaseHub, one: LeaseWorker) -> None:
    one.claim("j1", "j2")
    one.outcomes["j1"] = "done"
    one.leases.release_all()
    assert (world.book().leases, set(world.book().over)) == ({}, {"j1"})


def test_an_end_without_an_answer_is_an_end_all_the_same(world: LeaseHub, one: LeaseWorker) -> None:
    one.claim("j1")
    world.hub.faults.add(lambda *_: True, Status(500), times=None)
    one.leases.release_all()
    assert set(world.book().leases) == {"j1"}


def test_marks_of_jobs_that_left_the_repository_go_with_a_later_write(world: LeaseHub, one: LeaseWorker) -> None:
    one.claim("gone", "kept")
    one.outcomes |= {"gone": "done", "kept": "done"}
    one.leases.release("gone")
    one.leases.release("kept")
    one.leases.turn()
    one.pending = {"kept"}
    world.advance(4000)
    one.leases.request("next")
    one.leases.turn()
    assert one.leases.sweep(lambda _: True) == 1
    one.claim("another")
    assert set(world.book().over) == {"kept"}


def test_a_quiet_worker_costs_nothing(world: LeaseHub, one: LeaseWorker) -> None:
    assert one.leases.turn() == math.inf
    assert world.hub.requests == []


@pytest.mark.parametrize("count", [2, 6])
def test_workers_that_race_for_the_same_jobs_get_each_job_once(world: LeaseHub, count: int) -> None:
    keys = [f"j{number}" for number in range(100)]
    workers = [world.worker(f"w{number}") for number in range(count)]
    start = threading.Barrier(count)

    def race(worker: LeaseWorker, mine: list[str]) -> None:
        start.wait(10)
        for at in range(0, len(mine), 20):
            for key in mine[at : at + 20]:
                worker.leases.request(key)
            for _ in range(50):
                worker.clock.advance(6)
                worker.leases.turn()
                if LeaseState.SETTLING not in {worker.leases.state(key) for key in mine}:
                    break

    threads = [
        threading.Thread(target=race, args=(worker, keys[10 * number :] + keys[: 10 * number]))
        for number, worker in enumerate(workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    held = {key: [worker for worker in workers if worker.leases.held(key)] for key in keys}
    assert {len(holders) for holders in held.values()} == {1}
    book = world.book()
    assert all(book.leases[key].nonce.startswith("p") for key in keys)
