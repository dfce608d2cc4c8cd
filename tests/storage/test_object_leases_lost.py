"""Leases in an object store that are deleted, cannot be renewed, or whose writes get no answer."""

import pytest
from fakes.object_lease_scene import AWAY, PATH, TIMING, Scene, scene

from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.object_lease_record import FREE

__all__ = ["scene"]


def test_a_renewal_never_makes_a_lease_again_that_was_deleted(scene: Scene) -> None:
    me = scene.worker("me")
    me.request("job")
    scene.shared.delete(PATH)
    scene.clock.advance(TIMING.refresh)
    me.refresh()
    assert me.state("job") is LeaseState.LOST
    assert scene.content() is None


def test_a_holder_that_cannot_renew_stops_by_itself_and_gives_back_what_is_still_its_own(scene: Scene) -> None:
    me = scene.worker("me")
    me.request("job")
    scene.clients["me"].outage = AWAY
    scene.clock.advance(TIMING.refresh)
    with pytest.raises(StoreUnavailable):
        me.refresh()
    assert me.held("job")
    scene.clock.advance(TIMING.stop - TIMING.refresh)
    assert me.state("job") is LeaseState.LOST
    me.refresh()
    scene.clients["me"].outage = None
    me.tick()
    assert scene.content() == FREE


@pytest.mark.parametrize("lost", ["claim", "renewal", "release"])
def test_a_write_whose_answer_was_lost_is_known_again(scene: Scene, lost: str) -> None:
    me = scene.worker("me")
    client = scene.clients["me"]
    if lost == "claim":
        client.outage, client.lands = AWAY, True
        with pytest.raises(StoreUnavailable):
            me.request("job")
        assert (me.state("job"), scene.holder()) == (LeaseState.IDLE, "me")
        client.outage = None
        me.request("job")
        assert me.held("job")
        return
    me.request("job")
    client.outage, client.lands = AWAY, True
    if lost == "renewal":
        scene.clock.advance(TIMING.refresh)
        with pytest.raises(StoreUnavailable):
            me.refresh()
        client.outage = None
        me.refresh()
        scene.clock.advance(TIMING.stop - 1)
        assert me.held("job"), "the second try counted"
    else:
        me.release("job")
        client.outage = None
        scene.clock.advance(TIMING.refresh)
        me.tick()
        assert scene.content() == FREE
        assert me.wake_in() is None


def test_a_release_that_failed_is_made_up_for_and_takes_nothing_from_a_later_claim(scene: Scene) -> None:
    me = scene.worker("me")
    me.request("job")
    scene.clients["me"].outage = AWAY
    me.release("job")
    assert (me.state("job"), scene.holder(), me.wake_in()) == (LeaseState.IDLE, "me", TIMING.refresh)
    scene.clients["me"].outage = None
    me.request("job")
    assert me.held("job"), "its own old lease is in nobody's way"
    scene.clock.advance(TIMING.refresh)
    me.tick()
    assert (me.held("job"), scene.holder()) == (True, "me")
