"""Leases in an object store: what a holder and a rival may do."""

import itertools
import json
import threading
from datetime import UTC, datetime

import pytest
from fakes.object_client import ObjectClient
from fakes.object_lease_scene import PATH, TIMING, Scene, scene

from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.errors import LeaseLost, UnsafeName
from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.object_connection import connect
from panini_daemon.storage.object_lease_record import FREE
from panini_daemon.storage.object_leases import ObjectLeases
from panini_daemon.storage.object_versions import Versions

__all__ = ["scene"]


def test_a_job_that_nobody_contends_for_costs_two_writes(scene: Scene) -> None:
    me = scene.worker("me")
    me.request("job")
    assert (me.state("job"), me.attempt("job"), scene.holder()) == (LeaseState.HELD, 1, "me")
    me.tick()
    me.refresh()
    me.request("job")
    me.release("job")
    assert scene.clients["me"].operations == [("put", PATH), ("put", PATH)]
    assert (me.state("job"), scene.content()) == (LeaseState.IDLE, FREE)


def test_a_rival_sees_who_has_the_job_and_gets_it_when_it_is_given_back(scene: Scene) -> None:
    me, you = scene.worker("me"), scene.worker("you")
    me.request("job")
    you.request("job")
    assert (you.state("job"), you.holder("job"), you.attempt("job")) == (LeaseState.TAKEN, "me", 0)
    with pytest.raises(LeaseLost, match="holder: me"):
        you.ensure("job")
    me.release("job")
    assert you.wake_in() == TIMING.refresh
    scene.clock.advance(TIMING.refresh)
    you.tick()
    assert you.state("job") is LeaseState.IDLE
    you.request("job")
    assert (you.state("job"), you.attempt("job")) == (LeaseState.HELD, 1)
    me.request("job")
    assert me.state("job") is LeaseState.TAKEN


def test_many_watched_jobs_cost_one_listing_for_each_refresh_time(scene: Scene) -> None:
    me, you = scene.worker("me"), scene.worker("you")
    for number in range(20):
        me.request(f"job-{number}")
        you.request(f"job-{number}")
    scene.clients["you"].operations.clear()
    for _ in range(60):
        scene.clock.advance(1.0)
        you.tick()
    assert scene.clients["you"].operations == [("list", "leases")]


def test_a_renewal_is_one_write_and_keeps_rivals_away(scene: Scene) -> None:
    me, you = scene.worker("me"), scene.worker("you")
    me.request("job")
    you.request("job")
    scene.clients["me"].operations.clear()
    for _ in range(20):
        scene.clock.advance(TIMING.refresh)
        me.refresh()
        you.tick()
        assert (me.held("job"), you.state("job")) == (True, LeaseState.TAKEN)
    assert scene.clients["me"].operations == [("put", PATH)] * 20


def test_a_silent_holder_has_stopped_before_another_takes_over_with_the_next_attempt(scene: Scene) -> None:
    me, you = scene.worker("me"), scene.worker("you")
    me.request("job")
    you.request("job")
    for _ in range(5):
        scene.clock.advance(TIMING.refresh)
        you.tick()
        assert not (me.held("job") and you.state("job") is not LeaseState.TAKEN)
    assert (me.state("job"), you.state("job")) == (LeaseState.LOST, LeaseState.IDLE)
    you.request("job")
    assert (you.held("job"), you.attempt("job"), scene.holder()) == (True, 2, "you")
    me.refresh()
    me.tick()
    assert (me.state("job"), scene.holder()) == (LeaseState.LOST, "you")


def test_a_lease_that_is_renewed_at_the_last_moment_is_not_taken_over(scene: Scene) -> None:
    me, you = scene.worker("me"), scene.worker("you")
    me.request("job")
    you.request("job")
    scene.clock.advance(TIMING.stale)
    you.tick()
    assert you.state("job") is LeaseState.IDLE, "it was dead when it was listed"
    Versions(scene.shared, "memory").update(PATH, b"{}", Versions(scene.shared, "memory").read(PATH)[1])  # type: ignore[index]
    you.request("job")
    assert you.state("job") is LeaseState.TAKEN


