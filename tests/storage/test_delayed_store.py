"""The delayed folder behaves as a shared one was measured to: these tests keep the lease tests honest."""

from random import Random

from fakes.delayed_store import DelayedFolder, DelayedStore
from fakes.lease_world import Time


def make(seed: int = 1) -> tuple[Time, DelayedStore, DelayedStore]:
    time = Time()
    folder = DelayedFolder(lambda: time.seconds, Random(seed), max_delay=10.0)
    return time, folder.view("a"), folder.view("b")


def names(store: DelayedStore) -> set[str]:
    return {entry.name for entry in store.list("")}


def test_the_writer_sees_its_change_at_once_and_others_within_the_delay() -> None:
    time, mine, other = make()
    mine.write("f", b"1")
    assert mine.read("f") == b"1"
    assert names(other) == set()
    time.seconds = 10.0
    assert other.read("f") == b"1"
    mine.delete("f")
    assert names(mine) == set()
    assert names(other) == {"f"}
    time.seconds = 20.0
    assert names(other) == set()


def test_changes_appear_in_another_order_than_they_were_made() -> None:
    orders = set()
    for seed in range(20):
        time, mine, other = make(seed)
        mine.write("first", b"1")
        mine.write("second", b"2")
        while not names(other):
            time.seconds += 0.01
        orders.add(min(names(other)))
    assert orders == {"first", "second"}


def test_a_name_appears_before_its_content() -> None:
    contents = set()
    for seed in range(20):
        time, mine, other = make(seed)
        mine.write("f", b"whole")
        while not names(other):
            time.seconds += 0.01
        contents.add(other.read("f"))
    assert {b"", b"wh"} <= contents


def test_two_creations_of_one_name_become_two_files() -> None:
    time, mine, other = make()
    mine.write("a/f.json", b"mine")
    other.write("a/f.json", b"other")
    assert other.read("a/f.json") == b"other"
    time.seconds = 10.0
    for store in (mine, other):
        assert {entry.name: store.read(f"a/{entry.name}") for entry in store.list("a")} == {
            "f.json": b"mine",
            "f (1).json": b"other",
        }
