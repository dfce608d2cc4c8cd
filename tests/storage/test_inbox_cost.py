from fakes.deliveries import (
    CHUNKS,
    job,
    job_file,
    tree_manifest,
    write_chunk,
    write_json,
    write_tree,
)
from fakes.inbox_scene import TIMEOUT, TREE, Scene

from panini_daemon.storage import inbox as inbox_module
from panini_daemon.storage.jobs import Poll


def costs(scene: Scene) -> list[tuple[str, str]]:
    scene.store.operations.clear()
    scene.poll()
    return list(scene.store.operations)


def many(scene: Scene, count: int) -> None:
    scene.store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    for number in range(count):
        write_json(scene.store, f"inbox/j{number}.json", job(job_file(base=f"b{number}")))


def test_an_idle_poll_is_one_listing_and_a_few_stats_however_much_is_known(scene: Scene) -> None:
    many(scene, 300)
    assert len(scene.poll().ready) == 300
    idle = costs(scene)
    assert [path for name, path in idle if name == "list"] == ["inbox"]
    assert {name for name, _ in idle} == {"list", "stat"}
    assert len(idle) == 1 + inbox_module.RECHECKS


def test_a_new_manifest_is_read_once(scene: Scene) -> None:
    many(scene, 5)
    reads = [path for name, path in costs(scene) if name in ("open", "read")]
    assert sorted(reads) == [f"inbox/j{number}.json" for number in range(5)]


def test_an_arriving_manifest_that_does_not_change_is_not_read_again(scene: Scene) -> None:
    many(scene, 1)
    scene.store.delete("inbox/d1")
    scene.poll()
    assert [name for name, _ in costs(scene)] == ["list", "stat", "stat"]


def test_a_tree_that_is_known_is_not_listed_again(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    scene.poll()
    assert not [
        path for name, path in costs(scene) if path.startswith(f"{TREE}/chunk_") or (name, path) == ("list", TREE)
    ]


def test_the_data_folder_of_a_known_job_is_never_listed(scene: Scene) -> None:
    many(scene, 1)
    assert ("list", "inbox/d1") not in costs(scene)
    assert ("list", "inbox/d1") not in costs(scene)


def test_while_much_is_missing_a_poll_looks_at_a_part_of_it(scene: Scene) -> None:
    chunks = [b"x"] * 150
    write_json(scene.store, f"{TREE}/manifest.json", tree_manifest(chunks))
    assert len(costs(scene)) < 150
    for number in range(150):
        write_chunk(scene.store, TREE, number, chunks)
    assert len(scene.one().chunks) == 150


def test_a_large_tree_of_which_one_late_chunk_is_missing_is_refused_only_after_all_was_looked_at(
    scene: Scene,
) -> None:
    chunks = [b"x"] * 120
    write_json(scene.store, f"{TREE}/manifest.json", tree_manifest(chunks))
    scene.poll()
    write_chunk(scene.store, TREE, 119, chunks)
    scene.clock.advance(TIMEOUT)
    assert scene.poll() == Poll(arriving=1)
    refused = scene.refusal()
    assert "119 are missing" in str(refused.error)


def test_a_poll_stays_within_its_allowance_and_the_next_goes_on(scene: Scene) -> None:
    scene.inbox = scene.another(operations=30)
    many(scene, 20)
    write_tree(scene.store, TREE)
    ready, polls = 0, 0
    while True:
        scene.store.operations.clear()
        poll = scene.poll()
        assert len(scene.store.operations) < 50
        ready, polls = ready + len(poll.ready), polls + 1
        if not poll.more:
            break
        assert polls < 50
    assert ready == 21
    assert polls > 3


def test_every_known_manifest_gets_its_turn_to_be_looked_at_again(scene: Scene) -> None:
    many(scene, 150)
    scene.poll()
    write_json(scene.store, "inbox/j77.json", job(job_file(base="new")))
    assert [found.chunks[0].base for _ in range(4) for found in scene.poll().ready] == ["new"]


def test_a_tree_that_comes_into_a_known_folder_is_found(scene: Scene) -> None:
    for number in range(80):
        scene.store.write(f"inbox/f{number}/note.txt", b"")
    scene.poll()
    write_tree(scene.store, "inbox/f70/photo.png")
    assert [chunk.base for _ in range(4) for found in scene.poll().ready for chunk in found.chunks[:1]] == [
        "f70/photo.png"
    ]
