import pytest
from fakes.deliveries import (
    CHUNKS,
    job,
    job_file,
    metadata,
    write_json,
    write_tree,
)
from fakes.inbox_scene import TREE, Scene

from panini_daemon.storage.errors import (
    ManifestInvalid,
    UnsafeName,
)
from panini_daemon.storage.jobs import Poll, Rejected


# Refusals at once, of that job alone.
def refuse_now(scene: Scene) -> Rejected:
    write_json(scene.store, "inbox/good.json", job(job_file(base="good")))
    scene.store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    poll = scene.poll()
    assert [found.manifest_path for found in poll.ready] == ["inbox/good.json"]
    (refused,) = poll.rejected
    assert scene.poll().rejected == ()
    return refused


def test_an_invalid_manifest_is_refused_at_once(scene: Scene) -> None:
    write_json(scene.store, "inbox/bad.json", job(version=9))
    refused = refuse_now(scene)
    assert isinstance(refused.error, ManifestInvalid)
    assert refused.manifest_path == "inbox/bad.json"


def test_metadata_that_contradicts_the_manifest_is_refused_at_once(scene: Scene) -> None:
    write_tree(scene.store, TREE)
    write_json(scene.store, f"{TREE}/chunk_0001/metadata.json", metadata(1, original_hash="0" * 64))
    refused = refuse_now(scene)
    assert isinstance(refused.error, ManifestInvalid)
    assert refused.leftovers == (*(f"{TREE}/chunk_000{n}" for n in range(3)), TREE)


def test_a_name_that_leaves_the_tree_is_refused_at_once(scene: Scene) -> None:
    write_json(scene.store, "inbox/bad.json", job(job_file(path="../../etc/passwd")))
    assert isinstance(refuse_now(scene).error, UnsafeName)


@pytest.mark.parametrize("link", ["inbox/bad.json", "inbox/dl/data.bin", "inbox/dl"])
def test_a_link_anywhere_in_the_way_is_refused(scene: Scene, link: str) -> None:
    scene.store.link(link)
    if link != "inbox/bad.json":
        write_json(scene.store, "inbox/bad.json", job(job_file(path="dl/data.bin")))
    refused = refuse_now(scene)
    assert isinstance(refused.error, UnsafeName)
    assert refused.manifest_path == "inbox/bad.json"


@pytest.mark.parametrize("link", ["chunk_0001", "chunk_0001/data.bin", "chunk_0001/metadata.json"])
def test_a_link_in_a_tree_is_refused(scene: Scene, link: str) -> None:
    write_tree(scene.store, TREE)
    scene.store.delete(f"{TREE}/{link}")
    scene.store.link(f"{TREE}/{link}")
    assert isinstance(refuse_now(scene).error, UnsafeName)


def test_a_manifest_over_the_limit_is_refused_without_being_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.store.write("inbox/bad.json", b" " * 5000)
    monkeypatch.setattr("panini_daemon.storage.arrival.check_size", _limit_of_4000)
    refused = refuse_now(scene)
    assert isinstance(refused.error, ManifestInvalid)
    assert ("open", "inbox/bad.json") not in scene.store.operations
    scene.inbox.set_aside(refused, [])
    assert scene.store.files[f"failed/{refused.job_id}/manifest.json"] == b" " * 5000


def _limit_of_4000(size: int, what: str) -> None:
    from panini_daemon.storage.json_input import check_size

    check_size(size, what, 4000)


# Names that are nobody's job.
@pytest.mark.parametrize(
    "name",
    [
        ".j.json",
        "j.json.partial",
        "j.json.tmp",
        "~j.json",
        "desktop.ini",
        "note.txt",
        ".panini-new-1.tmp",
        "j.json.a1b2.partial",
    ],
)
def test_other_files_are_ignored(scene: Scene, name: str) -> None:
    scene.store.write(f"inbox/{name}", b"{")
    scene.store.write(f"{TREE}/notes/{name}", b"{")
    assert scene.poll() == Poll()
    assert scene.wait() == Poll()


def test_hidden_folders_are_ignored(scene: Scene) -> None:
    write_tree(scene.store, "inbox/.trash/photo.png")
    assert scene.poll() == Poll()


def test_folders_are_not_searched_without_end(scene: Scene) -> None:
    write_tree(scene.store, "inbox/" + "/".join("d" * 14) + "/b")
    write_tree(scene.store, "inbox/" + "/".join("e" * 40) + "/b")
    assert [chunk.base[0] for found in scene.poll().ready for chunk in found.chunks[:1]] == ["d"]