def test_clocks_of_the_wall_prove_nothing(scene: Scene) -> None:
    me, you = scene.worker("me"), scene.worker("you")
    me.request("job")
    you.request("job")
    scene.clock.set_wall(datetime(2040, 1, 1, tzinfo=UTC))
    scene.clock.advance(TIMING.refresh)
    me.refresh()
    you.tick()
    assert (me.held("job"), you.state("job")) == (True, LeaseState.TAKEN)


def test_a_release_never_ends_anothers_lease(scene: Scene) -> None:
    me, you = scene.worker("me"), scene.worker("you")
    me.request("job")
    you.request("job")
    scene.clock.advance(TIMING.stale)
    you.tick()
    you.request("job")
    me.release("job")
    assert scene.holder() == "you"


def test_what_an_earlier_process_left_is_given_back_and_counts_as_an_attempt(scene: Scene) -> None:
    before, you = scene.worker("me"), scene.worker("you")
    before.request("job")
    you.request("other")
    me = scene.worker("me")
    assert me.recover() == {"job": 1}
    assert scene.content() == FREE
    assert scene.content("leases/other.json") != FREE, "another's is left alone"
    me.request("job")
    assert me.attempt("job") == 2


def test_a_worker_that_ends_gives_everything_back(scene: Scene) -> None:
    me = scene.worker("me")
    for number in range(20):
        me.request(f"job-{number}")
    me.release_all()
    assert {scene.content(f"leases/job-{number}.json") for number in range(20)} == {FREE}
    assert me.state("job-1") is LeaseState.IDLE


def test_what_is_no_lease_is_waited_for_like_anothers_and_in_nobodys_way_for_ever(scene: Scene) -> None:
    Versions(scene.shared, "memory").create(PATH, b"what some other program wrote")
    me = scene.worker("me")
    me.request("job")
    assert (me.state("job"), me.holder("job")) == (LeaseState.TAKEN, None)
    scene.clock.advance(TIMING.stale)
    me.tick()
    me.request("job")
    assert me.held("job")


def test_a_job_whose_name_cannot_be_a_files_is_refused(scene: Scene) -> None:
    me = scene.worker("me")
    for key in ("a/b", "..", "x" * 251):
        with pytest.raises(UnsafeName):
            me.request(key)
    assert scene.clients["me"].operations == []


def test_many_threads_that_want_few_jobs_never_hold_one_together() -> None:
    shared = connect("memory:///", {})
    inside: dict[str, int] = dict.fromkeys(("a", "b", "c"), 0)
    won: list[str] = []
    together: list[str] = []

    def work(name: str) -> None:
        numbers = itertools.count()
        leases = ObjectLeases(
            Versions(ObjectClient(shared), "memory"),
            name,
            clock=SystemClock(),
            timing=LeaseTiming.local(),
            nonce=lambda: f"{next(numbers)}",
        )
        for key in [*inside] * 15:
            leases.request(key)
            if leases.held(key):
                inside[key] += 1
                if inside[key] != 1:
                    together.append(key)
                leases.tick()
                inside[key] -= 1
                won.append(name)
                leases.release(key)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == []
    assert len(set(won)) > 1
    assert set(inside.values()) == {0}


@pytest.mark.parametrize(
    "told",
    [{"job": "other"}, {"attempt": float("inf")}, {"sequence": 10**400}, {"attempt": "1"}, {"worker": "\ud800"}],
)
def test_a_lease_that_says_what_no_worker_writes_is_nobodys_and_goes_when_it_is_stale(
    scene: Scene, told: dict[str, object]
) -> None:
    fields = {"worker": "me", "job": "job", "attempt": 1, "nonce": "n", "sequence": 1, **told}
    scene.shared.put(PATH, json.dumps(fields).encode())
    me = scene.worker("me")
    assert me.recover() == {}
    me.request("job")
    assert me.state("job") is LeaseState.TAKEN
    scene.clock.advance(TIMING.stale)
    me.tick()
    me.request("job")
    assert me.held("job")
    assert me.attempt("job") == 1
