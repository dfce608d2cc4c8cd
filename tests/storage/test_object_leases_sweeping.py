"""Leases in an object store that a sweep deletes or leaves."""

from fakes.object_lease_scene import TIMING, Scene, scene

from panini_daemon.storage.object_versions import Versions

__all__ = ["scene"]


def test_sweeping_deletes_only_leases_of_jobs_that_are_over_and_were_long_unchanged(scene: Scene) -> None:
    me, you = scene.worker("me"), scene.worker("you")
    for key in ("over", "open", "changed", "mine"):
        you.request(key)
        you.release(key)
    me.request("mine")
    assert me.sweep(lambda _: True) == 0
    scene.clock.advance(TIMING.stale)
    you.request("changed")
    assert me.sweep(lambda key: key != "open") == 1
    left = Versions(scene.shared, "memory").list("leases")
    assert set(left) == {"open.json", "changed.json", "mine.json"}
    scene.clients["me"].operations.clear()
    assert me.sweep(lambda key: key != "open") == 0
    assert scene.clients["me"].operations == [("list", "leases")]


def test_a_lease_that_is_taken_while_a_sweep_asks_about_its_job_stays(scene: Scene) -> None:
    me, you = scene.worker("me"), scene.worker("you")
    you.request("job")
    you.release("job")
    me.sweep(lambda _: True)
    scene.clock.advance(TIMING.stale)

    def is_done(key: str) -> bool:
        you.request(key)
        return True

    assert me.sweep(is_done) == 0
    assert (you.held("job"), scene.holder()) == (True, "you")
